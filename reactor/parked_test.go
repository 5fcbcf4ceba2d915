package reactor_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"skein/deferred"
	"skein/protocol"
	"skein/protocol/policies"
	"skein/protocol/protocoltest"
	"skein/reactor"
	"skein/reactor/reactortest"
)

// parkingLot is a server in memory that has paused its one client in ConnectionMade.
type parkingLot struct {
	*reactortest.MemoryReactor
	t      *testing.T
	port   *reactor.Port
	addr   string
	server *protocoltest.HalfRecorder
	peer   *protocoltest.Recorder
}

// still is less than it takes until the poller watches, later more.
const still, later = 5 * time.Millisecond, 11 * time.Millisecond

// newParkingLot connects the client. made runs in ConnectionMade, behind the pause.
func newParkingLot(t *testing.T, made func(*parkingLot), opts ...reactor.Option) *parkingLot {
	t.Helper()
	p := &parkingLot{t: t, server: &protocoltest.HalfRecorder{}, peer: &protocoltest.Recorder{}}
	p.MemoryReactor = reactortest.NewMemory(append(opts, reactor.WithLogger(zerolog.Nop()))...)
	t.Cleanup(func() { _ = p.Close() })
	p.server.OnMade = func() {
		p.server.Transport.PauseProducing()
		if made != nil {
			made(p)
		}
	}
	served := []protocol.Protocol{p.server}
	p.port, p.addr = listen(t, p.Reactor, build(func() protocol.Protocol {
		next := served[0]
		served = []protocol.Protocol{&protocoltest.Recorder{}}
		return next
	}))
	p.connect(p.peer)
	return p
}

// connect makes another connection.
func (p *parkingLot) connect(peer protocol.Protocol) {
	p.t.Helper()
	p.ConnectTCP(p.addr, &client{t: p.t, p: peer})
	p.Pump()
}

// isWatched fails the test unless the server's end is watched, or is not.
func (p *parkingLot) isWatched(when string, expected bool) {
	p.t.Helper()
	if err := want("watched "+when, reactor.Watched(p.server.Transport), expected); err != nil {
		p.t.Error(err)
	}
}

// heard fails the test unless the server was told just this behind ConnectionMade, and
// in order.
func (p *parkingLot) heard(calls ...string) {
	p.t.Helper()
	if got := p.server.Calls()[2:]; !slices.Equal(got, calls) || p.server.Err() != nil {
		p.t.Errorf("the server was told %q, want %q; %v", got, calls, p.server.Err())
	}
}

// lost fails the test unless the server has lost its connection for this reason.
func (p *parkingLot) lost(reason error) {
	p.t.Helper()
	if got := p.server.Reason(); !errors.Is(got, reason) || p.server.Err() != nil {
		p.t.Errorf("the server's reason is %v, want %v; %v", got, reason, p.server.Err())
	}
}

// TestAParkedConnectionIsWatchedInTheEnd looks at the clock.
func TestAParkedConnectionIsWatchedInTheEnd(t *testing.T) {
	p := newParkingLot(t, nil)
	p.Advance(still)
	p.isWatched("while it is parked", false)
	p.Advance(later - still)
	p.isWatched("behind that", true)
	p.heard()
	if n := reactor.Parked(p.Reactor); n != 0 {
		t.Errorf("%d are parked still", n)
	}
}

// TestResumingAParkedConnection has the peer do something before the server resumes,
// and behind that. The server is told of all, and of nothing before.
func TestResumingAParkedConnection(t *testing.T) {
	resumes := []struct {
		name   string
		after  time.Duration
		inMade bool
		run    func(p *parkingLot, resume func())
	}{
		{name: "in ConnectionMade", inMade: true},
		{name: "at once", run: func(_ *parkingLot, resume func()) { resume() }},
		{name: "soon, by a timer", run: func(p *parkingLot, resume func()) { p.CallLater(still, resume); p.Advance(still) }},
		{name: "soon, by another connection", run: func(p *parkingLot, resume func()) {
			p.Advance(still)
			p.connect(&proto{made: func(*proto) { resume() }})
		}},
		{name: "late", after: later, run: func(_ *parkingLot, resume func()) { resume() }},
	}
	const reset = "ConnectionLost(connection was lost in a non-clean fashion: connection reset by peer)"
	data := []string{`DataReceived("one")`, `DataReceived("two")`}
	acts := []struct {
		name     string
		one, two func(protocol.Transport)
		want     []string
	}{
		{"writes", write("one"), write("two"), data},
		{"writes before", write("one"), func(protocol.Transport) {}, data[:1]},
		{"ends", write("one"), func(t protocol.Transport) { write("two")(t); t.LoseWriteConnection() }, append(data[:2:2], "ReadConnectionLost")},
		{"has ended", func(t protocol.Transport) { write("one")(t); t.LoseWriteConnection() }, func(protocol.Transport) {},
			append(data[:1:1], "ReadConnectionLost")},
		{"aborts", write("one"), protocol.Transport.AbortConnection,
			append(data[:1:1], reset)},
		{"has aborted", protocol.Transport.AbortConnection, func(protocol.Transport) {}, []string{reset}},
	}
	for _, resume := range resumes {
		for _, act := range acts {
			t.Run(resume.name+"/"+act.name, func(t *testing.T) {
				p := newParkingLot(t, func(p *parkingLot) {
					if resume.inMade {
						p.server.Transport.ResumeProducing()
					}
				})
				act.one(p.peer.Transport)
				p.Pump(resume.after)
				if !resume.inMade {
					if !p.server.Lost() {
						p.heard()
					}
					resume.run(p, func() { p.server.Transport.ResumeProducing(); p.isWatched("once it has resumed", true) })
				}
				p.Pump()
				act.two(p.peer.Transport)
				p.Pump()
				p.heard(act.want...)
			})
		}
	}
}

// write returns a function that writes a text.
func write(text string) func(protocol.Transport) {
	return func(t protocol.Transport) { _, _ = t.Write([]byte(text)) }
}

// TestAParkedConnectionHearsOfAReset has the peer abort.
func TestAParkedConnectionHearsOfAReset(t *testing.T) {
	p := newParkingLot(t, nil)
	p.peer.Transport.AbortConnection()
	p.Advance(later)
	p.lost(syscall.ECONNRESET)
}

// TestAParkedConnectionThatIsFull writes more than fits to a peer that reads later: the
// server hears at once that there is room.
func TestAParkedConnectionThatIsFull(t *testing.T) {
	for _, opening := range []bool{true, false} {
		t.Run(fmt.Sprintf("in ConnectionMade %v", opening), func(t *testing.T) {
			poem := bigPoem()[:1<<20]
			write := func(p *parkingLot) { _ = p.server.Transport.WriteShared(poem) }
			var made func(*parkingLot)
			if opening {
				made = write
			}
			p := newParkingLot(t, made)
			p.peer.Transport.PauseProducing()
			if !opening {
				p.Advance(still)
				write(p)
			}
			p.Pump()
			p.isWatched("when it is full", true)
			p.peer.Transport.ResumeProducing()
			p.Pump()
			if got := p.peer.Received(); !bytes.Equal(got, poem) {
				t.Errorf("%d of %d bytes have come", len(got), len(poem))
			}
			p.heard()
		})
	}
}

// TestAParkedConnectionThatCannotBeWatched fails when it would be watched: it is lost,
// and not from inside a call.
func TestAParkedConnectionThatCannotBeWatched(t *testing.T) {
	cases := map[string]func(p *parkingLot){
		"resumed": func(p *parkingLot) { p.server.Transport.ResumeProducing() },
		"full":    func(p *parkingLot) { _ = p.server.Transport.WriteShared(make([]byte, 1<<20)) },
		"late":    func(p *parkingLot) { p.Advance(later) },
	}
	fail := func(p *parkingLot) { p.FailNext(reactortest.Add, syscall.ENOMEM) }
	for name, act := range cases {
		for _, opening := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, in ConnectionMade %v", name, opening), func(t *testing.T) {
				var p *parkingLot
				if opening && name != "late" {
					p = newParkingLot(t, func(p *parkingLot) { fail(p); act(p) })
				} else {
					p = newParkingLot(t, nil)
					p.peer.Transport.PauseProducing()
					p.Pump(still)
					fail(p)
					act(p)
				}
				p.Pump()
				p.lost(syscall.ENOMEM)
				p.peer.Transport.ResumeProducing()
				p.Pump()
				if got := p.peer.Reason(); !errors.Is(got, syscall.ECONNRESET) {
					t.Errorf("the peer's reason is %v", got)
				}
				p.Advance(later)
				if n := p.Stats().Open; n != 0 {
					t.Errorf("%d connections are open", n)
				}
			})
		}
	}
}

// TestTheParkedAreNobodysDelayedCalls asks for their number, and for when the last
// tick has gone by.
func TestTheParkedAreNobodysDelayedCalls(t *testing.T) {
	p := newParkingLot(t, nil)
	for range 2 {
		if n := errors.Join(want("delayed calls", p.PendingCalls(), 0), want("by Stats", p.Stats().PendingTimers, 0)); n != nil {
			t.Error(n)
		}
		p.Advance(later)
	}
	before := p.Stats().TimersRun
	p.Advance(time.Second)
	if n := p.Stats().TimersRun - before; n > 0 {
		t.Errorf("%d timers have run behind the last tick", n)
	}
}

// TestTheParkedWhoAreGoneAreForgotten has thousands come and end at once, beside one
// that stays: no more than the patience's share of them is kept, and none behind that.
func TestTheParkedWhoAreGoneAreForgotten(t *testing.T) {
	for _, stays := range []bool{false, true} {
		t.Run(fmt.Sprintf("one stays %v", stays), func(t *testing.T) {
			p := newParkingLot(t, nil)
			if !stays {
				p.server.Transport.AbortConnection()
			}
			most := 0
			_, addr := listen(t, p.Reactor, build(func() protocol.Protocol {
				return &proto{made: func(s *proto) {
					s.Transport.PauseProducing()
					p.CallLater(0, s.Transport.AbortConnection)
				}}
			}))
			for range 3000 {
				p.ConnectTCP(addr, &client{t: t, p: &proto{}})
				p.Advance(100 * time.Microsecond)
				most = max(most, reactor.Parked(p.Reactor))
			}
			limit := 2
			if stays {
				limit = 110 // that come within 10 ms
			}
			if most > limit {
				t.Errorf("%d were parked at once, at most %d are allowed", most, limit)
			}
			p.Advance(later)
			if n := reactor.Parked(p.Reactor); n != 0 {
				t.Errorf("%d are parked still", n)
			}
		})
	}
}

// TestNobodyIsParkedWhileNobodyIsAccepted has a port run out of descriptors, or be
// paused or closed by its own protocol: what becomes of the parked is told at once.
func TestNobodyIsParkedWhileNobodyIsAccepted(t *testing.T) {
	t.Run("starved", func(t *testing.T) {
		p := newParkingLot(t, nil)
		p.FailNext(reactortest.Accept, syscall.EMFILE)
		p.connect(&proto{})
		p.isWatched("when its port has no descriptor", true)
	})
	t.Run("paused", func(t *testing.T) {
		p := newParkingLot(t, func(p *parkingLot) { p.port.PauseAccepting() })
		p.isWatched("when its port is paused", true)
	})
	t.Run("closed", func(t *testing.T) {
		p := newParkingLot(t, func(p *parkingLot) { p.port.StopListening() })
		p.isWatched("when its port is closed", true)
	})
}

// TestWhoIsLetInWhenAParkedOneLeavesNeedNotWait has one client at a time, and looks at
// the clock.
func TestWhoIsLetInWhenAParkedOneLeavesNeedNotWait(t *testing.T) {
	reactortest.RunMemory(t, func(m *reactortest.MemoryReactor) *deferred.Deferred {
		limit := &policies.TotalLimit{Max: 1, Factory: build(func() protocol.Protocol {
			return &proto{made: func(p *proto) {
				p.Transport.PauseProducing()
				m.CallLater(0, func() { send([]byte("x"))(p) })
			}}
		})}
		port, addr := listen(t, m.Reactor, limit)
		limit.PauseAtLimit(port)
		start := m.Now()
		return closing(port, fetchInTurn(t, m.Reactor, addr, 20, nil).AddCallback(func(any) (any, error) {
			return nil, want("more than 5 ms for 20 clients", m.Now().Sub(start) > 5*time.Millisecond, false)
		}))
	})
}

// TestNoPatience has none: the poller watches within no time.
func TestNoPatience(t *testing.T) {
	p := newParkingLot(t, nil, reactor.WithLingerTimeout(0))
	p.Advance(time.Microsecond)
	p.isWatched("without patience", true)
}
