package service_test

import (
	"errors"
	"slices"
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
	return newDeskOn(t, reactortest.NewMemory(reactor.WithLogger(zerolog.Nop())))
}

// newDeskOn makes them on this reactor.
func newDeskOn(t *testing.T, m *reactortest.MemoryReactor) *desk {
	deferredtest.Unhandled(t) // nothing may be left
	d := &desk{t: t, m: m}
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
		return d.c.WhenConnected(1).AddErrback(func(err error) (any, error) {
			if errors.Is(err, syscall.ECONNREFUSED) {
				failures++
				count()
			}
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
		atOnce  bool // the stop needs no turn of the loop
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
			if !tc.atOnce {
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
