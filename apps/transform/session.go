package transform

import (
	"errors"

	"skein/deferred"
	"skein/deferred/clock"
	"skein/protocol"
)

// session is one client's connection, whatever the wire: requests go in, answers
// come out in the same order, and everything has a bound.
//
//	wire ── request ──▶ queue ─▶ [transformation] ... [transformation]
//	  ▲                                                    │ the oldest, when done
//	  ╰───────────────────── answer ◀──────────────────────╯
type session struct {
	// What each chunk needs, next to each other.
	server   *Server
	receiver protocol.Protocol // parses, and calls the wire
	wire     wire

	full       bool // no other chunk counts: it is over, or has had the one request
	delivering bool // the receiver is inside a chunk
	choked     bool // the transport's queue is above the high-water mark
	paused     bool // the receiver has been told to wait
	resuming   bool // and is about to be told to go on, by served.DataReceived
	ended      bool // the client will send no more
	over       bool // nothing more will be answered

	answered int        // requests
	written  int        // bytes given to the transport
	queue    []*request // the oldest first; all but the first may be done
	held     int        // bytes of the requests in the queue

	transport protocol.Transport
	timer     *clock.DelayedCall
	taken     int // of what was written, what the client had taken at the timer's last look
	seen      int // answered, at the timer's last look
}

// wire is a protocol that a session works for.
type wire interface {
	// answer writes a poem, in the form that the request asked for, and returns
	// how many bytes that were.
	answer(r *request) (written int)
	// push writes the answers that the wire has gathered, if any. It is called at
	// the end of each chunk, and before the end. It reports whether the receiver is
	// known to wait for another request, on a connection that nobody has closed.
	push() (clean bool)
	// interrupted returns the name of the transformation that the wire has called
	// without a Deferred, if a panic has ended it, and forgets it.
	interrupted() (name string, ok bool)
	// midway reports whether a request has begun to come that is not complete.
	// It is asked once, when the session ends.
	midway() bool
	// PauseProducing and ResumeProducing are the receiver's: they hold back what
	// has come, too.
	PauseProducing()
	ResumeProducing()
}

// request is one request that has not been answered.
type request struct {
	name  string
	form  any // the wire's
	size  int // bytes, as it came
	poem  string
	err   error
	ready bool
	work  *deferred.Deferred
}

// made begins: the transport is there.
func (s *session) made(t protocol.Transport) {
	s.transport = t
	s.timer = s.server.Clock.CallLater(s.server.timeout(), s.look)
	_ = t.RegisterProducer((*backPressure)(s), true) // on a new connection it cannot fail
}

// take puts a request into the queue, and its work under way.
func (s *session) take(name string, form any, size int, work *deferred.Deferred) {
	s.asked()
	r := &request{name: name, form: form, size: size, work: work}
	s.queue = append(s.queue, r)
	s.held += size
	work.AddBoth(func(poem any, err error) (any, error) {
		r.ready, r.err = true, err
		r.poem, _ = poem.(string) // "" for an error
		s.flush()
		return nil, nil
	})
	if !s.over && s.laden() {
		s.pause()
	}
}

// laden reports whether the session has work enough: by the number of requests,
// or by their bytes.
func (s *session) laden() bool {
	return len(s.queue) >= s.server.maxPending() || s.held >= s.server.maxRequest()
}

// asked notes that a request has come. If the server does not pipeline, no chunk but
// this one counts.
func (s *session) asked() {
	if !s.server.Pipeline {
		s.full = true
	}
}

// flush answers what is ready, in order. The first request that cannot be
// answered ends it.
func (s *session) flush() {
	for !s.over && len(s.queue) > 0 && s.queue[0].ready {
		r := s.queue[0]
		s.queue[0] = nil
		s.queue = s.queue[1:]
		s.held -= r.size
		if r.err != nil {
			s.refuse(r.err)
			return
		}
		s.answered++
		s.written += s.wire.answer(r)
		s.log(r.name, len(r.poem))
	}
	s.settle()
}

// idle reports whether nothing is worked on, so that an answer may go out at
// once.
func (s *session) idle() bool { return !s.over && len(s.queue) == 0 }

// log writes the line about a poem of so many bytes, if it is wanted.
func (s *session) log(name string, bytes int) {
	if line := s.server.Log.Info(); line.Enabled() { // the peer's address is made for it
		line.Str("transform", name).Int("bytes", bytes).Stringer("peer", s.transport.RemoteAddr()).Msg("Transformed a poem.")
	}
}

// waits reports whether there is nothing to settle, unless the receiver has closed.
func (s *session) waits() bool { return !s.full && !s.paused && !s.ended }

// settle does what follows from where the session stands: close it, or read on.
func (s *session) settle() {
	switch {
	case s.over || s.delivering:
	case s.transport.Disconnecting():
		s.stop() // the receiver has found a fault and closed
	case s.paused:
		s.resume()
	case len(s.queue) > 0:
	case s.ended || s.full:
		s.finish()
	}
}

// resume lets the receiver go on, if there is room for what it has.
func (s *session) resume() {
	if !s.choked && !s.laden() {
		s.paused, s.resuming = false, true
		(*served)(s).DataReceived(nil)
	}
}

// finish closes the connection: there is no more to answer.
func (s *session) finish() {
	if s.ended && !s.full && s.wire.midway() {
		s.refuse(ErrCut)
		return
	}
	s.stop()
	s.transport.LoseConnection()
}

// pause makes the receiver wait, and with it, in the end, the client.
func (s *session) pause() {
	if !s.paused {
		s.paused = true
		s.wire.PauseProducing()
	}
}

// end notes that the client will send no more. It still gets its answers.
func (s *session) end() {
	s.ended = true
	s.settle()
}

// refuse closes the connection. What has been answered arrives.
func (s *session) refuse(why error) {
	s.stop()
	s.transport.LoseConnectionCause(why)
}

// stop ends the work: nobody will get it. It leaves the connection, which a
// producer would keep open, free to close.
func (s *session) stop() {
	if s.over {
		return
	}
	s.over, s.full = true, true
	s.wire.push()
	if s.timer.Active() {
		_ = s.timer.Cancel()
	}
	s.transport.UnregisterProducer()
	for _, r := range s.queue {
		r.work.Cancel() // nothing if it is done
	}
	s.queue, s.held = nil, 0
}

// look runs once per timeout, and ends the session of a client that has neither
// been answered nor taken anything since: it does not ask, or does not read. One
// that has all its answers and asks for no more is no fault. While a
// transformation goes on, it is not the client who takes long.
func (s *session) look() {
	untaken := untaken(s.transport)
	moved := s.written-untaken > s.taken || s.answered > s.seen // an answer may be a moment old
	s.taken, s.seen = s.written-untaken, s.answered
	if moved || len(s.queue) > 0 {
		s.timer = s.server.Clock.CallLater(s.server.timeout(), s.look)
		return
	}
	s.stop()
	switch {
	case s.transport.Buffered() > 0:
		s.transport.AbortConnectionCause(ErrSlowClient) // it would not take the rest either
	case untaken == 0 && s.answered > 0 && !s.wire.midway():
		s.transport.LoseConnection()
	default:
		s.transport.LoseConnectionCause(ErrSlowClient)
	}
}

// untaken returns how many bytes the client has not taken: what the system holds
// counts, too, if the transport can tell. A queue alone stands still for long
// while a slow client empties the system's.
func untaken(t protocol.Transport) int {
	if u, ok := t.(protocol.Unacknowledger); ok {
		return u.Unacknowledged()
	}
	return t.Buffered()
}

// lost cancels what the client does not need any more, and writes the line about
// a client that was refused or has left.
func (s *session) lost(reason error) {
	s.stop()
	if reason == protocol.ErrConnectionDone { // nearly always: errors.As would cost an allocation
		return
	}
	msg := "A client has left."
	var closed *protocol.CloseError
	switch {
	case errors.Is(reason, protocol.ErrConnectionDone) && errors.As(reason, &closed):
		msg, reason = "Refused a client.", closed.Cause
	case errors.Is(reason, protocol.ErrConnectionDone):
		return
	}
	if line := s.server.Log.Warn(); line.Enabled() {
		line.Stringer("peer", s.transport.RemoteAddr()).Int("answered", s.answered).AnErr("reason", reason).Msg(msg)
	}
}

// backPressure is a session as the producer of its answers: the transport tells
// it when the client does not take them.
type backPressure session

// PauseProducing stops reading.
func (b *backPressure) PauseProducing() {
	b.choked = true
	(*session)(b).pause()
}

// ResumeProducing reads on, unless the session has work enough.
func (b *backPressure) ResumeProducing() {
	b.choked = false
	(*session)(b).settle()
}

// StopProducing has nothing to do: ConnectionLost follows.
func (b *backPressure) StopProducing() {}
