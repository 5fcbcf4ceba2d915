package task_test

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"skein/deferred"
	"skein/deferred/clock"
	"skein/deferred/deferredtest"
	"skein/deferred/task"
)

// turn lets the event loop turn once.
const turn = time.Nanosecond

// crew is a cooperator on a fake clock, one step per turn unless changed, and
// a line of what its tasks have done.
type crew struct {
	*task.Cooperator
	clock *clock.Fake
	line  []string
}

func newCrew(t *testing.T) *crew {
	c := clock.NewFake()
	w := &crew{Cooperator: task.NewCooperator(c), clock: c}
	w.MaxSteps = 1
	t.Cleanup(w.Stop) // ends the bodies that a test leaves
	return w
}

// note adds a word to the line.
func (w *crew) note(word string) { w.line = append(w.line, word) }

// turns lets the loop turn n times.
func (w *crew) turns(n int) {
	for range n {
		w.clock.Advance(turn)
	}
}

// expect fails the test unless the line is this.
func (w *crew) expect(t *testing.T, want string) {
	t.Helper()
	if got := strings.Join(w.line, " "); got != want {
		t.Errorf("the tasks did %q, want %q", got, want)
	}
}

// steps is a body of n steps that notes each, and its end.
func (w *crew) steps(name string, n int) task.Steps {
	return func(yield func(*deferred.Deferred) bool) {
		for i := range n {
			w.note(name + string(rune('1'+i)))
			if !yield(nil) {
				w.note(name + "-stopped")
				return
			}
		}
		w.note(name + "-end")
	}
}

// yields is a body that yields each Deferred in turn.
func (w *crew) yields(name string, ds ...*deferred.Deferred) task.Steps {
	return func(yield func(*deferred.Deferred) bool) {
		for _, d := range ds {
			if !yield(d) {
				w.note(name + "-stopped")
				return
			}
			w.note(name)
		}
	}
}

func TestTasksTakeTurns(t *testing.T) {
	w := newCrew(t)
	a := w.Cooperate(w.steps("a", 3)).WhenDone()
	b := w.Cooperate(w.steps("b", 1)).WhenDone()
	w.expect(t, "") // never from inside Cooperate
	w.turns(4)
	w.expect(t, "a1 b1 a2 b-end")
	deferredtest.NoResult(t, a)
	deferredtest.SuccessResultOf(t, b)
	w.turns(2)
	w.expect(t, "a1 b1 a2 b-end a3 a-end")
	deferredtest.SuccessResultOf(t, a)
	if w.clock.Pending() != 0 {
		t.Error("an idle cooperator leaves a timer")
	}
}

func TestASliceIsTenMilliseconds(t *testing.T) {
	tests := []struct {
		name  string
		slice time.Duration
		want  int
	}{
		{"default", 0, 10},
		{"three milliseconds", 3 * time.Millisecond, 3},
		{"shorter than a step", time.Microsecond, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w, steps := newCrew(t), 0
			w.Slice, w.MaxSteps = test.slice, 0
			for range 2 { // the tasks share the slice
				w.Cooperate(func(yield func(*deferred.Deferred) bool) {
					for {
						steps++
						w.clock.Advance(time.Millisecond) // a step takes that long
						if !yield(nil) {
							return
						}
					}
				})
			}
			w.turns(1)
			if steps != test.want {
				t.Errorf("%d steps of 1 ms in one slice, want %d", steps, test.want)
			}
			w.turns(1)
			if steps != 2*test.want {
				t.Errorf("%d steps in two slices, want %d", steps, 2*test.want)
			}
		})
	}
}

func TestOtherCallsRunBetweenSlices(t *testing.T) {
	w := newCrew(t)
	w.Cooperate(w.steps("a", 2))
	w.clock.CallLater(turn, func() { w.note("call") })
	w.turns(2)
	w.expect(t, "a1 call a2")
}

func TestATaskWaitsForTheDeferredItYields(t *testing.T) {
	w, d := newCrew(t), deferred.New()
	a := w.Cooperate(w.yields("a", d, nil, deferred.Succeed("fired already"))).WhenDone()
	b := w.Cooperate(w.steps("b", 2)).WhenDone()
	w.turns(9)
	w.expect(t, "b1 b2 b-end")
	deferredtest.SuccessResultOf(t, b)
	if w.clock.Pending() != 0 {
		t.Error("a cooperator whose tasks all wait leaves a timer")
	}
	d.Callback("looked at by nobody")
	w.expect(t, "b1 b2 b-end") // it goes on in its turn, not in the callback
	w.turns(4)
	w.expect(t, "b1 b2 b-end a a a")
	deferredtest.SuccessResultOf(t, a)
}

func TestWhenDoneFiresWithTheTask(t *testing.T) {
	w := newCrew(t)
	a := w.Cooperate(w.steps("a", 0))
	before1, before2 := a.WhenDone(), a.WhenDone()
	w.turns(1)
	for _, d := range []*deferred.Deferred{before1, before2, a.WhenDone()} {
		if got := deferredtest.ResultOf[*task.CooperativeTask](t, d); got != a {
			t.Errorf("fired with %v, want the task", got)
		}
	}
}

func TestAFailureEndsTheTask(t *testing.T) {
	tests := map[string]task.Steps{
		"panic": func(yield func(*deferred.Deferred) bool) {
			yield(nil)
			panic(errBroken)
		},
		"failed Deferred": func(yield func(*deferred.Deferred) bool) {
			yield(nil)
			for yield(deferred.Fail(errBroken)) {
				t.Error("the body goes on after its failure")
			}
		},
	}
	for name, steps := range tests {
		t.Run(name, func(t *testing.T) {
			log, w := deferredtest.Unhandled(t), newCrew(t)
			a := w.Cooperate(steps)
			early := a.WhenDone()
			w.Cooperate(w.steps("b", 2))
			w.turns(9)
			w.expect(t, "b1 b2 b-end") // the others go on
			expectErr(t, "the error", deferredtest.ErrorResultOf(t, early), errBroken)
			if left := log.Flush(); len(left) != 0 {
				t.Errorf("unhandled: %v, though WhenDone was looked at", left)
			}
			late := deferredtest.ErrorResultOf(t, a.WhenDone())
			expectErr(t, "the error", late, errBroken)
			if p, ok := late.(*deferred.PanicError); ok != (name == "panic") || ok && len(p.Stack) == 0 {
				t.Errorf("the error is %#v", late)
			}
			expectErr(t, "Stop", a.Stop(), task.ErrTaskFailed)
		})
	}
}

func TestAFailureThatNobodyAsksAboutIsReported(t *testing.T) {
	log := deferredtest.Unhandled(t)
	fail := func(yield func(*deferred.Deferred) bool) { yield(deferred.Fail(errBroken)) }

	w := newCrew(t)
	w.Cooperate(fail)
	w.turns(1)
	if left := log.Flush(); len(left) != 1 || left[0].Err != errBroken {
		t.Errorf("unhandled: %v, want the failure", left)
	}

	asked := w.Cooperate(fail)
	w.turns(1)
	_ = deferredtest.ErrorResultOf(t, asked.WhenDone())
	if left := log.Flush(); len(left) != 0 {
		t.Errorf("unhandled: %v, though it was asked about in time", left)
	}

	_ = w.Cooperate(w.steps("a", 1)).Stop() // to be stopped is no failure
	if left := log.Flush(); len(left) != 0 {
		t.Errorf("unhandled: %v", left)
	}
}

func TestStopEndsEveryTask(t *testing.T) {
	w, d := newCrew(t), deferred.New()
	running := w.Cooperate(w.steps("running", 9))
	waiting := w.Cooperate(w.yields("waiting", d))
	paused := w.Cooperate(w.steps("paused", 9))
	fresh := w.Cooperate(w.steps("fresh", 9))
	w.turns(3)
	_, _ = paused.Pause(), fresh.Pause()
	w.Stop()
	late := w.Cooperate(w.steps("late", 9))
	for name, a := range map[string]*task.CooperativeTask{
		"running": running, "waiting": waiting, "paused": paused, "fresh": fresh, "late": late,
	} {
		expectErr(t, name, deferredtest.ErrorResultOf(t, a.WhenDone()), task.ErrSchedulerStopped)
		expectErr(t, name+" Pause", a.Pause(), task.ErrSchedulerStopped)
	}
	if w.Running() || w.clock.Pending() != 0 {
		t.Errorf("running %t, %d calls wait", w.Running(), w.clock.Pending())
	}
	d.Callback(nil) // what the task waited for comes too late
	w.turns(3)
	w.expect(t, "running1 paused1 running-stopped waiting-stopped paused-stopped")

	w.Start()
	again := w.Cooperate(w.steps("again", 0)).WhenDone()
	w.turns(1)
	deferredtest.SuccessResultOf(t, again)
}

func TestStopInsideAStep(t *testing.T) {
	w := newCrew(t)
	a := w.Cooperate(func(yield func(*deferred.Deferred) bool) {
		w.Stop()
		w.note("a-on")
		if !yield(nil) {
			w.note("a-stopped")
		}
	}).WhenDone()
	b := w.Cooperate(w.steps("b", 1)).WhenDone()
	w.turns(3)
	w.expect(t, "a-on a-stopped")
	expectErr(t, "the error", deferredtest.ErrorResultOf(t, a), task.ErrSchedulerStopped)
	expectErr(t, "the error", deferredtest.ErrorResultOf(t, b), task.ErrSchedulerStopped)
}

func TestWhenDoneMayChangeTheOthers(t *testing.T) {
	w := newCrew(t)
	a := w.Cooperate(w.steps("a", 1))
	b := w.Cooperate(w.steps("b", 9))
	a.WhenDone().AddCallback(func(any) (any, error) {
		w.Cooperate(w.steps("c", 1))
		return nil, b.Stop()
	}).AddCallback(func(any) (any, error) { w.note("done"); return nil, nil })
	w.turns(6)
	w.expect(t, "a1 b1 a-end b-stopped done c1 c-end")
	expectErr(t, "b", deferredtest.ErrorResultOf(t, b.WhenDone()), task.ErrTaskStopped)
}

func TestATurnIsNeverNested(t *testing.T) {
	w := newCrew(t)
	w.MaxSteps = 3
	w.Cooperate(func(yield func(*deferred.Deferred) bool) {
		w.Cooperate(w.steps("b", 1))
		w.clock.Advance(time.Second) // would run a turn inside this one
		w.note("a")
		yield(nil)
	})
	w.turns(2)
	w.expect(t, "a b1 b-end")
}

func TestATaskAddedWhileRunningGetsItsTurn(t *testing.T) {
	w := newCrew(t)
	w.Cooperate(func(yield func(*deferred.Deferred) bool) {
		w.Cooperate(w.steps("b", 1))
		for w.note("a1"); yield(nil); w.note("a2") {
		}
	})
	w.turns(4)
	w.expect(t, "a1 a2 b1 a2") // behind the one whose turn it is
}

func TestCooperateByItself(t *testing.T) {
	c := clock.NewFake()
	steps := 0
	d := task.Cooperate(c, func(yield func(*deferred.Deferred) bool) {
		for steps < 5 && yield(nil) {
			steps++
		}
	}).WhenDone()
	c.Advance(turn)
	deferredtest.SuccessResultOf(t, d)
	if steps != 5 {
		t.Errorf("%d steps: a slice on a clock that stands still has no end", steps)
	}
	expectPanic(t, deferred.ErrNilFunc, func() { task.Cooperate(c, nil) })
}

func TestATaskThatNeverRunsNeedsNoGoroutine(t *testing.T) {
	w := newCrew(t)
	before := runtime.NumGoroutine()
	for range 100 {
		w.Cooperate(w.steps("a", 1))
	}
	// The runtime's own come and go; a hundred more would be the tasks'.
	if n := runtime.NumGoroutine() - before; n > 50 {
		t.Errorf("100 tasks that have not run made %d goroutines", n)
	}
}
