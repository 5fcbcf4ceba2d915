package service_test

import (
	"errors"
	"net"
	"slices"
	"syscall"
	"testing"
	"time"

	"skein/deferred"
	"skein/deferred/deferredtest"
	"skein/protocol"
	"skein/protocol/protocoltest"
	"skein/reactor"
	"skein/reactor/reactortest"
	"skein/reactor/service"
)

// desk is a client service on a reactor in memory that the test drives by hand,
// and the server that it looks for.
type desk struct {
	t      *testing.T
	m      *reactortest.MemoryReactor
	c      *service.TCPClient
	port   *reactor.Port
	served []*protocoltest.Recorder // the server's ends
	made   []*protocoltest.Recorder // the client's
	waits  []int                    // what Retry was asked
}

// newDesk makes them; the server does not listen yet. The n-th wait takes n
// seconds.
func newDesk(t *testing.T) *desk {
	d := &desk{t: t, m: reactortest.NewMemory()}
	t.Cleanup(func() { _ = d.m.Close() })
	d.c = &service.TCPClient{Reactor: d.m.Reactor, Addr: "127.0.0.1:7"}
	d.c.Factory = build(func() protocol.Protocol {
		d.made = append(d.made, &protocoltest.Recorder{})
		return d.made[len(d.made)-1]
	})
	d.c.Retry = func(n int) time.Duration {
		d.waits = append(d.waits, n)
		return time.Duration(n) * time.Second
	}
	return d
}

// listen opens the server's port.
func (d *desk) listen() {
	d.t.Helper()
	var err error
	d.port, err = d.m.ListenTCP("127.0.0.1:7", build(func() protocol.Protocol {
		d.served = append(d.served, &protocoltest.Recorder{})
		return d.served[len(d.served)-1]
	}))
	must(d.t, err)
}

// start starts the client and lets happen what can happen at once.
func (d *desk) start() {
	d.t.Helper()
	must(d.t, service.Start(d.c))
	d.m.Pump()
}

// waited fails the test unless Retry was asked exactly this.
func (d *desk) waited(want ...int) {
	d.t.Helper()
	if !slices.Equal(d.waits, want) {
		d.t.Errorf("the waits are %v, want %v", d.waits, want)
	}
	d.waits = nil
}

// last returns the client's latest protocol.
func (d *desk) last() *protocoltest.Recorder { return d.made[len(d.made)-1] }

func TestClientTriesAgain(t *testing.T) {
	d := newDesk(t)
	connected := d.c.WhenConnected(0) // before the start: it waits for that, too
	d.start()
	d.waited(1)
	d.m.Advance(999 * time.Millisecond)
	d.waited()
	d.m.Advance(time.Millisecond)
	d.waited(2)
	d.m.Advance(2 * time.Second)
	d.waited(3)
	deferredtest.NoResult(t, connected)
	d.listen()
	d.m.Advance(3 * time.Second)
	want(t, "the protocol", deferredtest.SuccessResultOf(t, connected), any(d.last()))
	want(t, "it once more", deferredtest.SuccessResultOf(t, d.c.WhenConnected(1)), any(d.last()))

	d.served[0].Transport.LoseConnection() // a clean end is followed by another attempt, too
	d.m.Pump()
	d.waited(1)
	again := d.c.WhenConnected(0)
	d.m.Advance(time.Second)
	want(t, "connections", len(d.made), 2)
	want(t, "the second", deferredtest.SuccessResultOf(t, again), any(d.last()))
	deferredtest.NoResult(t, service.Stop(d.c))
	d.m.Pump()
	d.waited()
	want(t, "sockets that are open", len(d.m.Connections()), 0)
}

func TestClientWaitsAsTwisted(t *testing.T) {
	d := newDesk(t)
	d.c.Retry = service.Backoff{Random: func() float64 { return 0.5 }}.Delay
	failures := 0
	var count func() *deferred.Deferred
	count = func() *deferred.Deferred {
		return d.c.WhenConnected(1).AddErrback(func(error) (any, error) {
			failures++
			count()
			return nil, nil
		})
	}
	count()
	d.start()
	for i, wait := range []time.Duration{2000, 2750, 3875} { // milliseconds
		want(t, "failures", failures, i+1)
		d.m.Advance(wait*time.Millisecond - 1)
		want(t, "failures a moment before", failures, i+1)
		d.m.Advance(1)
	}
	want(t, "failures", failures, 4)
	service.Stop(d.c)
}

func TestWhenConnectedGivesUp(t *testing.T) {
	d := newDesk(t)
	one, three, never := d.c.WhenConnected(1), d.c.WhenConnected(3), d.c.WhenConnected(0)
	d.start()
	err := deferredtest.ErrorResultOf(t, one)
	expectErr(t, "the reason", err, syscall.ECONNREFUSED)
	var connect *protocol.ConnectError
	if !errors.As(err, &connect) {
		t.Errorf("the reason is %#v, want a ConnectError", err)
	}
	late := d.c.WhenConnected(1) // counts from now on
	cancelled := d.c.WhenConnected(2)
	cancelled.Cancel()
	expectErr(t, "who has cancelled", deferredtest.ErrorResultOf(t, cancelled), deferred.ErrCancelled)
	deferredtest.NoResult(t, late)
	d.m.Advance(time.Second)
	expectErr(t, "the late one's", deferredtest.ErrorResultOf(t, late), syscall.ECONNREFUSED)
	deferredtest.NoResult(t, three)
	d.m.Advance(2 * time.Second)
	expectErr(t, "the third failure's", deferredtest.ErrorResultOf(t, three), syscall.ECONNREFUSED)
	deferredtest.NoResult(t, never)
	service.Stop(d.c)
	expectErr(t, "the one that never does", deferredtest.ErrorResultOf(t, never), deferred.ErrCancelled)
}

// TestClientStops stops it wherever it can be.
func TestClientStops(t *testing.T) {
	cases := []struct {
		name    string
		reach   func(d *desk)
		at_once bool // the stop needs no turn of the loop
		waiters bool // somebody still waits
	}{
		{"before the first turn", func(d *desk) { must(d.t, service.Start(d.c)) }, false, true},
		{"connecting", func(d *desk) { d.m.BlackHole("127.0.0.1"); d.start() }, false, true},
		{"waiting", func(d *desk) { d.start() }, true, true},
		{"preparing", func(d *desk) {
			d.listen()
			d.c.Prepare = func(protocol.Protocol) *deferred.Deferred { return deferred.New() }
			d.start()
		}, false, true},
		{"connected", func(d *desk) { d.listen(); d.start() }, false, false},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			d := newDesk(t)
			connected := d.c.WhenConnected(0)
			tc.reach(d)
			stop, second := service.Stop(d.c), service.Stop(d.c)
			if tc.waiters {
				expectErr(t, "who waits hears", deferredtest.ErrorResultOf(t, connected), deferred.ErrCancelled)
			} else {
				want(t, "the protocol", deferredtest.SuccessResultOf(t, connected), any(d.last()))
			}
			expectErr(t, "who asks now", deferredtest.ErrorResultOf(t, d.c.WhenConnected(0)), deferred.ErrCancelled)
			if !tc.at_once {
				deferredtest.NoResult(t, stop)
			}
			d.m.Pump()
			deferredtest.SuccessResultOf(t, stop)
			deferredtest.SuccessResultOf(t, second)
			expectErr(t, "who asks later", deferredtest.ErrorResultOf(t, d.c.WhenConnected(0)), deferred.ErrCancelled)
			d.m.Advance(time.Hour)
			want(t, "sockets that are open", len(d.m.Connections()), 0)
			want(t, "timers that wait", d.m.Stats().PendingTimers, 0)
			for _, r := range append(d.made, d.served...) {
				expectErr(t, "a protocol's contract", r.Err(), nil)
			}

			d.c.Prepare = nil // and again, from the beginning
			d.waits = nil
			if d.port == nil {
				d.c.Addr = "127.1.0.1:7"
			}
			attempts := len(d.made)
			d.start()
			if d.port != nil {
				want(t, "connections of the second start", len(d.made), attempts+1)
			} else {
				d.waited(1)
			}
			service.Stop(d.c)
			d.m.Pump()
		})
	}
}

func TestClientStartsAgainWhileItStops(t *testing.T) {
	d := newDesk(t)
	d.listen()
	d.start()
	first := d.last()
	stop := service.Stop(d.c)
	must(t, service.Start(d.c))
	want(t, "running", d.c.Running(), true)
	expectErr(t, "a third start", service.Start(d.c), service.ErrRunning)
	connected := d.c.WhenConnected(0)
	deferredtest.NoResult(t, stop)
	deferredtest.NoResult(t, connected)
	want(t, "connections at once", len(d.made), 1)
	d.m.Pump()
	deferredtest.SuccessResultOf(t, stop)
	if !first.Lost() {
		t.Error("the first connection goes on")
	}
	want(t, "the second", deferredtest.SuccessResultOf(t, connected), any(d.last()))
	want(t, "connections", len(d.made), 2)

	stop = service.Stop(d.c)
	must(t, service.Start(d.c))
	connected = d.c.WhenConnected(0)
	again := service.Stop(d.c) // takes the start back
	want(t, "running", d.c.Running(), false)
	d.m.Pump()
	deferredtest.SuccessResultOf(t, stop)
	deferredtest.SuccessResultOf(t, again)
	expectErr(t, "who waits hears", deferredtest.ErrorResultOf(t, connected), deferred.ErrCancelled)
	want(t, "connections", len(d.made), 2)
}

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

	login = deferred.New()
	d.m.Advance(time.Second)
	d.served[1].Transport.LoseConnection() // in the middle of it
	d.m.Pump()
	want(t, "cancelled with the connection", login.Called(), true)
	d.waited(2)

	d.c.Prepare = func(protocol.Protocol) *deferred.Deferred { panic(errBroken) }
	d.m.Advance(2 * time.Second)
	d.waited(3)
	d.c.Prepare = func(protocol.Protocol) *deferred.Deferred { return nil }
	d.m.Advance(3 * time.Second)
	want(t, "the protocol", deferredtest.SuccessResultOf(t, connected), any(d.last()))
	service.Stop(d.c)
	d.m.Pump()
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
			d.m.Advance(time.Second)
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
	expectErr(t, "the error", service.Start(&service.TCPClient{Addr: "127.0.0.1:7"}), service.ErrNoReactor)
}

func TestAPolicyThatPanicsDoesNotEndTheTrying(t *testing.T) {
	log := deferredtest.Unhandled(t)
	d := newDesk(t)
	d.c.Retry = func(int) time.Duration { panic(errBroken) }
	d.start()
	if got := log.Flush(); len(got) != 1 || !errors.Is(got[0].Err, errBroken) {
		t.Errorf("reported: %v, want the panic", got)
	}
	d.c.Retry = func(int) time.Duration { return -time.Second } // no time at all
	d.listen()
	d.m.Advance(3 * time.Second)
	want(t, "connections", len(d.made), 1)
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

func (a *asker) DataReceived([]byte)  {}
func (a *asker) ConnectionLost(error) { a.next = a.c.WhenConnected(0) }

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
}

func (h *talker) ReadConnectionLost() {
	h.note("%s, then its end", h.Received())
	_, _ = h.Transport.Write([]byte("and so say I"))
	h.Transport.LoseWriteConnection()
}
func (h *talker) WriteConnectionLost() { h.note("mine"); h.Transport.LoseConnection() }
func (h *talker) LogPrefix() string    { return "talker" }

func TestClientsProtocolKeepsItsPowers(t *testing.T) {
	d := newDesk(t)
	d.listen()
	h := &talker{}
	starts := &counted{FactoryFunc: func(net.Addr) protocol.Protocol { return h }}
	d.c.Factory = starts
	d.start()
	starts.expect(t, "start")
	_, _ = d.served[0].Transport.Write([]byte("my last words"))
	d.served[0].Transport.LoseConnection()
	d.m.Pump()
	h.expect(t, "my last words, then its end", "mine")
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
