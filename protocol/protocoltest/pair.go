package protocoltest

import (
	"fmt"
	"net"

	"skein/protocol"
)

// The defaults of a [Pair].
const (
	// DefaultHighWater is the number of queued bytes above which a streaming
	// producer is paused.
	DefaultHighWater = 64 << 10
	// DefaultMaxSteps is the number of steps after which Pump gives up.
	DefaultMaxSteps = 10_000_000

	// maxRead is the most that one DataReceived gets, as from a socket.
	maxRead = 64 << 10
	// poison overwrites what DataReceived was given once it has returned, so
	// that a protocol that kept the slice instead of a copy is found out.
	poison = 0xDB
)

// Pair is two protocols connected back to back in memory. Nothing moves but
// inside [Pair.Step] and [Pair.Pump], so a test decides when bytes arrive and
// in which pieces, and no call ever comes from inside another.
//
// The two ends behave as the two ends of a TCP connection would whose kernel
// holds no bytes: what one end has written waits in its own queue until the
// other reads it. No time passes, so there is no close deadline: an end that
// has paused keeps its peer's LoseConnection waiting. A panic in a protocol
// passes to the caller of Step or Pump.
//
// Set the exported fields between [NewPair] and the first step.
//
// Twisted: test.iosim.FakeTransport, test.iosim.IOPump.
type Pair struct {
	// Client and Server are the transports of the two protocols.
	Client, Server *End

	// Chunk returns how many of the pending bytes the next DataReceived gets;
	// a number out of range is taken as the nearest in it. nil: all of them, up
	// to 64 KiB. See [Fixed].
	Chunk func(pending int) int
	// HighWater is the number of queued bytes above which a streaming producer
	// is paused; 0: [DefaultHighWater].
	HighWater int
	// LowWater is the number of queued bytes at which it is resumed.
	LowWater int
	// MaxSteps is the number of steps after which Pump panics, because the two
	// protocols answer each other without end; 0: [DefaultMaxSteps].
	MaxSteps int

	next    *End   // who moves first in the next step
	scratch []byte // what DataReceived gets
	running bool   // a step is under way
}

// NewPair connects two protocols. They hear of it in the first steps: client
// and server each get MakeConnection, then ConnectionMade.
func NewPair(client, server protocol.Protocol) *Pair {
	p := &Pair{}
	p.Client = &End{pair: p, protocol: client, Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 54321}}
	p.Server = &End{pair: p, protocol: server, Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 10000}}
	p.Client.peer, p.Server.peer = p.Server, p.Client
	p.next = p.Client
	return p
}

// Fixed cuts what arrives into pieces of n bytes, the last one shorter; n = 1
// is the hardest test of a parser.
func Fixed(n int) func(pending int) int { return func(int) int { return n } }

// Pump takes steps until nothing is left to do, and returns how many it took.
// It panics with an error that is [ErrMisuse] if that takes more than MaxSteps.
//
// Twisted: IOPump.flush.
func (p *Pair) Pump() int {
	limit := p.MaxSteps
	if limit == 0 {
		limit = DefaultMaxSteps
	}
	for steps := 0; ; steps++ {
		if !p.Step() {
			return steps
		}
		if steps == limit {
			panic(fmt.Errorf("%w: still busy after %d steps: "+
				"do the protocols answer each other without end? Then use Step", ErrMisuse, limit))
		}
	}
}

// Step does one thing and reports whether there was anything to do: connects
// one end, delivers one chunk, asks a producer for more, tells one end that its
// input or the connection is over. The ends take turns. It panics with an error
// that is [ErrMisuse] if a protocol calls it, for then one call would come from
// inside another.
func (p *Pair) Step() bool {
	if p.running {
		panic(fmt.Errorf("%w: a protocol called Step or Pump: only the test may", ErrMisuse))
	}
	p.running = true
	defer func() { p.running = false }()
	for range 2 {
		e := p.next
		p.next = e.peer
		if e.step() {
			return true
		}
	}
	return false
}

// step does the next thing that falls to this end. Closing goes before reading,
// so that a peer that never stops writing cannot hold up the close.
func (e *End) step() bool {
	switch {
	case e.lost:
		return false
	case !e.made:
		e.connect()
	case e.reason != nil:
		e.finish(e.reason)
	case e.starves():
		e.starve()
	case e.peer.lost && e.out.size > 0:
		e.out.drop()
	case e.mayAsk():
		e.ask()
	case e.mayShut():
		e.shut()
	case e.done():
		e.finish(protocol.CloseReason(protocol.ErrConnectionDone, e.cause))
	case e.mayRead():
		e.read()
	case e.mayReadEnd():
		e.readEnd()
	default:
		return false
	}
	return true
}

// connect tells the protocol that the connection stands.
func (e *End) connect() {
	e.made = true
	e.protocol.MakeConnection(e)
	e.protocol.ConnectionMade()
}

// mayRead reports whether there are bytes from the peer that can go somewhere.
func (e *End) mayRead() bool {
	return e.peer.out.size > 0 && (!e.paused || e.disconnecting)
}

// read takes the next chunk from the peer's queue and delivers it, or drops it
// if the protocol has closed: such an end reads only to let the peer finish.
func (e *End) read() {
	if e.disconnecting {
		e.peer.out.drop()
		return
	}
	chunk := e.pair.nextChunk(&e.peer.out)
	e.protocol.DataReceived(chunk)
	for i := range chunk {
		chunk[i] = poison
	}
}

// nextChunk takes as many bytes as Chunk says out of the queue.
func (p *Pair) nextChunk(out *outbox) []byte {
	n := out.size
	if p.Chunk != nil {
		n = max(1, min(n, p.Chunk(n)))
	}
	n = min(n, maxRead)
	if len(p.scratch) < n {
		p.scratch = make([]byte, n)
	}
	return p.scratch[:out.take(p.scratch[:n])]
}
