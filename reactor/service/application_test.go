package service_test

import (
	"errors"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"skein/deferred"
	"skein/deferred/clock"
	"skein/reactor"
	"skein/reactor/reactortest"
	"skein/reactor/service"
)

// newLoop returns a real reactor that is silent.
func newLoop(t testing.TB) *reactor.Reactor {
	t.Helper()
	r, err := reactor.New(reactor.WithLogger(zerolog.Nop()), reactor.WithoutSignals())
	must(t, err)
	t.Cleanup(func() { _ = r.Close() }) // if it has not run
	return r
}

// newApp returns an application on r with these services.
func newApp(t testing.TB, r *reactor.Reactor, parts ...service.Service) *service.Application {
	t.Helper()
	a := service.Named("app", &service.Application{Reactor: r})
	for _, p := range parts {
		must(t, a.AddService(p))
	}
	return a
}

func TestApplicationRuns(t *testing.T) {
	r := newLoop(t)
	var d diary
	p := newRootPart("p", &d)
	late := deferred.New()
	p.stop = func() *deferred.Deferred {
		want(t, "the loop goes on while they stop", r.Running(), true)
		r.CallLater(time.Millisecond, func() {
			d.note("p is over")
			late.Callback(nil)
		})
		return late
	}
	server := &service.TCPServer{Addr: "127.0.0.1:0", Factory: greeters}
	a := newApp(t, r, p, server)
	a.DropPrivileges = func() error {
		want(t, "bound before the privileges are dropped", server.Port() != nil, true)
		d.note("drop")
		return nil
	}
	r.AddSystemEventTrigger(reactor.During, reactor.Shutdown, func() *deferred.Deferred { d.note("shut down"); return nil })
	c := newCall()
	r.CallWhenRunning(func() {
		expectErr(t, "a second run", a.Run(), reactor.ErrAlreadyRunning)
		r.ConnectTCP(server.Port().Addr().String(), c)
	})
	c.heard.AddCallback(func(heard any) (any, error) {
		d.note("heard %s", heard)
		return nil, r.Stop()
	})
	must(t, a.Run())
	d.expect(t, "prepare p", "drop", "start p", "heard hello", "stop p", "p is over", "shut down")
	want(t, "running", a.Running() || p.Running() || server.Running(), false)
}

func TestApplicationThatDoesNotStart(t *testing.T) {
	taken := newLoop(t)
	port, err := taken.ListenTCP("127.0.0.1:0", greeters)
	must(t, err)
	server := func() service.Service {
		return &service.TCPServer{Addr: port.Addr().String(), Factory: greeters}
	}
	cases := []struct {
		name string
		last func() service.Service // what fails behind the others, if that is it
		drop func() error
		want error
	}{
		{"a port is taken", server, nil, syscall.EADDRINUSE},
		{"the privileges stay", nil, func() error { return fmt.Errorf("no such user: %w", errBroken) }, errBroken},
		{"dropping them panics", nil, func() error { panic(errBroken) }, errBroken},
		{"a service fails", func() service.Service {
			var d diary
			p := newPart("", &d)
			p.start = func() error { return errBroken }
			return p
		}, nil, errBroken},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			r := newLoop(t)
			var d diary
			first := &service.TCPServer{Addr: "127.0.0.1:0", Factory: greeters}
			p := newRootPart("p", &d)
			p.stop = func() *deferred.Deferred { // the loop has to turn for it
				over := deferred.New()
				r.CallLater(time.Millisecond, func() { d.note("p is over"); over.Callback(nil) })
				return over
			}
			a := newApp(t, r, p, first, &service.TCPClient{Addr: port.Addr().String(), Factory: greeters})
			a.DropPrivileges = tc.drop
			if tc.last != nil {
				must(t, a.AddService(tc.last()))
			}
			err := a.Run()
			expectErr(t, "the error", err, tc.want)
			failing(t, err)
			if n := len(d.entries); n == 0 || d.entries[n-1] != "p is over" {
				t.Errorf("the diary says %q, want the roll-back to be over", d.entries)
			}
			want(t, "the first port", first.Port(), nil)
			expectErr(t, "the reactor", r.Run(), reactor.ErrNotRestartable)
		})
	}
}

// TestAFailedStartGivesTheReactorBack, also where the loop need not turn.
func TestAFailedStartGivesTheReactorBack(t *testing.T) {
	r := newLoop(t)
	var d diary
	p := newPart("p", &d)
	p.start = func() error { return errBroken }
	expectErr(t, "the error", newApp(t, r, p).Run(), errBroken)
	expectErr(t, "the reactor", r.Run(), reactor.ErrNotRestartable)
}

func TestApplicationWithoutAReactor(t *testing.T) {
	var a service.Application
	for what, err := range map[string]error{"run": a.Run(), "start": service.Start(&a), "prepare": service.PrivilegedStart(&a)} {
		expectErr(t, what, err, service.ErrNoReactor)
	}
}

// TestApplicationStepByStep does what Run does, as a program that has something
// to do in between.
func TestApplicationStepByStep(t *testing.T) {
	r := newLoop(t)
	var d diary
	a := newApp(t, r, newRootPart("p", &d))
	must(t, service.PrivilegedStart(a))
	d.expect(t, "prepare p")
	must(t, service.Start(a))
	d.expect(t, "start p")
	r.CallWhenRunning(func() { _ = r.Stop() })
	must(t, a.Run()) // which starts nothing twice
	d.expect(t, "stop p")
}

func TestAnApplicationThatIsStoppedIsNotStoppedAgain(t *testing.T) {
	r := newLoop(t)
	var d diary
	p := newPart("p", &d)
	a := newApp(t, r, p)
	r.CallWhenRunning(func() {
		service.Stop(a).AddCallback(func(any) (any, error) {
			d.note("stopped")
			return nil, r.Stop()
		})
	})
	must(t, a.Run())
	d.expect(t, "start p", "stop p", "stopped")
}

func TestRunOfAReactorThatHasRun(t *testing.T) {
	r := newLoop(t)
	must(t, r.Close())
	var d diary
	a := newApp(t, r, newPart("p", &d))
	expectErr(t, "the error", a.Run(), reactor.ErrNotRestartable)
	d.expect(t, "start p", "stop p")
}

// TestServicesFindTheReactor looks for it from deep below, also before the
// application starts.
func TestServicesFindTheReactor(t *testing.T) {
	m := reactortest.NewMemory()
	defer m.Close()
	calls := 0
	timer := &service.TimerService{Step: time.Second, Call: func() *deferred.Deferred { calls++; return nil }}
	inner := tree(t, "inner", timer)
	want(t, "the reactor of one that is in none", service.ReactorOf(timer), nil)
	a := newApp(t, m.Reactor, tree(t, "outer", inner))
	want(t, "the reactor", service.ReactorOf(timer), m.Reactor)
	must(t, service.Start(timer)) // alone
	must(t, service.Start(a))
	m.Advance(2 * time.Second)
	want(t, "calls", calls, 3)
	service.Stop(a)
	inner.DisownServiceParent()
	want(t, "the reactor of one that is disowned", service.ReactorOf(inner), nil)
	timer.Clock = clock.NewFake() // its own comes first
	must(t, service.Start(timer))
	service.Stop(timer)
}

// TestAStopThatGoesWrongEndsTheProgramAllTheSame: the shutdown does not wait for
// what will not come.
func TestAStopThatGoesWrongEndsTheProgramAllTheSame(t *testing.T) {
	r := newLoop(t)
	var d diary
	p := newPart("p", &d)
	p.stop = func() *deferred.Deferred { return deferred.Fail(errors.New("lost my keys")) }
	a := newApp(t, r, p)
	r.CallWhenRunning(func() { _ = r.Stop() })
	must(t, a.Run())
	want(t, "running", a.Running(), false)
}
