package policies

import (
	"errors"
	"net"

	"skein/deferred/clock"
	"skein/protocol"
)

// Switch is a connection whose protocol can be replaced while it lives: after a
// STARTTLS, an upgrade, or a first look at what the client says (see
// [Sniffer]). It drives the current protocol with the transport as it is, but see Clock.
//
//	        ┌────────┐   To(next)   ┌──────┐
//	loop ──▶│ Switch │─────────────▶│ next │  MakeConnection, ConnectionMade,
//	        └────────┘       ╳      └──────┘  the unread bytes, and all that follows
//	                      ┌─────┐
//	                      │ old │  hears no more, not even ConnectionLost
//	                      └─────┘
//
// Make one with [NewSwitch].
//
// Twisted: nothing; people assign transport.protocol.
type Switch struct {
	// Clock is the loop's. With it, a protocol that takes over after the peer's
	// end, and pauses in the unread bytes, is told of the end when it has resumed.
	// Without it, the end follows those bytes at once: one that holds some of them
	// back, as a [ThrottlingFactory]'s does, is told of it too early.
	Clock clock.Scheduler

	transport protocol.Transport
	current   protocol.Protocol
	made      bool // the loop's ConnectionMade has come
	lost      bool
	busy      bool // current runs a callback of the loop

	next   protocol.Protocol // takes over when that has returned
	unread []byte            // what it gets first
	ended  bool              // the peer's end of input has been told
	late   *late             // not nil: current has taken over after that
	shut   bool              // the end of the write side has been told
}

// NewSwitch returns the protocol of a connection that first drives; the first
// protocol, or whoever shares its data, keeps the Switch to hand over. It
// panics with [ErrNilProtocol] if first is nil.
func NewSwitch(first protocol.Protocol) *Switch {
	if first == nil {
		panic(ErrNilProtocol)
	}
	return &Switch{current: first}
}

// ErrNilProtocol says that a protocol is needed where nil was given.
var ErrNilProtocol = errors.New("policies: a nil protocol: give one, or close the connection")

// Current returns the protocol that drives the connection now.
func (s *Switch) Current() protocol.Protocol { return s.current }

// LogPrefix names that protocol in the log of the loop.
func (s *Switch) LogPrefix() string { return logName(s.current) }

// To hands the connection over to next, which gets MakeConnection,
// ConnectionMade, the unread bytes, which the old protocol has received and
// leaves, and from then on what there is. A half-close, of either side, that
// has been told before, next is told, too. If a callback of the loop to the old
// protocol is running, the handover follows its return, so that calls never
// nest; unread must not change until then. The old protocol should have
// unregistered its producer, cancelled its timers, and left reading resumed.
//
// A next that still waits when the connection ends, because the callback has
// panicked, gets MakeConnection and ConnectionLost only, so that a limit counts
// it off. One that another To replaces while it waits gets nothing.
//
// It returns [ErrNilProtocol] for a nil next, and an error that is
// net.ErrClosed when the connection is over; nothing changes then, and next
// gets nothing.
func (s *Switch) To(next protocol.Protocol, unread []byte) error {
	switch {
	case next == nil:
		return ErrNilProtocol
	case s.lost:
		return net.ErrClosed
	}
	s.next, s.unread = next, unread
	if s.made && !s.busy {
		contain(s.transport, s.handOver)
	}
	return nil
}

// handOver lets the next protocol take over, and the one that that asks for,
// and so on.
func (s *Switch) handOver() {
	for s.next != nil && !s.lost {
		p, unread := s.next, s.unread
		s.next, s.unread, s.current = nil, nil, p
		s.guard(func() { s.introduce(p) })
		s.guard(p.ConnectionMade)
		if h, ok := protocol.AsHalfCloser(p); ok && s.shut && s.settled() {
			s.guard(h.WriteConnectionLost)
		}
		switch {
		case len(unread) == 0 || s.transport.Disconnecting():
		case s.next != nil:
			if len(s.unread) == 0 { // p has handed over before it read anything
				s.unread = unread
			}
		default:
			s.guard(func() { p.DataReceived(unread) })
		}
		if s.ended && s.settled() && (s.late == nil || s.late.reads()) {
			s.guard(s.tellEnd)
		}
	}
}

// settled reports whether the current protocol goes on.
func (s *Switch) settled() bool { return s.next == nil && !s.transport.Disconnecting() }

// introduce gives p the transport; after the peer's end, one that knows whether
// p is paused.
func (s *Switch) introduce(p protocol.Protocol) {
	s.late.stop()
	s.late = nil
	if !s.ended || s.Clock == nil {
		p.MakeConnection(s.transport)
		return
	}
	s.late = &late{line: s}
	Wrap(s.late, p)
	s.late.MakeConnection(s.transport)
}

// guard runs a callback of the current protocol.
func (s *Switch) guard(call func()) {
	s.busy = true
	defer func() { s.busy = false }()
	call()
}

// MakeConnection passes the call on.
func (s *Switch) MakeConnection(t protocol.Transport) {
	s.transport = t
	s.guard(func() { s.current.MakeConnection(t) })
}

// ConnectionMade passes the call on.
func (s *Switch) ConnectionMade() {
	s.guard(s.current.ConnectionMade)
	s.made = true
	s.handOver()
}

// DataReceived passes the call on.
func (s *Switch) DataReceived(data []byte) {
	s.guard(func() { s.current.DataReceived(data) })
	s.handOver()
}

// ReadConnectionLost passes the call on to a protocol that can take it. For any
// other the connection is closed, as the loop would.
func (s *Switch) ReadConnectionLost() {
	s.ended = true
	s.guard(s.tellEnd)
	s.handOver()
}

// TakesHalfClose reports whether the current protocol can take a half-close.
func (s *Switch) TakesHalfClose() bool {
	_, ok := protocol.AsHalfCloser(s.current)
	return ok
}

// tellEnd tells the current protocol of the peer's end of input.
func (s *Switch) tellEnd() {
	if s.late != nil {
		s.late.told = true
	}
	if h, ok := s.current.(protocol.HalfCloser); ok {
		h.ReadConnectionLost()
		return
	}
	s.transport.LoseConnection()
}

// WriteConnectionLost passes the call on to a protocol that can take it.
func (s *Switch) WriteConnectionLost() {
	s.shut = true
	if h, ok := s.current.(protocol.HalfCloser); ok {
		s.guard(h.WriteConnectionLost)
		s.handOver()
	}
}

// ConnectionLost tells the current protocol, once, and one that waits.
func (s *Switch) ConnectionLost(reason error) {
	next := s.next
	s.lost, s.next, s.unread = true, nil, nil
	s.late.stop()
	if next != nil {
		defer func() {
			next.MakeConnection(s.transport)
			next.ConnectionLost(reason)
		}()
	}
	s.current.ConnectionLost(reason)
}
