package command

import (
	"fmt"
	"time"

	"skein/bench/cmd/compare/report"
	"skein/bench/internal/rows"
)

// What the row of memory holds.
const (
	memoryConns  = 10000 // at which the whole process is weighed
	memoryMore   = 15000 // at which a connection is weighed
	memoryPassed = 4096  // bytes of the message that each carries once
)

// unit is what an operation's cost is told in.
func unit(r rows.Row) string {
	if r.Streams() {
		return "ns/64 KiB"
	}
	return "ns/op"
}

// sections are what the rows of each kind share.
func (c config) section(k rows.Kind) report.Section {
	switch k {
	case rows.Paced:
		return report.Section{Name: "latency", Relative: true, Title: fmt.Sprintf(
			"Latency of an echo at 1,000 connections and %d messages in a second, which come whether or not the server keeps up", c.rate)}
	case rows.Memory:
		return report.Section{Name: "memory", Title: "Memory of the server's process that is its alone; a connection's share is what is beyond the empty server at 15,000"}
	}
	return report.Section{Name: "cpu", Relative: true,
		Title: "CPU time of the server's process for an operation, as a multiple of the reference's: median over the rounds ± spread"}
}

// sliceOf is how long a slice of the row is.
func (c config) sliceOf(r rows.Row) time.Duration {
	switch {
	case r.Kind == rows.Paced: // one in a thousand is told, so it takes thousands
		return 10 * c.slice
	case r.Together() > 0: // what is in the buffers at its beginning is to be a small part
		return 2 * c.slice
	}
	return c.slice
}

// warmup is how long the slice is that does not count: compilers that work while
// a program runs, and its memory, have found their way by then.
func (c config) warmup(r rows.Row) time.Duration {
	if r.Kind == rows.Paced {
		return c.sliceOf(r)
	}
	return 7 * c.slice
}

// What a row takes beside its slices, roughly.
const (
	startTime   = 150 * time.Millisecond // of a server and its load
	connectTime = 60 * time.Microsecond  // of a connection
	restTime    = 15 * time.Millisecond  // after a slice
	memoryTime  = 5 * time.Second        // of a server
	scaleTime   = 30 * time.Second       // of a server
	collectTime = time.Second            // of a server, in the row of latencies
)

// planRow guesses how long a row takes.
func planRow(c config, r rows.Row) time.Duration {
	servers := time.Duration(len(c.servers))
	if n := time.Duration(r.Together()); n > 0 && servers > n {
		servers += (servers - 2) / (n - 1) // the reference is in each group
	}
	switch r.Kind {
	case rows.Memory:
		return servers * memoryTime
	case rows.Scale:
		return min(servers, 2) * scaleTime
	}
	each := startTime + time.Duration(r.Conns)*connectTime + c.warmup(r) + time.Duration(c.rounds)*c.sliceOf(r) + time.Duration(c.rounds+1)*restTime
	if r.Kind == rows.Paced {
		each += collectTime
	}
	return servers * each
}

// plan guesses how long all takes.
func plan(c config) time.Duration {
	var sum time.Duration
	for _, r := range c.rows {
		sum += planRow(c, r)
	}
	return sum
}
