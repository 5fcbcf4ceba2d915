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
// ended the connection. Find it with [errors.As] by this type: it is a
// [net.Error], but so is net.ErrClosed, which the reason is as well.
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
// fetches a long poem slowly is not. When bytes are taken is looked at four
// times in an idle time, so a timeout after a write may be late by a quarter.
// Bytes count as taken when the peer's system has them, if the transport is a
// [protocol.Unacknowledger]; if not, when the own kernel has them, and Idle should
// leave a slow peer the time to empty the kernel's buffer.
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

	handshake, lifetime *clock.DelayedCall
	grace               *clock.DelayedCall

	// Signs of life.
	idle    *clock.DelayedCall // the next look
	life    time.Time          // the last sign
	written int                // bytes given to the transport
	taken   int                // of these, what had been taken at the last look
	watched bool               // bytes are on their way: look four times as often
}

// ConnectionMade starts the clocks.
func (w *timed) ConnectionMade() {
	f := w.rules
	w.life = f.Clock.Now()
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
	w.life = w.rules.Clock.Now()
	w.ProtocolWrapper.DataReceived(data)
}

// Write notes what is written.
func (w *timed) Write(p []byte) (int, error) {
	n, err := w.Transport.Write(p)
	w.writes(n)
	return n, err
}

// WriteSequence notes what is written.
func (w *timed) WriteSequence(bufs [][]byte) error {
	err := w.Transport.WriteSequence(bufs)
	for _, p := range bufs {
		if err == nil {
			w.writes(len(p))
		}
	}
	return err
}

// WriteShared notes what is written.
func (w *timed) WriteShared(p []byte) error {
	err := w.Transport.WriteShared(p)
	if err == nil {
		w.writes(len(p))
	}
	return err
}

// ConnectionLost stops the clocks.
func (w *timed) ConnectionLost(reason error) {
	w.stopAll()
	w.ProtocolWrapper.ConnectionLost(reason)
}

// writes counts n bytes, and sees to it that they are looked for soon.
func (w *timed) writes(n int) {
	w.written += n
	if w.idle != nil && !w.watched && n > 0 {
		w.watched = true
		if soon := w.rules.Idle / 4; w.rules.Clock.Now().Add(soon).Before(w.idle.Time()) {
			_ = w.idle.Reset(soon) // it waits
		}
	}
}

// checkIdle looks for signs of life, and ends the connection without them.
func (w *timed) checkIdle() {
	now, idle := w.rules.Clock.Now(), w.rules.Idle
	queued := unacknowledged(w.Transport)
	if taken := w.written - queued; taken > w.taken {
		w.taken, w.life = taken, now
	}
	w.watched = queued > 0
	left := w.life.Add(idle).Sub(now)
	if left <= 0 {
		w.expire(IdleTimeout, idle)
		return
	}
	if w.watched {
		left = min(left, idle/4)
	}
	w.start(&w.idle, left, w.checkIdle)
}

// unacknowledged returns how many of the bytes given to t have not been taken,
// as far as anybody knows: the transport at the bottom of the wrappers, which
// may each hold some more.
func unacknowledged(t protocol.Transport) int {
	if u, ok := t.(protocol.Unacknowledger); ok {
		return u.Unacknowledged()
	}
	if w, ok := t.(Wrapper); ok {
		below := w.wrapper().Transport
		return t.Buffered() - below.Buffered() + unacknowledged(below)
	}
	return t.Buffered()
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
