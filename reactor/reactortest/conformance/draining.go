//go:build linux || darwin || freebsd

package conformance

import (
	"skein/deferred"
	"skein/protocol"
)

// draining is WhenDrained.
var draining = []test{
	{name: "no connection is open", f: drainAtOnce},
	{name: "not before the last has ended", f: drainLast},
	{name: "connections that linger count", f: drainLingering},
	{name: "those that are seen off count", f: drainSeenOff},
	{name: "several wait", f: drainSeveral},
	{name: "one is cancelled", f: drainCancelled},
	{name: "callbacks that wait again, and cancel others", f: drainAgain},
}

// drained returns a function that reports whether WhenDrained has fired.
func (s *scene) drained() func() bool {
	fired := false
	s.r.WhenDrained().AddCallback(func(v any) (any, error) {
		equal(s, "the result", v, nil)
		equal(s, "open connections", s.r.Stats().Open, 0)
		fired = true
		s.poke()
		return nil, nil
	})
	return func() bool { return fired }
}

func drainAtOnce(s *scene) {
	s.check("it fires at once", s.drained()())
	s.listen(s.builds())
	s.check("a port is no connection", s.drained()())
}

func drainLast(s *scene) {
	one, _ := s.pair()
	two, _ := s.pair()
	fired := s.drained()
	one.Transport.AbortConnection()
	s.lost(one)
	s.turns(3)
	s.check("it waits for the other", !fired())
	two.OnLost = func(error) { s.check("it waits for ConnectionLost", !fired()) }
	two.Transport.LoseConnection()
	s.until("it fires", fired)
	s.check("everybody has been told", one.Lost() && two.Lost())
}

func drainLingering(s *scene) {
	server, client := s.pair()
	client.Transport.PauseProducing()
	server.write("goodbye")
	server.Transport.LoseConnection()
	fired := s.drained()
	s.turns(3)
	s.check("it waits for the client's end", !fired())
	client.Transport.ResumeProducing()
	client.got([]byte("goodbye"))
	s.until("it fires", fired)
}

// drainSeenOff has connections that are closed in their own first callback, and
// so never watched.
func drainSeenOff(s *scene) {
	f := s.builds()
	const many = 5
	made := 0
	f.build = func() protocol.Protocol {
		e := s.newEnd("a server")
		e.OnMade = func() {
			made++
			e.write("goodbye")
			e.Transport.LoseConnection()
		}
		return e.proto
	}
	p := s.listen(f)
	clients := make([]*end, many)
	for i := range clients {
		clients[i] = s.newEnd("a client")
		s.connect(p, s.builds(clients[i].proto))
	}
	s.until("all have come", func() bool { return made == many })
	fired := s.drained()
	s.until("it fires", fired)
	for _, c := range clients {
		c.got([]byte("goodbye"))
	}
}

func drainSeveral(s *scene) {
	server, _ := s.pair()
	one, two := s.drained(), s.drained()
	server.Transport.AbortConnection()
	s.until("both fire", func() bool { return one() && two() })
}

func drainCancelled(s *scene) {
	server, _ := s.pair()
	d, other := s.r.WhenDrained(), s.drained()
	d.Cancel()
	_, err := s.try(d)
	s.isError("the cancelled one", err, deferred.ErrCancelled)
	s.check("the other waits", !other())
	server.Transport.AbortConnection()
	s.until("the other fires", other)
}

func drainAgain(s *scene) {
	server, _ := s.pair()
	calls := []string{}
	var second *deferred.Deferred
	s.r.WhenDrained().AddCallback(func(any) (any, error) {
		calls = append(calls, "first")
		second.Cancel()
		s.r.WhenDrained().AddCallback(func(any) (any, error) {
			calls = append(calls, "again")
			return nil, nil
		})
		s.poke()
		return nil, nil
	})
	second = s.r.WhenDrained()
	second.AddErrback(func(error) (any, error) {
		calls = append(calls, "cancelled")
		return nil, nil
	})
	server.Transport.AbortConnection()
	s.until("it fires", func() bool { return len(calls) > 0 })
	s.turns(2)
	s.sequence("the calls", calls, "first", "cancelled", "again")
}
