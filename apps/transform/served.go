package transform

import (
	"runtime/debug"

	"skein/deferred"
	"skein/protocol"
)

// served is a session as the protocol that its client talks to: what comes goes to the
// receiver, and the session hears of the end of each chunk.
type served session

var _ protocol.HalfCloser = (*served)(nil)

// MakeConnection passes the call on.
func (p *served) MakeConnection(t protocol.Transport) { p.receiver.MakeConnection(t) }

// ConnectionMade passes the call on.
func (p *served) ConnectionMade() { p.receiver.ConnectionMade() }

// DataReceived parses what comes, so long as it counts; or, if the session is resuming,
// what has been held back. What follows from a whole chunk follows when it is through:
// for one that a transformation feeds in, with the one that it is called from.
//
// A panic of a transformation that the wire has called by the short way is a refusal, as
// it is in a Deferred. It is caught here, once for all the requests of a chunk.
func (p *served) DataReceived(data []byte) {
	s := (*session)(p)
	switch {
	case s.full && !s.resuming:
		return
	case s.delivering:
		s.receiver.DataReceived(data)
		return
	}
	s.delivering = true
	defer s.through()
	if s.resuming {
		s.resuming = false
		s.wire.ResumeProducing()
	} else {
		s.receiver.DataReceived(data)
	}
	s.delivering = false
}

// through is deferred by who has the receiver parse: what follows from a chunk.
func (s *session) through() {
	if s.delivering { // the receiver has not returned
		s.delivering = false
		if name, ok := s.wire.interrupted(); ok {
			s.refuse(requestError(name, &deferred.PanicError{Value: recover(), Stack: debug.Stack()}))
			s.wire.push() // gives back what it was lent, if the session was over before
		}
		return
	}
	if clean := s.wire.push(); !clean || !s.waits() { // seldom
		s.settle()
	}
}

// LogPrefix names the protocol inside, in the log of the loop.
//
// Twisted: ILoggingContext.logPrefix.
func (p *served) LogPrefix() string { return p.receiver.(protocol.LogPrefixer).LogPrefix() }

// ReadConnectionLost passes the call on.
func (p *served) ReadConnectionLost() { p.receiver.(protocol.HalfCloser).ReadConnectionLost() }

// WriteConnectionLost passes the call on.
func (p *served) WriteConnectionLost() { p.receiver.(protocol.HalfCloser).WriteConnectionLost() }

// ConnectionLost passes the call on.
func (p *served) ConnectionLost(reason error) { p.receiver.ConnectionLost(reason) }
