package service_test

import (
	"bytes"
	"errors"
	"net"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"skein/deferred"
	"skein/deferred/deferredtest"
	"skein/protocol"
	"skein/protocol/protocoltest"
	"skein/reactor"
	"skein/reactor/reactortest"
	"skein/reactor/service"
)

func TestClientPrepares(t *testing.T) {
	d := newDesk(t)
	d.listen()
	login := deferred.New()
	d.c.Prepare = func(p protocol.Protocol) *deferred.Deferred {
		want(t, "what is to be prepared", p, protocol.Protocol(d.last()))
		want(t, "its protocol knows", d.last().Made(), true)
		return login
	}
	connected, one := d.c.WhenConnected(0), d.c.WhenConnected(1)
	d.start()
	deferredtest.NoResult(t, connected)
	deferredtest.NoResult(t, d.c.WhenConnected(0).AddErrback(func(error) (any, error) { return nil, nil }))
	login.Errback(errBroken)
	d.m.Pump()
	expectErr(t, "the reason", deferredtest.ErrorResultOf(t, one), errBroken)
	expectErr(t, "the end of the server's end", d.served[0].Reason(), protocol.ErrConnectionLost)
	d.waited(1)

	login = deferred.NewCancellable(func(d *deferred.Deferred) { d.Callback(nil) }) // a success that comes too late
	one = d.c.WhenConnected(1)
	d.m.Advance(time.Second)
	d.served[1].Transport.LoseConnection() // in the middle of it
	d.m.Pump()
	expectErr(t, "the reason", deferredtest.ErrorResultOf(t, one), protocol.ErrConnectionDone)
	want(t, "cancelled with the connection", login.Called(), true)
	d.waited(2)

	d.c.Prepare = func(protocol.Protocol) *deferred.Deferred { panic(errBroken) }
	d.m.Advance(2 * time.Second)
	d.waited(3)
	d.c.Prepare = func(protocol.Protocol) *deferred.Deferred { return nil }
	d.m.Advance(3 * time.Second)
	want(t, "the protocol", deferredtest.SuccessResultOf(t, connected), any(d.last()))

	login = deferred.New()
	d.c.Prepare = func(protocol.Protocol) *deferred.Deferred { return login }
	d.served[3].Transport.LoseConnection()
	d.m.Advance(time.Second)
	want(t, "connections", len(d.made), 5)
	unprepared := d.c.WhenConnected(0).AddErrback(func(error) (any, error) { return nil, nil })
	deferredtest.NoResult(t, unprepared)
	service.Stop(d.c)
	must(t, service.Start(d.c))
	next := d.c.WhenConnected(0)
	login.Callback(nil) // of a connection that is being closed
	deferredtest.NoResult(t, next)
	d.m.Pump()
	want(t, "the next", deferredtest.SuccessResultOf(t, next), any(d.last()))
	want(t, "connections", len(d.made), 6)
	service.Stop(d.c)
	d.m.Pump()
}

func TestAWaiterMayCancelAnother(t *testing.T) {
	d := newDesk(t)
	var second *deferred.Deferred
	first := d.c.WhenConnected(1).AddErrback(func(error) (any, error) { second.Cancel(); return nil, nil })
	second = d.c.WhenConnected(1)
	d.start()
	deferredtest.SuccessResultOf(t, first)
	expectErr(t, "the other", deferredtest.ErrorResultOf(t, second), deferred.ErrCancelled)
	d.waited(1)
	service.Stop(d.c)
}

func TestClientsFactoryThatGivesNoProtocol(t *testing.T) {
	cases := map[string]struct {
		build func() protocol.Protocol
		want  error
	}{
		"refuses":               {func() protocol.Protocol { return nil }, service.ErrRefused},
		"panics":                {func() protocol.Protocol { panic(errBroken) }, errBroken},
		"makes one that panics": {func() protocol.Protocol { return &hothead{} }, errBroken},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.listen()
			d.c.Factory = build(tc.build)
			connected := d.c.WhenConnected(1)
			d.start()
			expectErr(t, "the reason", deferredtest.ErrorResultOf(t, connected), tc.want)
			d.waited(1)
			d.port.StopListening()
			connected = d.c.WhenConnected(1)
			d.m.Advance(time.Second)
			expectErr(t, "the next reason", deferredtest.ErrorResultOf(t, connected), syscall.ECONNREFUSED)
			d.waited(2)
			service.Stop(d.c)
			d.m.Pump()
		})
	}
}

// hothead panics when it is connected.
type hothead struct{ protocol.Base }

func (h *hothead) ConnectionMade()     { panic(errBroken) }
func (h *hothead) DataReceived([]byte) {}

func TestClientWithoutAReactor(t *testing.T) {
	d := newDesk(t)
	log := deferredtest.Unhandled(t)
	d.listen()
	d.start()
	stop := service.Stop(d.c)
	must(t, service.Start(d.c))
	connected := d.c.WhenConnected(0)
	d.c.Reactor = nil // before the second start really comes
	d.m.Pump()
	expectErr(t, "who waits hears", deferredtest.ErrorResultOf(t, connected), deferred.ErrCancelled)
	deferredtest.SuccessResultOf(t, stop)
	want(t, "running", d.c.Running(), false)
	if got := log.Flush(); len(got) != 1 || !errors.Is(got[0].Err, service.ErrNoReactor) {
		t.Errorf("reported: %v, want the error of the second start", got)
	}
	expectErr(t, "the error", service.Start(&service.TCPClient{Addr: "127.0.0.1:7"}), service.ErrNoReactor)
}

func TestAPolicyThatPanicsDoesNotEndTheTrying(t *testing.T) {
	d := newDesk(t)
	log := deferredtest.Unhandled(t)
	d.c.Retry = func(int) time.Duration { panic(errBroken) }
	d.start()
	if got := log.Flush(); len(got) != 1 || !errors.Is(got[0].Err, errBroken) {
		t.Errorf("reported: %v, want the panic", got)
	}
	d.c.Retry = func(n int) time.Duration {
		d.waits = append(d.waits, n)
		if n == 2 {
			return -time.Second // no time at all
		}
		return time.Hour
	}
	d.m.Advance(3 * time.Second)
	d.waited(2, 3)
	service.Stop(d.c)
	d.m.Pump()
}

// TestClientIsStoppedByThoseItTells has what hears of a client stop it.
func TestClientIsStoppedByThoseItTells(t *testing.T) {
	cases := []struct {
		name   string
		listen bool
		equip  func(d *desk, stop func())
	}{
		{"one that has given up", false, func(d *desk, stop func()) {
			d.c.WhenConnected(1).AddErrback(func(error) (any, error) { stop(); return nil, nil })
		}},
		{"the policy", false, func(d *desk, stop func()) {
			d.c.Retry = func(int) time.Duration { stop(); return time.Second }
		}},
		{"one that is connected", true, func(d *desk, stop func()) {
			d.c.WhenConnected(0).AddCallback(func(any) (any, error) { stop(); return nil, nil })
		}},
		{"the factory", true, func(d *desk, stop func()) {
			d.c.Factory = build(func() protocol.Protocol { stop(); return &greeter{} })
			d.c.Prepare = func(protocol.Protocol) *deferred.Deferred {
				d.t.Error("a connection that is being closed is prepared")
				return nil
			}
		}},
		{"what prepares", true, func(d *desk, stop func()) {
			d.c.Prepare = func(protocol.Protocol) *deferred.Deferred { stop(); return nil }
		}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			d := newDesk(t)
			if tc.listen {
				d.listen()
			}
			var stopped *deferred.Deferred
			tc.equip(d, func() { stopped = service.Stop(d.c) })
			second := d.c.WhenConnected(0).AddErrback(func(err error) (any, error) {
				expectErr(t, "another that waits hears", err, deferred.ErrCancelled)
				return nil, nil
			})
			d.start()
			deferredtest.SuccessResultOf(t, stopped)
			deferredtest.SuccessResultOf(t, second)
			d.m.Advance(time.Hour)
			want(t, "sockets that are open", len(d.m.Connections()), 0)
			want(t, "timers that wait", d.m.Stats().PendingTimers, 0)
			want(t, "running", d.c.Running(), false)
		})
	}
}

// asker asks for another connection when its own has ended.
type asker struct {
	protocol.Base
	c    *service.TCPClient
	next *deferred.Deferred
}

func (a *asker) DataReceived([]byte) {}
func (a *asker) ConnectionLost(error) {
	if a.c.Running() {
		a.next = a.c.WhenConnected(1) // its own end is no failed attempt
	}
}

func TestAProtocolThatHasEndedIsNotHandedOut(t *testing.T) {
	d := newDesk(t)
	d.listen()
	var made []*asker
	d.c.Factory = build(func() protocol.Protocol {
		made = append(made, &asker{c: d.c})
		return made[len(made)-1]
	})
	d.start()
	d.served[0].Transport.LoseConnection()
	d.m.Pump()
	deferredtest.NoResult(t, made[0].next)
	d.m.Advance(time.Second)
	want(t, "the protocol", deferredtest.SuccessResultOf(t, made[0].next), any(made[1]))
	service.Stop(d.c)
	d.m.Pump()
}

// talker goes on when its peer has no more to say.
type talker struct {
	protocoltest.Recorder
	diary
	log *zerolog.Logger
}

func (h *talker) ReadConnectionLost() {
	h.note("%s, then its end", h.Received())
	h.log.Log().Msg("who speaks?")
	_, _ = h.Transport.Write([]byte("and so say I"))
	h.Transport.LoseWriteConnection()
}
func (h *talker) WriteConnectionLost() { h.note("mine"); h.Transport.LoseConnection() }
func (h *talker) LogPrefix() string    { return "talker" }

func TestClientsProtocolKeepsItsPowers(t *testing.T) {
	var lines bytes.Buffer
	d := newDeskOn(t, reactortest.NewMemory(reactor.WithLogger(zerolog.New(&lines))))
	d.listen()
	h := &talker{log: d.m.Log()}
	starts := &counted{FactoryFunc: func(net.Addr) protocol.Protocol { return h }}
	d.c.Factory = starts
	d.start()
	starts.expect(t, "start")
	_, _ = d.served[0].Transport.Write([]byte("my last words"))
	d.served[0].Transport.LoseConnection()
	d.m.Pump()
	h.expect(t, "my last words, then its end", "mine")
	if !strings.Contains(lines.String(), `"owner":"talker,`) {
		t.Errorf("the log says %s, want the protocol's own name", &lines)
	}
	service.Stop(d.c)
	d.m.Pump()
	starts.expect(t, "stop")
}

// counted is a factory that knows how it is used.
type counted struct {
	protocol.FactoryFunc
	diary
}

func (c *counted) StartFactory() { c.note("start") }
func (c *counted) StopFactory()  { c.note("stop") }

// TestAReactorThatStopsEndsTheTrying, also of a client that nobody has stopped.
func TestAReactorThatStopsEndsTheTrying(t *testing.T) {
	for name, addr := range map[string]string{"connected": "127.0.0.1:7", "connecting": "127.1.0.1:7", "waiting": "127.0.0.1:9"} {
		t.Run(name, func(t *testing.T) {
			m := reactortest.NewMemory()
			m.BlackHole("127.1.0.1")
			_, err := m.ListenTCP("127.0.0.1:7", build(func() protocol.Protocol { return &protocoltest.Recorder{} }))
			must(t, err)
			c := &service.TCPClient{Reactor: m.Reactor, Addr: addr, Factory: build(func() protocol.Protocol { return &protocoltest.Recorder{} })}
			must(t, service.Start(c))
			var told error
			m.CallLater(time.Second, func() {
				_ = m.Stop()
			})
			m.AddSystemEventTrigger(reactor.Before, reactor.Shutdown, func() *deferred.Deferred {
				c.WhenConnected(0).AddErrback(func(err error) (any, error) { told = err; return nil, nil })
				return nil
			})
			must(t, m.Run())
			switch name {
			case "connecting":
				expectErr(t, "who waits hears", told, reactor.ErrStopped)
			case "connected":
				expectErr(t, "who asks too late", deferredtest.ErrorResultOf(t, c.WhenConnected(0)), deferred.ErrCancelled)
			}
			if name != "waiting" { // where a timer that never comes is all there is
				deferredtest.SuccessResultOf(t, service.Stop(c))
			}
		})
	}
}

// TestClientOnTheMachine keeps connected to a server that ends each connection,
// and that is away for a while.
func TestClientOnTheMachine(t *testing.T) {
	reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
		server := &service.TCPServer{Reactor: r, Addr: "127.0.0.1:0", Factory: greeters}
		must(t, service.Start(server))
		server.Addr = server.Port().Addr().String() // it comes back to the same place
		var heard []*protocoltest.Recorder
		c := &service.TCPClient{Reactor: r, Addr: server.Addr, Retry: func(int) time.Duration { return time.Millisecond }}
		c.Factory = build(func() protocol.Protocol {
			heard = append(heard, &protocoltest.Recorder{})
			return heard[len(heard)-1]
		})
		return deferred.InlineCallbacks(func(in *deferred.Inline) (any, error) {
			must(t, service.Start(c))
			waitUntil(in, r, func() bool { return len(heard) > 3 })
			_, err := in.Yield(service.Stop(server))
			must(t, err)
			var away error
			waitUntil(in, r, func() bool { // connections that have been made live on
				c.WhenConnected(1).AddErrback(func(err error) (any, error) { away = err; return nil, nil })
				return away != nil
			})
			expectErr(t, "while the server is away", away, syscall.ECONNREFUSED)
			must(t, service.Start(server))
			_, err = in.Yield(c.WhenConnected(0))
			expectErr(t, "when it is back", err, nil)
			for i, h := range heard[:3] {
				want(t, "what connection "+strconv.Itoa(i)+" heard", string(h.Received()), "hello")
				expectErr(t, "its contract", h.Err(), nil)
			}
			_, err = in.Yield(service.Stop(c))
			must(t, err)
			return in.Yield(service.Stop(server))
		})
	})
}
