package policies

import (
	"fmt"
	"net"
	"time"

	"skein/deferred/clock"
	"skein/protocol"
)

// TimeoutKind names the rule that a connection broke.
type TimeoutKind uint8

// The rules.
const (
	// IdleTimeout: nothing was read, and the peer took nothing, for too long.
	IdleTimeout TimeoutKind = iota + 1
	// HandshakeTimeout: the connection did not get past its beginning.
	HandshakeTimeout
	// LifetimeTimeout: the connection has had its time.
	LifetimeTimeout
)

// String returns the rule's name in lower case.
func (k TimeoutKind) String() string {
	switch k {
	case IdleTimeout:
		return "idle"
	case HandshakeTimeout:
		return "handshake"
	case LifetimeTimeout:
		return "lifetime"
	}
	return "unknown"
}

// TimeoutError is the cause in the reason of ConnectionLost when a timeout has
// ended the connection. Find it with [errors.As]. It is a [net.Error].
type TimeoutError struct {
	// Kind is the rule that was broken.
	Kind TimeoutKind
	// After is the time that it allows.
	After time.Duration
}

// Error names the rule and its time.
func (e *TimeoutError) Error() string { return fmt.Sprintf("%s timeout after %v", e.Kind, e.After) }

// Timeout says that it is one.
func (e *TimeoutError) Timeout() bool { return true }

// Temporary says that another connection may fare better.
func (e *TimeoutError) Temporary() bool { return true }

// DefaultGrace is how long after a timeout's LoseConnection the connection is
// aborted if it has not ended: a peer that reads nothing would keep it for as
// long as the loop's own close deadline allows.
const DefaultGrace = 10 * time.Second

// TimeoutFactory ends connections that take too long: by LoseConnection, and
// by AbortConnection if a grace later they are still there. The reason of
// ConnectionLost wraps a [*TimeoutError]. A limit that is 0 does not apply.
//
//	connected ────────── handshake ──────────▶ first data, or HandshakeDone
//	          ── idle ──▶ │ ── idle ──▶ │ ...  since the last byte, either way
//	          ─────────────── lifetime ──────────────────▶
//	                                                 LoseConnection ── grace ──▶ AbortConnection
//
// Idle counts what the peer does: bytes that come, and bytes that it takes. A
// protocol that writes to a peer that reads nothing is idle; one whose peer
// fetches a long poem slowly is not.
//
// Twisted: policies.TimeoutFactory, which knows idle only, counts every write,
// and is defeated by a peer that does not read.
type TimeoutFactory struct {
	protocol.Factory

	// Clock is the loop's.
	Clock clock.Scheduler
	// Idle is the longest silence.
	Idle time.Duration
	// Handshake is the longest beginning. It ends with the first data, or, if
	// HandshakeByProtocol is set, when the protocol calls [HandshakeDone].
	Handshake time.Duration
	// HandshakeByProtocol makes the first data not enough.
	HandshakeByProtocol bool
	// Lifetime is the longest life.
	Lifetime time.Duration
	// Grace is the time from LoseConnection to AbortConnection; 0: [DefaultGrace].
	Grace time.Duration
}

// BuildProtocol wraps the factory's protocol.
func (f *TimeoutFactory) BuildProtocol(addr net.Addr) protocol.Protocol {
	return Wrap(&timed{rules: f}, f.Factory.BuildProtocol(addr))
}

// HandshakeDone says, for the protocol with transport t, that the beginning is
// over: the handshake timeout of the [TimeoutFactory] below it, if there is
// one, ends. Wrappers in between do not matter.
func HandshakeDone(t protocol.Transport) {
	for {
		w, ok := t.(Wrapper)
		if !ok {
			return
		}
		base := w.wrapper()
		if c, ok := base.self.(*timed); ok {
			stop(&c.handshake)
			return
		}
		t = base.Transport
	}
}

// timed is one connection with its timeouts. A call is nil when not set.
type timed struct {
	ProtocolWrapper
	rules *TimeoutFactory

	idle, handshake, lifetime *clock.DelayedCall
	grace                     *clock.DelayedCall

	written int // bytes given to the transport
	taken   int // of these, what had left its queue when the idle call was set
}

// ConnectionMade starts the clocks.
func (w *timed) ConnectionMade() {
	f := w.rules
	w.start(&w.idle, f.Idle, w.checkIdle)
	w.start(&w.handshake, f.Handshake, func() { w.expire(HandshakeTimeout, f.Handshake) })
	w.start(&w.lifetime, f.Lifetime, func() { w.expire(LifetimeTimeout, f.Lifetime) })
	w.ProtocolWrapper.ConnectionMade()
}

// DataReceived is a sign of life.
func (w *timed) DataReceived(data []byte) {
	if !w.rules.HandshakeByProtocol {
		stop(&w.handshake)
	}
	w.touch()
	w.ProtocolWrapper.DataReceived(data)
}

// Write notes what is written, and whether the peer has taken the rest.
func (w *timed) Write(p []byte) (int, error) {
	w.writes(len(p))
	return w.Transport.Write(p)
}

// WriteSequence notes what is written.
func (w *timed) WriteSequence(bufs [][]byte) error {
	for _, p := range bufs {
		w.writes(len(p))
	}
	return w.Transport.WriteSequence(bufs)
}

// WriteShared notes what is written.
func (w *timed) WriteShared(p []byte) error {
	w.writes(len(p))
	return w.Transport.WriteShared(p)
}

// ConnectionLost stops the clocks.
func (w *timed) ConnectionLost(reason error) {
	w.stopAll()
	w.ProtocolWrapper.ConnectionLost(reason)
}

// writes is a sign of life if the peer has taken all that was written before,
// or some of it.
func (w *timed) writes(n int) {
	if w.idle != nil && (w.Buffered() == 0 || w.progress() > w.taken) {
		w.touch()
	}
	w.written += n
}

// progress returns how many of the written bytes have left the queue.
func (w *timed) progress() int { return w.written - w.Buffered() }

// touch lets the idle time begin anew.
func (w *timed) touch() {
	if w.idle != nil {
		w.taken = w.progress()
		_ = w.idle.Reset(w.rules.Idle) // it waits
	}
}

// checkIdle ends the connection unless the peer has taken something.
func (w *timed) checkIdle() {
	if now := w.progress(); now > w.taken {
		w.taken = now
		w.start(&w.idle, w.rules.Idle, w.checkIdle)
		return
	}
	w.expire(IdleTimeout, w.rules.Idle)
}

// expire ends the connection.
func (w *timed) expire(kind TimeoutKind, after time.Duration) {
	w.stopAll()
	cause := &TimeoutError{Kind: kind, After: after}
	w.LoseConnectionCause(cause)
	grace := w.rules.Grace
	if grace == 0 {
		grace = DefaultGrace
	}
	w.start(&w.grace, grace, func() { w.AbortConnectionCause(cause) })
}

// start sets one of the calls, if its rule applies.
func (w *timed) start(call **clock.DelayedCall, after time.Duration, f func()) {
	if after > 0 {
		*call = w.rules.Clock.CallLater(after, func() { *call = nil; f() })
	}
}

// stopAll cancels what is set.
func (w *timed) stopAll() {
	stop(&w.idle)
	stop(&w.handshake)
	stop(&w.lifetime)
	stop(&w.grace)
}

// stop cancels a call if it is set.
func stop(call **clock.DelayedCall) {
	if *call != nil {
		_ = (*call).Cancel() // it waits: running calls are taken out first
		*call = nil
	}
}
