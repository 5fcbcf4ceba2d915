package poetry

import (
	"net"
	"time"

	"github.com/rs/zerolog"

	"skein/deferred/clock"
	"skein/protocol"
)

// The defaults of a [SlowFactory], which are the tutorial's.
const (
	DefaultNumBytes = 10
	DefaultDelay    = 700 * time.Millisecond

	// NoDelay is a Delay of nothing: a piece in each turn of the loop.
	NoDelay time.Duration = -1
)

// SlowFactory makes the slow server: each client gets a few bytes, and after a
// pause a few more. The pauses are timers, so any number of clients can be
// served slowly at the same time.
//
// Twisted: none; it is the exercise at the end of part 11, and does what
// blocking-server/slowpoetry.py does with time.sleep.
type SlowFactory struct {
	// Poem is what to serve.
	Poem Poem
	// Clock runs the timers: a reactor, or a fake clock. It must be set.
	Clock clock.Scheduler
	// NumBytes is how many bytes a piece has; 0: [DefaultNumBytes].
	NumBytes int
	// Delay is the pause between two pieces; 0: [DefaultDelay]; below 0: none,
	// see [NoDelay].
	Delay time.Duration
	// Log hears of each client, as a [Factory]'s does.
	Log zerolog.Logger
}

// BuildProtocol returns a [*SlowProtocol].
func (f *SlowFactory) BuildProtocol(net.Addr) protocol.Protocol { return &SlowProtocol{factory: f} }

// SlowProtocol serves one client slowly. A client that has said that it will
// send no more may still be reading, so the protocol is a
// [protocol.HalfCloser] and goes on; for one that is gone it stops at once.
type SlowProtocol struct {
	protocol.Base
	factory *SlowFactory

	due   int // how much of the poem should be out by now, in bytes
	sent  int // how much is
	timer *clock.DelayedCall
}

var _ protocol.HalfCloser = (*SlowProtocol)(nil)

// ConnectionMade sends the first piece.
func (p *SlowProtocol) ConnectionMade() {
	logClient(&p.factory.Log, &p.factory.Poem, p.Transport)
	p.sendPiece()
}

// sendPiece sends what is due and sets the time of the next piece.
//
// A client that does not even read this slowly finds its pieces joined: nothing
// is queued behind a piece that has not left yet, so its queue stays short. At
// the poem's end it has the time that LoseConnection gives every client.
func (p *SlowProtocol) sendPiece() {
	text := p.factory.Poem.Text
	p.due = min(p.due+p.factory.numBytes(), len(text))
	last := p.due == len(text)
	if last || p.Transport.Buffered() == 0 {
		_ = p.Transport.WriteShared(text[p.sent:p.due]) // ConnectionLost would have stopped the timer
		p.sent = p.due
	}
	if last {
		p.Transport.LoseConnection()
		return
	}
	p.timer = p.factory.Clock.CallLater(p.factory.delay(), p.sendPiece)
}

// numBytes is NumBytes with its default.
func (f *SlowFactory) numBytes() int {
	if f.NumBytes <= 0 {
		return DefaultNumBytes
	}
	return f.NumBytes
}

// delay is Delay with its default.
func (f *SlowFactory) delay() time.Duration {
	if f.Delay == 0 {
		return DefaultDelay
	}
	return max(f.Delay, 0)
}

// DataReceived ignores what a client says.
func (p *SlowProtocol) DataReceived([]byte) {}

// ReadConnectionLost goes on: the client can still read.
func (p *SlowProtocol) ReadConnectionLost() {}

// WriteConnectionLost has nothing to do: this side does not half-close.
func (p *SlowProtocol) WriteConnectionLost() {}

// ConnectionLost stops the timer and tells the log.
func (p *SlowProtocol) ConnectionLost(reason error) {
	if p.timer != nil && p.timer.Active() {
		_ = p.timer.Cancel()
	}
	logServed(&p.factory.Log, &p.factory.Poem, p.Transport, reason)
}
