package reactor_test

import (
	"errors"
	"net"
	"time"

	"skein/protocol"
)

// feeder is a producer that keeps its contract, and sees to it that the
// transport keeps its own.
type feeder struct {
	e            *end
	push         bool
	paused, over bool
	pieces       int
}

// produce registers a producer.
func (e *end) produce() {
	w := e.w
	s := &feeder{e: e, push: w.chance(2), pieces: w.rng.IntN(20)}
	had := e.source
	if had == nil {
		e.source = s
	}
	var err error
	w.api("RegisterProducer", func() {
		if s.push {
			err = e.tr.RegisterProducer(&pushFeeder{s}, true)
		} else {
			err = e.tr.RegisterProducer(s, false)
		}
	})
	switch {
	case had != nil:
		if !errors.Is(err, protocol.ErrProducerRegistered) {
			e.errorf("a second producer: %v", err)
		}
	case err != nil:
		if !s.over || !errors.Is(err, net.ErrClosed) {
			e.errorf("RegisterProducer: %v, and it was stopped: %v", err, s.over)
		}
	case s.push:
		w.r.CallFromThread(s.flow)
	}
}

// unregister ends the producer, if there is one.
func (e *end) unregister() {
	if s := e.source; s != nil {
		s.over = true
		e.source = nil
	}
	e.w.api("UnregisterProducer", e.tr.UnregisterProducer)
}

// current checks that a call of the transport's finds its producer.
func (s *feeder) current(call string) {
	if s.over || s.e.source != s {
		s.e.errorf("%s of a producer that is not its own any more", call)
	}
}

func (s *feeder) ResumeProducing() {
	defer s.e.w.callback("ResumeProducing")()
	s.current("ResumeProducing")
	if s.push && !s.paused {
		s.e.errorf("ResumeProducing of a push producer that goes on already")
	}
	s.paused = false
	s.piece()
}

// piece writes one more piece, or ends the production.
func (s *feeder) piece() {
	if s.pieces--; s.pieces < 0 {
		s.e.unregister()
		if s.e.w.chance(3) && s.e.w.budget > 0 {
			s.e.w.budget--
			s.e.produce()
		}
	} else {
		s.e.write(s.e.w.pick(1, 1000, 30_000))
	}
	s.e.w.act(s.e)
}

// flow is a push producer's own accord.
func (s *feeder) flow() {
	defer s.e.w.callback("a posted call")()
	if s.over {
		return
	}
	s.e.w.later(time.Millisecond, s.flow) // first: what follows may panic
	if !s.paused {
		s.piece()
	}
}

func (s *feeder) StopProducing() {
	defer s.e.w.callback("StopProducing", "RegisterProducer")()
	s.current("StopProducing")
	s.over, s.e.source = true, nil
	s.e.w.act(s.e)
}

// pushFeeder is a feeder that can be paused.
type pushFeeder struct{ *feeder }

func (s *pushFeeder) PauseProducing() {
	defer s.e.w.callback("PauseProducing", "Write", "RegisterProducer")()
	s.current("PauseProducing")
	if s.paused {
		s.e.errorf("PauseProducing twice")
	}
	s.paused = true
	s.e.w.act(s.e)
}
