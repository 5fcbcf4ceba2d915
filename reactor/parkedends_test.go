package reactor_test

import (
	"errors"
	"fmt"
	"net"
	"syscall"
	"testing"
	"time"

	"skein/protocol"
	"skein/reactor"
)

// TestAParkedConnectionThatCloses is what a relay is for: it sends all and closes,
// though the client has said something that nobody has read.
func TestAParkedConnectionThatCloses(t *testing.T) {
	p := newParkingLot(t, nil)
	write("please")(p.peer.Transport)
	p.Pump(still)
	write("a poem")(p.server.Transport)
	p.server.Transport.LoseConnection()
	p.server.Transport.ResumeProducing()
	p.Advance(still)
	p.isWatched("from its beginning to its end", false)
	p.lost(protocol.ErrConnectionDone)
	if got := p.peer.Received(); string(got) != "a poem" || errors.Is(p.peer.Reason(), protocol.ErrConnectionLost) {
		t.Errorf("the peer got %q, and then %v", got, p.peer.Reason())
	}
	p.Advance(later)
	if n := errors.Join(want("parked", reactor.Parked(p.Reactor), 0), want("leaving", reactor.Leaving(p.Reactor), 0)); n != nil {
		t.Error(n)
	}
}

// TestAParkedConnectionThatClosesToAPeerWhoStays is watched once, though it is parked
// first and leaves then.
func TestAParkedConnectionThatClosesToAPeerWhoStays(t *testing.T) {
	p := newParkingLot(t, nil)
	p.peer.Transport.PauseProducing()
	p.Pump(still)
	p.server.Transport.LoseConnection()
	p.Advance(still)
	p.isWatched("while it leaves", false)
	p.Advance(later)
	p.isWatched("behind that", true)
	p.peer.Transport.ResumeProducing()
	p.Pump()
	p.lost(protocol.ErrConnectionDone)
}

// TestAParkedConnectionThatWaitsForItsProducer is closed, and its peer aborts.
func TestAParkedConnectionThatWaitsForItsProducer(t *testing.T) {
	for _, opening := range []bool{true, false} {
		t.Run(fmt.Sprintf("in ConnectionMade %v", opening), func(t *testing.T) {
			feed := &idle{}
			closes := func(p *parkingLot) {
				if err := p.server.Transport.RegisterProducer(feed, true); err != nil {
					t.Error(err)
				}
				p.server.Transport.LoseConnection()
			}
			var p *parkingLot
			if opening {
				p = newParkingLot(t, closes)
			} else {
				p = newParkingLot(t, nil)
				closes(p)
				p.Pump()
			}
			p.isWatched("while it waits", opening) // it reads, to discard
			p.heard()
			p.peer.Transport.AbortConnection()
			p.Advance(later)
			p.lost(syscall.ECONNRESET)
			if feed.stopped != 1 {
				t.Errorf("the producer was stopped %d times", feed.stopped)
			}
		})
	}
}

// TestAParkedConnectionThatHasWaitedForItsProducer is closed, and leaves when that has
// nothing more: no timer stays behind.
func TestAParkedConnectionThatHasWaitedForItsProducer(t *testing.T) {
	p := newParkingLot(t, nil)
	if err := p.server.Transport.RegisterProducer(&idle{}, true); err != nil {
		t.Fatal(err)
	}
	p.server.Transport.LoseConnection()
	p.Pump()
	p.heard()
	p.server.Transport.UnregisterProducer()
	p.Advance(still)
	p.isWatched("from its beginning to its end", false)
	p.lost(protocol.ErrConnectionDone)
	p.Advance(later)
	if err := want("delayed calls", p.PendingCalls(), 0); err != nil {
		t.Error(err)
	}
}

// TestAParkedConnectionIsRegisteredOnce resumes at several times, twice, on the
// machine's kernel, and closes when nobody is parked any more.
func TestAParkedConnectionIsRegisteredOnce(t *testing.T) {
	for _, after := range []time.Duration{0, 3 * time.Millisecond, 30 * time.Millisecond} {
		t.Run(after.String(), func(t *testing.T) {
			k, r := newRegistering(t)
			_, addr := listen(t, r, build(func() protocol.Protocol {
				return &proto{made: func(p *proto) {
					p.Transport.PauseProducing()
					for range 2 {
						r.CallLater(after, func() { p.Transport.ResumeProducing(); p.Transport.PauseProducing() })
					}
					r.CallLater(60*time.Millisecond, func() { send([]byte("x"))(p) })
				}}
			}))
			r.DeferToThread(func() (any, error) {
				return nil, fetch(addr, func(c *net.TCPConn) error { return readPoem(c, []byte("x"), 8, func() {}) })
			}).AddBoth(func(_ any, err error) (any, error) {
				if err != nil {
					t.Error(err)
				}
				return nil, r.Stop()
			})
			k.run(t, r, []string{"input"}, 0)
		})
	}
}

// TestAParkedConnectionThatHalfCloses hears the answer.
func TestAParkedConnectionThatHalfCloses(t *testing.T) {
	p := newParkingLot(t, nil)
	p.peer.OnData = func([]byte) { write("answer")(p.peer.Transport) }
	write("question")(p.server.Transport)
	p.server.Transport.LoseWriteConnection()
	p.Pump()
	p.heard("WriteConnectionLost")
	p.server.Transport.ResumeProducing()
	p.Pump()
	p.heard("WriteConnectionLost", `DataReceived("answer")`, "ReadConnectionLost", "ConnectionLost(connection was closed cleanly)")
}

// TestTheReactorEndsWithAParkedConnection stops and crashes: its protocol is told of
// the first.
func TestTheReactorEndsWithAParkedConnection(t *testing.T) {
	ends := []struct {
		name   string
		end    func(r *reactor.Reactor)
		result error
		reason error
	}{
		{"Stop", func(r *reactor.Reactor) { _ = r.Stop() }, nil, reactor.ErrStopped},
		{"Crash", (*reactor.Reactor).Crash, reactor.ErrForcedStop, nil},
	}
	for _, e := range ends {
		t.Run(e.name, func(t *testing.T) {
			p := newParkingLot(t, func(p *parkingLot) { p.CallLater(still, func() { e.end(p.Reactor) }) })
			if err := p.Run(); !errors.Is(err, e.result) {
				t.Errorf("Run returned %v", err)
			}
			p.lost(e.reason)
			if open := p.Connections(); len(open) > 0 {
				t.Errorf("%v are open", open)
			}
			p.server.Transport.ResumeProducing()
		})
	}
}
