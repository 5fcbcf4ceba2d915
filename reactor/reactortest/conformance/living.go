//go:build linux || darwin || freebsd

package conformance

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"skein/deferred"
	"skein/reactor"
)

// living is the life of a reactor. These tests run it themselves.
var living = []struct {
	name string
	f    func(t *testing.T, l Loop)
}{
	{"Run returns after Stop", lifeStop},
	{"Stop of a reactor that does not run", lifeStopIdle},
	{"Run happens once", lifeRunTwice},
	{"a reactor that was given up does not run", lifeClose},
	{"Run ends with its context", lifeContext},
	{"Run ends with a context that is done already", lifeContextDone},
	{"what is due in the last turn runs, nothing after it", lifeLastTurn},
	{"the first turn", lifeFirstTurn},
	{"Stop before the first turn", lifeStopEarly},
	{"startup: phases, and Deferreds that are waited for", triggerStartup},
	{"shutdown: phases, and Deferreds that are waited for", triggerShutdown},
	{"triggers added while an event goes on", triggerAdded},
	{"triggers that are removed", triggerRemoved},
	{"triggers that panic or fail", triggerFails},
	{"shutdown: connections, ports and attempts end", shutdownEnds},
	{"shutdown: the loop serves on before", shutdownServes},
	{"shutdown: a connection that is being closed is flushed", shutdownFlushes},
	{"shutdown: nothing new is opened", shutdownRefuses},
	{"shutdown: threads are not waited for", shutdownThreads},
	{"a blocking call to a reactor that stops", shutdownBlocking},
	{"Crash ends it at once", crashEnds},
	{"Crash without a running loop", crashIdle},
	{"shutdown: whoever waits for the drain is told", crashDrain},
}

// life is a reactor whose life is tested, with a list of what has happened.
type life struct {
	*reactor.Reactor
	t    *testing.T
	told []string
}

// newLife returns a reactor that does not run yet. One that does not end by
// itself is ended, and the test with it.
func newLife(t *testing.T, l Loop, opts ...reactor.Option) *life {
	t.Helper()
	own := []reactor.Option{reactor.WithoutSignals(), reactor.WithLogger(zerolog.Nop())}
	r, err := l.bare(append(own, opts...)...)
	must(t, err)
	lf := &life{Reactor: r, t: t}
	limit := time.AfterFunc(patience, func() {
		r.CallFromThread(func() { t.Fatalf("the reactor has not stopped. So far: %q", lf.told) })
	})
	t.Cleanup(func() { limit.Stop(); _ = r.Close() })
	return lf
}

// tell notes what has happened.
func (l *life) tell(what string) { l.told = append(l.told, what) }

// teller returns a trigger that notes its name.
func (l *life) teller(what string) func() *deferred.Deferred {
	return func() *deferred.Deferred { l.tell(what); return nil }
}

// waiter returns a trigger that notes its name, and whose Deferred fires with
// err after a while.
func (l *life) waiter(what string, err error) func() *deferred.Deferred {
	return func() *deferred.Deferred {
		l.tell(what)
		d := deferred.New()
		l.CallLater(time.Millisecond, func() {
			l.tell(what + " fires")
			if err != nil {
				d.Errback(err)
			} else {
				d.Callback(nil)
			}
		})
		return d
	}
}

// run runs the reactor to its end.
func (l *life) run() {
	l.t.Helper()
	if err := l.Run(); err != nil {
		l.t.Fatalf("Run: %v", err)
	}
	if l.Running() {
		l.t.Error("the reactor runs after Run has returned")
	}
}

// soon makes the reactor stop in its first turn.
func (l *life) soon() {
	l.CallFromThread(func() {
		if err := l.Stop(); err != nil {
			l.t.Errorf("Stop: %v", err)
		}
	})
}

// saw fails the test unless what happened is this.
func (l *life) saw(want ...string) {
	l.t.Helper()
	if !slices.Equal(l.told, want) {
		l.t.Errorf("\n got %q\nwant %q", l.told, want)
	}
}

// is fails the test unless err is the target.
func is(t *testing.T, what string, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("%s: got %v, want %v", what, err, target)
	}
}

func lifeStop(t *testing.T, l Loop) {
	r := newLife(t, l)
	if r.Running() {
		t.Error("it runs before Run")
	}
	r.CallLater(time.Millisecond, func() {
		if !r.Running() {
			t.Error("it does not run in Run")
		}
		if err := r.Stop(); err != nil {
			t.Errorf("Stop: %v", err)
		}
		if !r.Running() {
			t.Error("Stop returned only after the end")
		}
	})
	r.run()
}

func lifeStopIdle(t *testing.T, l Loop) {
	r := newLife(t, l)
	is(t, "Stop before Run", r.Stop(), reactor.ErrNotRunning)
	r.CallFromThread(func() {
		if err := r.Stop(); err != nil {
			t.Errorf("Stop: %v", err)
		}
		is(t, "Stop twice", r.Stop(), reactor.ErrNotRunning)
	})
	r.AddSystemEventTrigger(reactor.During, reactor.Shutdown, func() *deferred.Deferred {
		is(t, "Stop while stopping", r.Stop(), reactor.ErrNotRunning)
		return nil
	})
	r.run()
	is(t, "Stop after Run", r.Stop(), reactor.ErrNotRunning)
}

func lifeRunTwice(t *testing.T, l Loop) {
	r := newLife(t, l)
	r.CallFromThread(func() { is(t, "Run inside Run", r.Run(), reactor.ErrAlreadyRunning) })
	r.CallFromThread(func() { is(t, "Close inside Run", r.Close(), reactor.ErrAlreadyRunning) })
	r.soon()
	r.run()
	is(t, "Run after Run", r.Run(), reactor.ErrNotRestartable)
	is(t, "RunContext after Run", r.RunContext(context.Background()), reactor.ErrNotRestartable)
	if err := r.Close(); err != nil {
		t.Errorf("Close after Run: %v", err)
	}
}

func lifeClose(t *testing.T, l Loop) {
	r := newLife(t, l)
	for range 2 {
		if err := r.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	is(t, "Run after Close", r.Run(), reactor.ErrNotRestartable)
}

func lifeContext(t *testing.T, l Loop) {
	r := newLife(t, l)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r.CallLater(time.Millisecond, cancel)
	r.AddSystemEventTrigger(reactor.Before, reactor.Shutdown, r.waiter("before", nil))
	if err := r.RunContext(ctx); err != nil {
		t.Errorf("RunContext: %v", err)
	}
	r.saw("before", "before fires")
}

func lifeContextDone(t *testing.T, l Loop) {
	r := newLife(t, l)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r.CallWhenRunning(func() { r.tell("running") })
	if err := r.RunContext(ctx); err != nil {
		t.Errorf("RunContext: %v", err)
	}
	r.saw("running")
}

func lifeLastTurn(t *testing.T, l Loop) {
	r := newLife(t, l)
	r.CallLater(0, func() { r.tell("first"); _ = r.Stop() })
	r.CallLater(0, func() {
		r.tell("second")
		r.CallLater(0, func() { r.tell("too late") })
		r.CallFromThread(func() { r.tell("too late") })
	})
	r.CallLater(time.Hour, func() { r.tell("too late") })
	r.run()
	r.CallFromThread(func() { r.tell("too late") })
	r.saw("first", "second")
}

func lifeFirstTurn(t *testing.T, l Loop) {
	r := newLife(t, l)
	r.CallLater(0, func() { r.tell("timer"); _ = r.Stop() })
	r.CallFromThread(func() { r.tell("posted") })
	r.CallWhenRunning(func() { r.tell("running") })
	r.CallWhenRunning(func() { r.tell("running, too") })
	r.run()
	r.saw("running", "running, too", "posted", "timer")
}

func lifeStopEarly(t *testing.T, l Loop) {
	r := newLife(t, l)
	r.CallWhenRunning(func() {
		r.tell("running")
		if err := r.Stop(); err != nil {
			t.Errorf("Stop: %v", err)
		}
	})
	r.AddSystemEventTrigger(reactor.After, reactor.Shutdown, r.teller("after"))
	r.run()
	r.saw("running", "after")
}

func triggerStartup(t *testing.T, l Loop) {
	r := newLife(t, l)
	r.AddSystemEventTrigger(reactor.After, reactor.Startup, r.teller("after"))
	r.AddSystemEventTrigger(reactor.During, reactor.Startup, r.waiter("during", nil))
	r.AddSystemEventTrigger(reactor.Before, reactor.Startup, r.waiter("before 1", nil))
	r.AddSystemEventTrigger(reactor.Before, reactor.Startup, r.waiter("before 2", io.EOF))
	r.CallWhenRunning(func() { r.tell("running"); r.CallLater(5*time.Millisecond, func() { _ = r.Stop() }) })
	r.run()
	r.saw("before 1", "before 2", "before 1 fires", "before 2 fires", "during", "after", "running", "during fires")
}

func triggerShutdown(t *testing.T, l Loop) {
	r := newLife(t, l)
	r.AddSystemEventTrigger(reactor.After, reactor.Shutdown, r.teller("after"))
	r.AddSystemEventTrigger(reactor.During, reactor.Shutdown, r.waiter("during", nil))
	r.AddSystemEventTrigger(reactor.Before, reactor.Shutdown, r.waiter("before 1", nil))
	r.AddSystemEventTrigger(reactor.Before, reactor.Shutdown, r.waiter("before 2", io.EOF))
	r.soon()
	r.run()
	r.saw("before 1", "before 2", "before 1 fires", "before 2 fires", "during", "after")
}

func triggerAdded(t *testing.T, l Loop) {
	r := newLife(t, l)
	r.AddSystemEventTrigger(reactor.Before, reactor.Shutdown, func() *deferred.Deferred {
		r.tell("before")
		r.AddSystemEventTrigger(reactor.Before, reactor.Shutdown, r.waiter("before, added", nil))
		r.AddSystemEventTrigger(reactor.During, reactor.Shutdown, r.teller("during, added"))
		return nil
	})
	r.AddSystemEventTrigger(reactor.During, reactor.Shutdown, func() *deferred.Deferred {
		r.tell("during")
		r.AddSystemEventTrigger(reactor.Before, reactor.Shutdown, r.teller("too late"))
		r.AddSystemEventTrigger(reactor.After, reactor.Shutdown, r.teller("after, added"))
		return nil
	})
	r.soon()
	r.run()
	r.saw("before", "before, added", "before, added fires", "during", "during, added", "after, added")
}

func triggerRemoved(t *testing.T, l Loop) {
	r := newLife(t, l)
	is(t, "removing nothing", r.RemoveSystemEventTrigger(reactor.TriggerID{}), reactor.ErrUnknownTrigger)
	first := r.AddSystemEventTrigger(reactor.Before, reactor.Shutdown, r.teller("removed"))
	if err := r.RemoveSystemEventTrigger(first); err != nil {
		t.Errorf("remove: %v", err)
	}
	is(t, "removing twice", r.RemoveSystemEventTrigger(first), reactor.ErrUnknownTrigger)
	var self, other reactor.TriggerID
	self = r.AddSystemEventTrigger(reactor.Before, reactor.Shutdown, func() *deferred.Deferred {
		r.tell("kept")
		is(t, "removing the one that runs", r.RemoveSystemEventTrigger(self), reactor.ErrUnknownTrigger)
		if err := r.RemoveSystemEventTrigger(other); err != nil {
			t.Errorf("remove: %v", err)
		}
		return nil
	})
	other = r.AddSystemEventTrigger(reactor.Before, reactor.Shutdown, r.teller("removed meanwhile"))
	r.AddSystemEventTrigger(reactor.Before, reactor.Shutdown, r.teller("kept, too"))
	r.soon()
	r.run()
	is(t, "removing one that has run", r.RemoveSystemEventTrigger(self), reactor.ErrUnknownTrigger)
	r.saw("kept", "kept, too")
}

func triggerFails(t *testing.T, l Loop) {
	r := newLife(t, l)
	for _, event := range []reactor.Event{reactor.Startup, reactor.Shutdown} {
		for _, phase := range []reactor.Phase{reactor.Before, reactor.During, reactor.After} {
			name := phase.String() + " " + event.String()
			r.AddSystemEventTrigger(phase, event, func() *deferred.Deferred { panic(errOops) })
			r.AddSystemEventTrigger(phase, event, func() *deferred.Deferred {
				d := deferred.Fail(io.EOF)
				if phase != reactor.Before {
					d.AddErrback(func(error) (any, error) { return nil, nil }) // nobody waits for these
				}
				return d
			})
			r.AddSystemEventTrigger(phase, event, r.teller(name))
		}
	}
	r.soon()
	r.run()
	r.saw("before startup", "during startup", "after startup", "before shutdown", "during shutdown", "after shutdown")
	if got := r.Stats().Panics; got != 6 {
		t.Errorf("%d panics were counted, want 6", got)
	}
}
