package policies

import (
	"errors"
	"time"

	"skein/deferred/clock"
	"skein/protocol"
)

// TimeoutMixin gives a protocol one timeout of its own. Embed it beside the
// receiver, bind it in ConnectionMade, and reset it whenever the peer has done
// what counts:
//
//	type session struct {
//		basic.LineReceiver
//		policies.TimeoutMixin
//		clock clock.Scheduler
//	}
//
//	func (s *session) ConnectionMade() {
//		s.BindTimeout(s.clock, s.Transport, s)
//		s.SetTimeout(30 * time.Second)
//	}
//
//	func (s *session) LineReceived(line []byte) { s.ResetTimeout(); ... }
//
// A protocol with a method TimeoutConnection of its own is asked by it what to
// do; the mixin's closes the connection.
//
// The mixin's ConnectionLost cancels the timeout. It is promoted unless
// something else at the same depth has one, such as [protocol.Base]: the
// protocol then does not compile until it has a ConnectionLost of its own,
// which calls the mixin's.
//
// Twisted: policies.TimeoutMixin, which a lost connection does not cancel.
type TimeoutMixin struct {
	// TimeoutGrace is the time from LoseConnection to AbortConnection after the
	// timeout; 0: [DefaultGrace].
	TimeoutGrace time.Duration

	clock     clock.Scheduler
	transport protocol.Transport
	handler   TimeoutHandler

	after time.Duration
	call  *clock.DelayedCall // the timeout
	abort *clock.DelayedCall // the end of the grace
	lost  bool
}

// TimeoutHandler is told that the timeout has come: the protocol that embeds a
// [TimeoutMixin] is one.
type TimeoutHandler interface {
	// TimeoutConnection ends the connection, or sees to it otherwise. The cause
	// is a [*TimeoutError].
	//
	// Twisted: TimeoutMixin.timeoutConnection.
	TimeoutConnection(cause error)
}

// ErrNotBound is what SetTimeout panics with before BindTimeout.
var ErrNotBound = errors.New("policies: SetTimeout before BindTimeout: bind in ConnectionMade")

// BindTimeout tells the mixin whose time counts, what to close, and whom to
// ask: self is the protocol that embeds the mixin.
func (m *TimeoutMixin) BindTimeout(c clock.Scheduler, t protocol.Transport, self TimeoutHandler) {
	m.clock, m.transport, m.handler = c, t, self
}

// SetTimeout begins a timeout of d, in place of the one that was, and returns
// what was set before. 0 ends it. After the end of the connection it sets
// nothing. It panics with [ErrNotBound] before BindTimeout.
//
// Twisted: TimeoutMixin.setTimeout, where None ends it.
func (m *TimeoutMixin) SetTimeout(d time.Duration) (previous time.Duration) {
	if m.clock == nil {
		panic(ErrNotBound)
	}
	previous, m.after = m.after, d
	stop(&m.call)
	if d > 0 && !m.lost {
		m.call = m.clock.CallLater(d, m.expire)
	}
	return previous
}

// ResetTimeout lets the time begin anew. It does nothing if no timeout is set
// or it has come.
//
// Twisted: TimeoutMixin.resetTimeout.
func (m *TimeoutMixin) ResetTimeout() {
	if m.call != nil {
		_ = m.call.Reset(m.after) // it waits
	}
}

// expire asks the handler, unless the connection is being closed anyway.
func (m *TimeoutMixin) expire() {
	m.call = nil
	if !m.transport.Disconnecting() {
		cause := &TimeoutError{Kind: IdleTimeout, After: m.after}
		contain(m.transport, func() { m.handler.TimeoutConnection(cause) })
	}
}

// TimeoutConnection closes the connection, and aborts it if a grace later it
// has not ended. A protocol with a method of this name overrides it.
func (m *TimeoutMixin) TimeoutConnection(cause error) {
	if m.lost {
		return
	}
	m.transport.LoseConnectionCause(cause)
	grace := m.TimeoutGrace
	if grace == 0 {
		grace = DefaultGrace
	}
	stop(&m.abort)
	m.abort = m.clock.CallLater(grace, func() {
		m.abort = nil
		m.transport.AbortConnectionCause(cause)
	})
}

// ConnectionLost cancels the timeout for good.
func (m *TimeoutMixin) ConnectionLost(error) {
	m.lost = true
	stop(&m.call)
	stop(&m.abort)
}
