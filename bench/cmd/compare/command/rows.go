package command

import (
	"fmt"
	"strings"
	"time"

	"skein/bench/cmd/compare/report"
)

// kind is how a row is measured.
type kind int

const (
	turns  kind = iota // CPU per operation, in turns
	paced              // latency at a fixed rate, in turns
	memory             // one server after the other
	scale              // several processes of a server
)

// load is what the clients do.
type load int

const (
	echo load = iota
	fetch
	once
	transform
	stream
)

// A row is one piece of work to measure.
type row struct {
	name, label string
	kind        kind
	load        load
	work        string // of the server
	conns       int
	depth       int
	origin      bool // the server needs an origin
}

// The sizes of what is sent, in bytes.
const (
	messageSize = 64
	textSize    = 64 // of a request to transform
	poemSize    = 3072
	streamSize  = 1 << 30
)

// The connections of rows that are not about their number.
const (
	visitors     = 64    // at once, of fetch and once
	pacedConns   = 1000  // of the latency row
	memoryConns  = 10000 // at which the whole process is weighed
	memoryMore   = 15000 // at which a connection is weighed
	memoryPassed = 4096  // bytes of the message that each carries once
)

// allRows returns the table of rows, in their order.
func allRows() []row {
	rows := []row{}
	for _, conns := range []int{50, 1000, 10000} {
		for _, depth := range []int{1, 16} {
			rows = append(rows, row{name: fmt.Sprintf("echo-%d-%d", conns, depth), label: "echo, " + crowd(conns, depth),
				load: echo, work: "echo", conns: conns, depth: depth})
		}
	}
	return append(rows,
		row{name: "poem", label: "connect, 3 KB poem, close", load: fetch, work: "poem", conns: visitors},
		row{name: "once", label: "transform, one a connection", load: once, work: "once", conns: visitors},
		row{name: "transform-50-1", label: "transform, " + crowd(50, 1), load: transform, work: "transform", conns: 50, depth: 1},
		row{name: "transform-50-16", label: "transform, " + crowd(50, 16), load: transform, work: "transform", conns: 50, depth: 16},
		row{name: "proxy", label: "proxy, from its cache", load: fetch, work: "proxy", conns: visitors, origin: true},
		row{name: "relay", label: "proxy, a fetch each time", load: fetch, work: "relay", conns: visitors, origin: true},
		row{name: "stream-1", label: "bulk stream, 1 connection", load: stream, work: "stream", conns: 1},
		row{name: "stream-100", label: "bulk stream, 100 connections", load: stream, work: "stream", conns: 100},
		row{name: "latency", label: "latency", kind: paced, work: "echo", conns: pacedConns},
		row{name: "memory", label: "memory", kind: memory, work: "echo"},
		row{name: "scale", label: "scale", kind: scale, work: "echo"},
	)
}

// crowd is connections and depth in words.
func crowd(conns, depth int) string {
	words := fmt.Sprintf("%d connections", conns)
	if conns >= 1000 {
		words = fmt.Sprintf("%d,%03d connections", conns/1000, conns%1000)
	}
	if depth > 1 {
		words += fmt.Sprintf(" × %d", depth)
	}
	return words
}

// rowNames lists the rows for a message.
func rowNames() string {
	var names []string
	for _, r := range allRows() {
		names = append(names, r.name)
	}
	return strings.Join(names, ", ")
}

// unit is what an operation's cost is told in.
func (r row) unit() string {
	if r.load == stream {
		return "ns/64 KiB"
	}
	return "ns/op"
}

// sections are what the rows of each kind share.
func (c config) section(k kind) report.Section {
	switch k {
	case paced:
		return report.Section{Name: "latency", Relative: true, Title: fmt.Sprintf(
			"Latency of an echo at 1,000 connections and %d messages in a second, which come whether or not the server keeps up", c.rate)}
	case memory:
		return report.Section{Name: "memory", Title: "Memory of the server's process that is its alone; a connection's share is what is beyond the empty server at 15,000"}
	}
	return report.Section{Name: "cpu", Relative: true,
		Title: "CPU time of the server's process for an operation, as a multiple of the reference's: median over the rounds ± spread"}
}

// sliceOf is how long a slice of the row is.
func (c config) sliceOf(r row) time.Duration {
	if r.kind == paced { // one in a thousand is told, so it takes thousands
		return 10 * c.slice
	}
	return c.slice
}

// warmup is how long the slice is that does not count: compilers that work while
// a program runs, and its memory, have found their way by then.
func (c config) warmup(r row) time.Duration {
	if r.kind == paced {
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
func planRow(c config, r row) time.Duration {
	servers := time.Duration(len(c.servers))
	switch r.kind {
	case memory:
		return servers * memoryTime
	case scale:
		return min(servers, 2) * scaleTime
	}
	each := startTime + time.Duration(r.conns)*connectTime + c.warmup(r) + time.Duration(c.rounds)*c.sliceOf(r) + time.Duration(c.rounds+1)*restTime
	if r.kind == paced {
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
