//go:build linux || darwin || freebsd

package conformance

import (
	"strconv"
	"time"

	"skein/deferred"
	"skein/reactor"
)

// calling is CallFromThread and CallWhenRunning.
var calling = []test{
	{name: "in the order in which they were posted", f: callOrder},
	{name: "from other goroutines", f: callFromOthers},
	{name: "not from inside, and not in the same turn", f: callLaterTurn},
	{name: "one that posts itself starves nobody", f: callStarve},
	{name: "a function is needed", f: callNil},
	{name: "CallWhenRunning runs at once", f: callWhenRunning},
	{name: "posted calls come before timers", f: callBeforeTimers},
	{name: "under WithDebug, from an inline body", f: callDebug, opts: within(reactor.WithDebug())},
}

func callOrder(s *scene) {
	var ran, want []string
	for i := range 100 {
		name := strconv.Itoa(i)
		want = append(want, name)
		s.r.CallFromThread(func() { ran = append(ran, name); s.poke() })
	}
	s.until("all have run", func() bool { return len(ran) == len(want) })
	s.sequence("the calls", ran, want...)
}

func callFromOthers(s *scene) {
	const goroutines, each = 4, 250
	var last [goroutines]int
	total := 0
	var posting []*deferred.Deferred
	for g := range goroutines {
		posting = append(posting, s.r.DeferToThread(func() (any, error) {
			for i := range each {
				s.r.CallFromThread(func() {
					if last[g] != i {
						s.t.Errorf("call %d of goroutine %d ran after call %d", i, g, last[g]-1)
					}
					last[g]++
					total++
				})
			}
			return nil, nil
		}))
	}
	s.await(deferred.GatherResults(posting))
	equal(s, "calls that have run", total, goroutines*each)
}

func callLaterTurn(s *scene) {
	var turns []uint64
	var again func()
	again = func() {
		turns = append(turns, s.r.Stats().Turns)
		before := len(turns)
		if before < 5 {
			s.r.CallFromThread(again)
		}
		equal(s, "calls from inside CallFromThread", len(turns), before)
		s.poke()
	}
	again()
	s.until("all have run", func() bool { return len(turns) == 5 })
	for i := range turns[1:] {
		s.check("each runs in a turn of its own", turns[i] < turns[i+1])
	}
}

func callStarve(s *scene) {
	server, client := s.pair()
	rounds, over := 0, false
	var again func()
	again = func() {
		if rounds++; !over {
			s.r.CallFromThread(again)
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

func callNil(s *scene) {
	s.panics("CallFromThread", func() { s.r.CallFromThread(nil) })
	s.panics("CallWhenRunning", func() { s.r.CallWhenRunning(nil) })
	s.panics("DeferToThread", func() { s.r.DeferToThread(nil) })
	s.panics("BlockingCallFromThread", func() { _, _ = s.r.BlockingCallFromThread(nil) })
	s.panics("AddSystemEventTrigger", func() { s.r.AddSystemEventTrigger(0, 0, nil) })
}

func callWhenRunning(s *scene) {
	ran := false
	s.r.CallWhenRunning(func() { ran = true })
	s.check("it has run", ran)
}

// callBeforeTimers sets both where neither has had its share of the turn yet, or
// both have.
func callBeforeTimers(s *scene) {
	server, client := s.pair()
	places := map[string]func(f func()){
		"in DataReceived": func(f func()) {
			client.OnData = func([]byte) { f() }
			server.write("x")
		},
		"in a timer": func(f func()) { s.r.CallLater(0, f) },
	}
	for name, where := range places {
		var ran []string
		where(func() {
			s.r.CallLater(0, func() { ran = append(ran, "timer"); s.poke() })
			s.r.CallFromThread(func() { ran = append(ran, "posted") })
		})
		s.until("both have run", func() bool { return len(ran) == 2 })
		s.sequence("set "+name, ran, "posted", "timer")
	}
}

// callDebug calls what checks its goroutine from where tests always do: a body,
// which is on the loop, but not on its stack.
func callDebug(s *scene) {
	server, client := s.pair()
	s.pass(time.Millisecond)
	server.write("hello")
	client.got([]byte("hello"))
}
