package producers

import (
	"errors"
	"fmt"
	"io"

	"skein/deferred"
	"skein/protocol"
)

// SendError says why sending ended before its end. errors.Is finds the cause:
// the source's error, [deferred.ErrCancelled], or the end of the connection,
// which is net.ErrClosed.
type SendError struct {
	// Sent is the number of bytes that had been written.
	Sent int64
	// Err is the cause.
	Err error
}

// Error tells how far it came and why no further.
func (e *SendError) Error() string {
	return fmt.Sprintf("sending ended after %d bytes: %v", e.Sent, e.Err)
}

// Unwrap returns the cause.
func (e *SendError) Unwrap() error { return e.Err }

// ErrStopped is the cause when a transport has stopped its producer without
// saying why.
var ErrStopped = protocol.CloseReason(protocol.ErrConnectionLost, errors.New("the transport stopped its producer"))

// Pull writes to t what next returns, one piece whenever t has nothing left to
// send, until next returns io.EOF itself, not wrapped; a piece that comes with it
// still counts. The piece is next's again when Pull calls it again. An empty piece is no end:
// next is asked again at once, and is given up with io.ErrNoProgress after a
// hundred of them.
//
// The Deferred that it returns fires with the number of bytes written. It fails
// with a [*SendError] if next fails, if the connection ends, or if t has a
// producer already or is being closed. Cancelling it ends the sending; the
// connection lives on. Pull panics with [deferred.ErrNilFunc] if next is nil.
//
// Twisted: a pull producer, such as protocols.basic.FileSender.
func Pull(t protocol.Transport, next func() ([]byte, error)) *deferred.Deferred {
	p := &pull{sending: sending{to: t, next: next}}
	return p.begin(p)
}

// pull is a producer that waits to be asked.
type pull struct {
	sending
	dropped func() bool // the last piece is empty by intent; nil: none ever is
}

const (
	// maxEmpty is how many empty pieces in a row are waited for, as in bufio.
	maxEmpty = 100
	// maxDropped is how many are passed over that are empty by intent. They are
	// all read in one turn: a transport asks again only when something was written.
	maxDropped = 1000
)

// ResumeProducing writes one piece.
func (p *pull) ResumeProducing() {
	empty, dropped := 0, 0
	for empty < maxEmpty && dropped < maxDropped {
		if p.done == nil {
			return
		}
		n, more := p.step()
		switch {
		case n > 0 || !more:
			return
		case p.dropped != nil && p.dropped():
			empty = 0
			dropped++
		default:
			empty++
		}
	}
	p.fail(io.ErrNoProgress)
}

// StopProducing ends the sending with the connection.
func (p *pull) StopProducing() { p.lost() }

// sending is what all that send have in common: the count, and the one end.
type sending struct {
	to   protocol.Transport
	next func() ([]byte, error)
	sent int64
	done *deferred.Deferred // nil: over
}

// begin registers the producer and returns the Deferred of its end.
func (s *sending) begin(p protocol.Producer) *deferred.Deferred {
	if s.next == nil {
		panic(deferred.ErrNilFunc)
	}
	d := deferred.NewCancellable(func(*deferred.Deferred) { s.fail(deferred.ErrCancelled) })
	s.done = d
	err := s.to.RegisterProducer(p, false)
	if err != nil && s.done != nil { // StopProducing has not come
		s.done = nil
		d.Errback(&SendError{Err: err})
	}
	return d
}

// step writes the next piece. It reports how long that was, and whether there
// is more.
func (s *sending) step() (n int, more bool) {
	piece, err := s.next()
	if s.done == nil {
		return 0, false // next has cancelled
	}
	if len(piece) > 0 {
		if _, failure := s.to.Write(piece); failure != nil {
			s.fail(failure)
			return 0, false
		}
		n = len(piece)
		s.sent += int64(n)
	}
	switch {
	case err == nil:
		return n, s.done != nil
	case err == io.EOF: //nolint:errorlint // as io.Reader says: one that is wrapped is a failure
		s.finish()
	default:
		s.fail(err)
	}
	return n, false
}

// finish ends the sending well.
func (s *sending) finish() {
	if d := s.end(); d != nil {
		d.Callback(s.sent)
	}
}

// fail ends it with an error.
func (s *sending) fail(err error) {
	if d := s.end(); d != nil {
		d.Errback(&SendError{Sent: s.sent, Err: err})
	}
}

// end takes the Deferred, and the producer from the transport; nil if that is
// done.
func (s *sending) end() *deferred.Deferred {
	d := s.done
	if d != nil {
		s.done = nil
		s.to.UnregisterProducer()
	}
	return d
}

// lost ends the sending because the transport has ended. A write tells why.
func (s *sending) lost() {
	d := s.done
	if d == nil {
		return
	}
	s.done = nil
	_, err := s.to.Write(nil)
	if err == nil {
		err = ErrStopped
	}
	d.Errback(&SendError{Sent: s.sent, Err: err})
}
