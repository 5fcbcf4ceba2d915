//go:build linux || darwin || freebsd

package conformance

import "time"

// counting is Stats.
var counting = []test{
	{name: "connections", f: countConnections},
	{name: "bytes", f: countBytes},
	{name: "timers and turns", f: countTimers},
	{name: "panics", f: countPanics, opts: oops(1)},
}

func countConnections(s *scene) {
	equal(s, "open at first", s.r.Stats().Open, 0)
	server, client := s.pair()
	got := s.r.Stats()
	equal(s, "open", got.Open, 2)
	equal(s, "made", got.Connections, 2)
	equal(s, "accepted", got.Accepted, 1)
	server.OnLost = func(error) { equal(s, "open in ConnectionLost", s.r.Stats().Open, 2) }
	server.Transport.AbortConnection()
	s.lost(server)
	s.lost(client)
	s.turns(1)
	got = s.r.Stats()
	equal(s, "open at the end", got.Open, 0)
	equal(s, "made at the end", got.Connections, 2)
}

func countBytes(s *scene) {
	server, client := s.pair()
	server.write("twelve bytes")
	client.got([]byte("twelve bytes"))
	got := s.r.Stats()
	equal(s, "written", got.BytesWritten, 12)
	equal(s, "read", got.BytesRead, 12)
}

func countTimers(s *scene) {
	before := s.r.Stats()
	c := s.r.CallLater(time.Hour, func() {})
	equal(s, "pending", s.r.Stats().PendingTimers, before.PendingTimers+1)
	equal(s, "pending calls", s.r.PendingCalls(), before.PendingTimers+1)
	s.check("Cancel", c.Cancel() == nil)
	equal(s, "pending after Cancel", s.r.Stats().PendingTimers, before.PendingTimers)
	s.pass(0)
	s.pass(0)
	got := s.r.Stats()
	equal(s, "timers that have run", got.TimersRun, before.TimersRun+2)
	s.check("turns and callbacks are counted", got.Turns >= before.Turns+2 && got.Callbacks >= before.Callbacks+2)
	s.check("no timer is early", got.Lag >= 0 && got.MaxLag >= got.Lag)
}

func countPanics(s *scene) {
	equal(s, "panics at first", s.r.Stats().Panics, 0)
	s.r.CallLater(0, func() { panic(errOops) })
	s.pass(0)
	equal(s, "panics", s.r.Stats().Panics, 1)
}
