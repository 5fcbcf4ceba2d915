package transform

import (
	"time"

	"skein/deferred/clock"
)

// watch looks at each session of a server once per timeout. That is the same for
// all, so they are due in the order in which they came, and one timer for the first
// of them does: a connection that asks once and leaves costs none.
type watch struct {
	first, last *session
	timer       *clock.DelayedCall // nil until there is a session
}

// place is a session's place in a watch.
type place struct {
	due            time.Time // zero: it is in none
	before, behind *session
}

// watch looks at a session when the timeout is over.
func (s *Server) watch(x *session) {
	w := &s.sessions
	now := s.Clock.Now()
	x.due = now.Add(s.timeout())
	x.before = w.last
	if x.before == nil {
		w.first = x
	} else {
		x.before.behind = x
	}
	w.last = x
	s.arm(now)
}

// unwatch forgets a session, if it is there.
func (s *Server) unwatch(x *session) {
	if x.due.IsZero() {
		return
	}
	w := &s.sessions
	if x.before == nil {
		w.first = x.behind
	} else {
		x.before.behind = x.behind
	}
	if x.behind == nil {
		w.last = x.before
	} else {
		x.behind.before = x.before
	}
	x.place = place{}
	if w.first == nil && w.timer.Active() {
		_ = w.timer.Cancel()
	}
}

// arm sets the timer, if there is a session and no timer that will do: one for a
// session that has left comes too soon, and is set again then.
func (s *Server) arm(now time.Time) {
	w := &s.sessions
	if w.first != nil && (w.timer == nil || !w.timer.Active()) {
		w.timer = s.Clock.CallLater(max(0, w.first.due.Sub(now)), s.look)
	}
}

// look looks at the sessions that are due.
func (s *Server) look() {
	now := s.Clock.Now()
	defer s.arm(now) // after a panic, too
	for x := s.sessions.first; x != nil && !x.due.After(now); x = s.sessions.first {
		s.unwatch(x)
		x.look()
	}
}
