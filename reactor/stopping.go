package reactor

import "skein/deferred"

// stopping is the end of a port of either kind: who waits for it, and whether it
// has come.
type stopping struct {
	finished bool // the descriptor is closed
	waiting  []*deferred.Deferred
}

// stop calls shutdown, and returns a Deferred that fires with nil once the
// descriptor is closed. Calling it again is no error.
func (s *stopping) stop(r *Reactor, shutdown func()) *deferred.Deferred {
	r.check("StopListening")
	if s.finished || r.phase.Load() == stopped {
		return deferred.Succeed(nil)
	}
	d := deferred.New()
	s.waiting = append(s.waiting, d)
	shutdown()
	if r.phase.Load() == idle && !r.calling {
		r.closeReleased() // there is no batch to wait for
	}
	return d
}

// tell fires what stop has returned.
func (s *stopping) tell() {
	waiting := s.waiting
	s.waiting = nil
	for _, d := range waiting {
		d.Callback(nil)
	}
}
