//go:build linux || darwin || freebsd

package conformance

import (
	"errors"
	"strconv"
	"time"

	"skein/deferred/clock"
)

// timing is CallLater.
var timing = []test{
	{name: "by time, and in order of registration", f: timeOrder},
	{name: "never too early", f: timeNotEarly},
	{name: "0 is neither at once nor in the same turn", f: timeZero},
	{name: "cancelled, in time and from inside", f: timeCancel},
	{name: "moved, in time and from inside", f: timeMove},
	{name: "moved out of the running turn", f: timeMoveDue},
	{name: "wrong arguments", f: timeWrong},
	{name: "one that sets itself again at 0 starves nobody", f: timeStarve},
	{name: "a peer that floods starves no timer", f: timeFlood},
	{name: "an earlier one comes first, whenever it is set", f: timeEarlier},
}

func timeOrder(s *scene) {
	var ran []string
	add := func(d time.Duration, name string) { s.r.CallLater(d, func() { ran = append(ran, name); s.poke() }) }
	add(3*time.Millisecond, "3")
	add(time.Millisecond, "1")
	add(2*time.Millisecond, "2")
	s.until("all have run", func() bool { return len(ran) == 3 })
	s.sequence("by time", ran, "1", "2", "3")

	ran = nil
	var want []string
	for i := range 100 {
		name := strconv.Itoa(i)
		want = append(want, name)
		add(0, name)
	}
	s.until("all have run", func() bool { return len(ran) == len(want) })
	s.sequence("by registration", ran, want...)
}

func timeNotEarly(s *scene) {
	for _, d := range []time.Duration{1, 999, time.Microsecond, 100 * time.Microsecond, time.Millisecond, 3 * time.Millisecond} {
		began, ran := s.r.Now(), time.Time{}
		c := s.r.CallLater(d, func() { ran = s.r.Now(); s.poke() })
		s.check("the call knows its time", !c.Time().Before(began.Add(d)) && c.Active())
		s.until("the call has run", func() bool { return !ran.IsZero() })
		s.check("not before its time", ran.Sub(began) >= d)
		s.check("the call is over", !c.Active())
	}
}

func timeZero(s *scene) {
	var turns []uint64
	var again func()
	again = func() {
		turns = append(turns, s.r.Stats().Turns)
		if len(turns) < 5 {
			s.r.CallLater(0, again)
		}
		s.poke()
	}
	s.r.CallLater(0, again)
	s.check("not from inside CallLater", len(turns) == 0)
	s.until("all have run", func() bool { return len(turns) == 5 })
	for i := range turns[1:] {
		s.check("each runs in a turn of its own", turns[i] < turns[i+1])
	}
}

func timeCancel(s *scene) {
	never := func() { s.t.Error("a cancelled call ran") }
	c := s.r.CallLater(0, never)
	s.check("Cancel", c.Cancel() == nil && !c.Active())
	s.isError("Cancel twice", c.Cancel(), clock.ErrAlreadyCancelled)
	s.isError("Reset of a cancelled call", c.Reset(1), clock.ErrAlreadyCancelled)
	s.isError("Delay of a cancelled call", c.Delay(1), clock.ErrAlreadyCancelled)

	var self, other *clock.DelayedCall
	over := false
	self = s.r.CallLater(0, func() {
		s.isError("Cancel from inside itself", self.Cancel(), clock.ErrAlreadyCalled)
		s.check("Cancel of one that is due in the same turn", other.Cancel() == nil)
		over = true
		s.poke()
	})
	other = s.r.CallLater(0, never)
	s.until("the call has run", func() bool { return over })
	s.isError("Cancel after the end", self.Cancel(), clock.ErrAlreadyCalled)
	s.isError("Reset after the end", self.Reset(1), clock.ErrAlreadyCalled)
	s.isError("Delay after the end", self.Delay(1), clock.ErrAlreadyCalled)
	s.turns(2)
	equal(s, "delayed calls", s.r.PendingCalls(), 0)
}

func timeMove(s *scene) {
	var ran []string
	note := func(name string) func() { return func() { ran = append(ran, name); s.poke() } }
	early := s.r.CallLater(time.Millisecond, note("reset to later"))
	late := s.r.CallLater(time.Hour, note("reset to sooner"))
	delayed := s.r.CallLater(time.Millisecond, note("delayed"))
	hurried := s.r.CallLater(time.Hour, note("hurried"))
	s.r.CallLater(0, func() {
		s.check("Reset", errors.Join(early.Reset(5*time.Millisecond), late.Reset(2*time.Millisecond)) == nil)
		s.check("Delay", errors.Join(delayed.Delay(6*time.Millisecond), hurried.Delay(-time.Hour)) == nil)
	})
	s.until("all have run", func() bool { return len(ran) == 4 })
	s.sequence("the calls", ran, "hurried", "reset to sooner", "reset to later", "delayed")
}

// timeMoveDue moves a call that is due in the turn in which it is moved.
func timeMoveDue(s *scene) {
	var ran []string
	var moved *clock.DelayedCall
	s.r.CallLater(0, func() {
		ran = append(ran, "mover")
		s.check("Reset", moved.Reset(2*time.Millisecond) == nil)
		s.r.CallLater(time.Millisecond, func() { ran = append(ran, "between") })
	})
	moved = s.r.CallLater(0, func() { ran = append(ran, "moved"); s.poke() })
	s.until("the moved one has run", func() bool { return len(ran) == 3 })
	s.sequence("the calls", ran, "mover", "between", "moved")
}

func timeWrong(s *scene) {
	s.isError("a negative delay", s.panics("a negative delay", func() { s.r.CallLater(-1, func() {}) }), clock.ErrNegativeDelay)
	s.isError("no function", s.panics("no function", func() { s.r.CallLater(0, nil) }), clock.ErrNilCall)
	c := s.r.CallLater(time.Hour, func() {})
	s.isError("a negative reset", c.Reset(-1), clock.ErrNegativeDelay)
	s.check("the call is as it was", c.Active() && c.Cancel() == nil)
}

func timeStarve(s *scene) {
	server, client := s.pair()
	rounds, over := 0, false
	var again func()
	again = func() {
		if rounds++; !over {
			s.r.CallLater(0, again)
		}
	}
	again()
	s.marker()
	server.write("hello")
	client.got([]byte("hello"))
	s.pass(time.Millisecond)
	over = true
	s.check("it has run all the while", rounds > 3)
	s.turns(2)
}

func timeFlood(s *scene) {
	server, client := s.pair()
	p := &flood{e: server}
	s.check("register", server.Transport.RegisterProducer(p, true) == nil)
	p.ResumeProducing()
	s.until("the flood has come", func() bool { return len(client.in) > 1<<20 })
	before := len(client.in)
	for range 100 {
		s.pass(0)
	}
	took := len(client.in) - before
	s.check("a hundred timers ran while little was read: "+strconv.Itoa(took), took < 200*(64<<10))
	server.Transport.AbortConnection()
	s.lost(server, client)
	s.check("the flood is stopped", p.stopped)
}

// timeEarlier sets a call while the loop waits for a later one.
func timeEarlier(s *scene) {
	late := s.r.CallLater(time.Hour, func() { s.t.Error("the wrong call ran") })
	s.turns(2)
	over := false
	s.r.CallLater(2*time.Millisecond, func() { over = true; s.poke() })
	s.r.CallLater(time.Millisecond, func() {
		c := s.r.CallLater(0, func() { s.t.Error("a cancelled call ran") })
		s.check("Cancel", c.Cancel() == nil)
	})
	s.until("the earlier one has run", func() bool { return over })
	s.check("Cancel", late.Cancel() == nil)
}
