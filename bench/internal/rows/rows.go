// Package rows is the table of the work that servers are given: what they are
// told, which load they get, and what a row is called. The commands that measure
// servers share it. The loads are there on Linux only.
//
//	rows.go        the table, and how servers are started for a row
//	origin.go      where the server is that has the poem for others
//	load_linux.go  the load of a row
package rows

import (
	"fmt"
	"path"
	"strings"
)

// A Kind is how compare measures a row.
type Kind int

// The kinds.
const (
	Turns  Kind = iota // CPU per operation, in turns
	Paced              // latency at a fixed rate, in turns
	Memory             // one server after the other
	Scale              // several processes of a server
)

// A Row is one piece of work to measure.
type Row struct {
	Name, Label string
	Kind        Kind
	Work        string // of the server, see package bench
	Conns       int
	Depth       int
}

// The works.
const (
	echo      = "echo"
	poem      = "poem"
	once      = "once"
	transform = "transform"
	proxy     = "proxy"
	relay     = "relay"
	stream    = "stream"
)

// The sizes of what is sent, in bytes.
const (
	MessageSize = 64
	textSize    = 64 // of a request to transform
	poemSize    = 3072
	streamSize  = 1 << 30
)

// The connections of rows that are not about their number.
const (
	visitors   = 64   // at once, of those that do not stay
	pacedConns = 1000 // of the latency row
)

// All returns the table of rows, in their order.
func All() []Row {
	var rows []Row
	for _, conns := range []int{50, 1000, 10000} {
		for _, depth := range []int{1, 16} {
			rows = append(rows, Row{Name: fmt.Sprintf("echo-%d-%d", conns, depth), Label: "echo, " + crowd(conns, depth),
				Work: echo, Conns: conns, Depth: depth})
		}
	}
	return append(rows,
		Row{Name: "poem", Label: "connect, 3 KB poem, close", Work: poem, Conns: visitors},
		Row{Name: "once", Label: "transform, one a connection", Work: once, Conns: visitors},
		Row{Name: "transform-50-1", Label: "transform, " + crowd(50, 1), Work: transform, Conns: 50, Depth: 1},
		Row{Name: "transform-50-16", Label: "transform, " + crowd(50, 16), Work: transform, Conns: 50, Depth: 16},
		Row{Name: "proxy", Label: "proxy, from its cache", Work: proxy, Conns: visitors},
		Row{Name: "relay", Label: "proxy, a fetch each time", Work: relay, Conns: visitors},
		Row{Name: "stream-1", Label: "bulk stream, 1 connection", Work: stream, Conns: 1},
		Row{Name: "stream-100", Label: "bulk stream, 100 connections", Work: stream, Conns: 100},
		Row{Name: "latency", Label: "latency", Kind: Paced, Work: echo, Conns: pacedConns},
		Row{Name: "memory", Label: "memory", Kind: Memory, Work: echo},
		Row{Name: "scale", Label: "scale", Kind: Scale, Work: echo},
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

// Choose returns the rows of a table that match one of the comma-separated
// patterns, in the table's order.
func Choose(table []Row, patterns string) ([]Row, error) {
	wanted := make([]bool, len(table))
	for pattern := range strings.SplitSeq(patterns, ",") {
		pattern, hit := strings.TrimSpace(pattern), false
		for i, r := range table {
			match, err := path.Match(pattern, r.Name)
			if err != nil {
				return nil, fmt.Errorf("-rows %q: %w: use names with * and ? in them", pattern, err)
			}
			if match {
				wanted[i], hit = true, true
			}
		}
		if !hit {
			return nil, fmt.Errorf("-rows: there is no row %q: use some of %s", pattern, Names(table))
		}
	}
	var chosen []Row
	for i, r := range table {
		if wanted[i] {
			chosen = append(chosen, r)
		}
	}
	return chosen, nil
}

// Names lists the rows of a table for a message.
func Names(table []Row) string {
	var names []string
	for _, r := range table {
		names = append(names, r.Name)
	}
	return strings.Join(names, ", ")
}

// Streams reports whether an operation is a piece of a stream.
func (r Row) Streams() bool { return r.Work == stream }

// Together is how many servers may have this row's connections at the same time,
// two at least; 0: all. A stream whose reader waits for its turn fills the kernel's
// buffers with some MiB: a hundred of each of three servers can be more than the
// kernel likes to give to TCP (net.ipv4.tcp_mem), and the row would tell which of
// them came too late.
func (r Row) Together() int {
	if r.Streams() && r.Conns > 1 {
		return 2
	}
	return 0
}

// NeedsOrigin reports whether the server needs another one that has the poem.
func (r Row) NeedsOrigin() bool { return r.Work == proxy || r.Work == relay }

// Args are a server's arguments for the row: the WORK and its flags. The origin
// is the address of the server that has the poem, for a row that needs one.
func (r Row) Args(origin string) []string {
	switch {
	case r.Streams():
		return []string{r.Work, "-stream", fmt.Sprint(streamSize)}
	case r.Work == poem:
		return poemArgs()
	case r.NeedsOrigin():
		return []string{r.Work, "-origin", origin}
	}
	return []string{r.Work}
}
