package drive

import (
	"errors"
	"time"
)

// Patience is how long a load waits for anything to come: a run in which no
// operation is completed for longer ends with an error that is ErrSilent. It
// also bounds a connect.
const Patience = 10 * time.Second

// The reasons for which a run fails, beside the errors of system calls.
var (
	ErrSilent = errors.New("no answer came for too long")
	ErrClosed = errors.New("the server closed the connection")
	ErrWrong  = errors.New("the answer is wrong")
)

// A Work is a load to be: Echo, Transform, Idle, Fetch, TransformOnce, Stream or
// Paced.
type Work interface {
	// Open connects to a server, and leaves it at that.
	Open(addr string) (Load, error)
}

// A Load is a load with its connections. It is for one goroutine at a time.
//
// After an error it can only be closed.
type Load interface {
	// Run does ops operations, which are complete when it returns, and adds
	// them to r.
	Run(ops int, r *Result) error
	// RunFor begins operations for as long as d, completes them, and adds them
	// to r.
	RunFor(d time.Duration, r *Result) error
	// InFlight is how many operations are under way at once, most of the time:
	// a run of fewer shows something else.
	InFlight() int
	// Close closes the connections.
	Close() error
}

// Echo sends messages that a server should send back. An operation is a
// message and its answer.
type Echo struct {
	Conns int // connections
	Depth int // messages under way on each
	Size  int // bytes of a message
}

// Open connects.
func (e Echo) Open(addr string) (Load, error) {
	return openExchange(addr, echoScript(e.Size, e.Depth), e.Conns, e.Depth, e.Conns*e.Depth)
}

// Transform sends requests "cummingsify" with texts to a transform server, as
// netstrings. An operation is a request and its answer.
type Transform struct {
	Conns int // connections
	Depth int // requests under way on each
	Size  int // bytes of a text
}

// Open connects.
func (t Transform) Open(addr string) (Load, error) {
	return openExchange(addr, transformScript(t.Size, t.Depth), t.Conns, t.Depth, t.Conns*t.Depth)
}

// Idle holds connections to an echo server. A run carries messages over them in
// turn, a few at a time, so that one of Conns operations uses each once.
type Idle struct {
	Conns int // connections
	Size  int // bytes of a message
}

// idleWindow is how many idle connections carry a message at once.
const idleWindow = 64

// Open connects.
func (i Idle) Open(addr string) (Load, error) {
	return openExchange(addr, echoScript(i.Size, 1), i.Conns, 1, min(idleWindow, i.Conns))
}

// Fetch connects, reads a poem to its end, and closes. An operation is all that.
type Fetch struct {
	AtOnce int // connections at once
	Poem   int // bytes of the poem
}

// Open connects nothing yet.
func (f Fetch) Open(addr string) (Load, error) { return openVisits(addr, nil, Poem(f.Poem), f.AtOnce) }

// TransformOnce connects, sends one request of a text, reads the answer to its
// end, and closes. An operation is all that.
type TransformOnce struct {
	AtOnce int // connections at once
	Size   int // bytes of the text
}

// Open connects nothing yet.
func (t TransformOnce) Open(addr string) (Load, error) {
	s := transformScript(t.Size, 1)
	return openVisits(addr, s.request(0), s.answer(0), t.AtOnce)
}

// Stream reads streams of zeros as fast as they come. An operation is 64 KiB;
// there are no latencies. Most of the bytes are counted and thrown away in the
// kernel, so that the load costs little.
type Stream struct {
	Conns int   // connections
	Bytes int64 // of a whole stream, after which it is asked for again; 0 stands for 1 GiB
}

// Open connects.
func (s Stream) Open(addr string) (Load, error) { return openStreams(addr, s.Conns, s.Bytes) }

// Paced is an echo at a fixed rate, whatever the server makes of it: messages
// are due at even distances, on one connection after the other, and a latency
// counts from when the message was due. A server that stands still for a moment
// is so charged for all that had to wait (there is no "coordinated omission").
type Paced struct {
	Conns int     // connections
	Size  int     // bytes of a message
	Rate  float64 // messages in a second, on all connections together
}

// Open connects.
func (p Paced) Open(addr string) (Load, error) { return openPaced(addr, p) }
