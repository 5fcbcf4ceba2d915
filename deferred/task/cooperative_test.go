package task_test

import (
	"errors"
	"testing"

	"skein/deferred"
	"skein/deferred/deferredtest"
	"skein/deferred/task"
)

func TestPauseAndResume(t *testing.T) {
	w := newCrew(t)
	a := w.Cooperate(w.steps("a", 3))
	w.turns(1)
	for range 2 { // pauses nest
		if err := a.Pause(); err != nil {
			t.Fatal(err)
		}
	}
	w.turns(2)
	_ = a.Resume()
	w.turns(2)
	w.expect(t, "a1")
	if w.clock.Pending() != 0 {
		t.Error("a cooperator whose tasks are all paused leaves a timer")
	}
	_ = a.Resume()
	w.expect(t, "a1") // it goes on in its turn, not in Resume
	w.turns(3)
	w.expect(t, "a1 a2 a3 a-end")
}

func TestResumeWithoutPause(t *testing.T) {
	w := newCrew(t)
	a := w.Cooperate(w.steps("a", 1))
	expectErr(t, "Resume", a.Resume(), task.ErrNotPaused)
	_, _ = a.Pause(), a.Resume()
	expectErr(t, "a second Resume", a.Resume(), task.ErrNotPaused)
	w.turns(2)
	w.expect(t, "a1 a-end") // once in the queue, not twice
}

func TestPauseInsideItsOwnStep(t *testing.T) {
	w := newCrew(t)
	var a *task.CooperativeTask
	a = w.Cooperate(func(yield func(*deferred.Deferred) bool) {
		_ = a.Pause()
		if yield(nil) {
			w.note("resumed")
		}
	})
	w.turns(3)
	w.expect(t, "")
	_ = a.Resume()
	w.turns(1)
	w.expect(t, "resumed")
}

func TestPauseAndWaitAreIndependent(t *testing.T) {
	t.Run("the Deferred fires while paused", func(t *testing.T) {
		w, d := newCrew(t), deferred.New()
		a := w.Cooperate(w.yields("a", d))
		w.turns(1)
		_ = a.Pause()
		d.Callback(nil)
		w.turns(2)
		w.expect(t, "")
		_ = a.Resume()
		w.turns(1)
		w.expect(t, "a")
	})
	t.Run("resumed while the Deferred is out", func(t *testing.T) {
		w, d := newCrew(t), deferred.New()
		a := w.Cooperate(w.yields("a", d))
		w.turns(1)
		expectErr(t, "Resume", a.Resume(), task.ErrNotPaused) // the wait is no Pause
		_, _ = a.Pause(), a.Resume()
		w.turns(2)
		w.expect(t, "")
		d.Callback(nil)
		w.turns(1)
		w.expect(t, "a")
	})
	t.Run("the Deferred fails while paused", func(t *testing.T) {
		w, d := newCrew(t), deferred.New()
		a := w.Cooperate(w.yields("a", d))
		w.turns(1)
		_ = a.Pause()
		d.Errback(errBroken)
		w.expect(t, "a-stopped")
		expectErr(t, "the error", deferredtest.ErrorResultOf(t, a.WhenDone()), errBroken)
	})
}

func TestStopATask(t *testing.T) {
	w := newCrew(t)
	a, b := w.Cooperate(w.steps("a", 9)), w.Cooperate(w.steps("b", 1))
	done := a.WhenDone()
	w.turns(1)
	if err := a.Stop(); err != nil {
		t.Fatal(err)
	}
	w.expect(t, "a1 a-stopped") // the body cleans up before Stop returns
	for _, d := range []*deferred.Deferred{done, a.WhenDone()} {
		expectErr(t, "the error", deferredtest.ErrorResultOf(t, d), task.ErrTaskStopped)
	}
	w.turns(3)
	w.expect(t, "a1 a-stopped b1 b-end")
	deferredtest.SuccessResultOf(t, b.WhenDone())
}

func TestStopATaskThatHasNotBegun(t *testing.T) {
	w := newCrew(t)
	a := w.Cooperate(w.steps("a", 9))
	_ = a.Stop()
	w.turns(1)
	w.expect(t, "")
	if w.clock.Pending() != 0 {
		t.Error("a cooperator without tasks leaves a timer")
	}
}

func TestATaskStopsItself(t *testing.T) {
	log := deferredtest.Unhandled(t)
	tests := map[string]struct {
		rest func(yield func(*deferred.Deferred) bool) // what the body does after Stop
		left int                                       // unhandled errors
	}{
		"and returns":             {func(func(*deferred.Deferred) bool) {}, 0},
		"and yields":              {func(yield func(*deferred.Deferred) bool) { yield(nil) }, 0},
		"and panics":              {func(func(*deferred.Deferred) bool) { panic(errBroken) }, 1},
		"and yields, then panics": {func(yield func(*deferred.Deferred) bool) { yield(nil); panic(errBroken) }, 1},
		"and yields a failure":    {func(yield func(*deferred.Deferred) bool) { yield(deferred.Fail(errBroken)) }, 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newCrew(t)
			var a *task.CooperativeTask
			a = w.Cooperate(func(yield func(*deferred.Deferred) bool) {
				defer w.note("cleaned up")
				if err := a.Stop(); err != nil {
					t.Error(err)
				}
				expectErr(t, "a second Stop", a.Stop(), task.ErrTaskStopped)
				test.rest(yield)
			})
			w.turns(3)
			w.expect(t, "cleaned up")
			expectErr(t, "the error", deferredtest.ErrorResultOf(t, a.WhenDone()), task.ErrTaskStopped)
			left := log.Flush()
			if len(left) != test.left || test.left == 1 && !errors.Is(left[0].Err, errBroken) {
				t.Errorf("unhandled: %v, want %d", left, test.left)
			}
		})
	}
}

func TestStopWhileWaiting(t *testing.T) {
	for _, fails := range []bool{false, true} {
		log := deferredtest.Unhandled(t)
		w, d := newCrew(t), deferred.New()
		a := w.Cooperate(w.yields("a", d))
		w.turns(1)
		_ = a.Stop()
		want := 0
		if fails {
			d.Errback(errBroken)
			want = 1
		} else {
			d.Callback(nil)
		}
		w.turns(2)
		w.expect(t, "a-stopped")
		if left := log.Flush(); len(left) != want {
			t.Errorf("unhandled: %v, want %d: what comes too late is not the task's", left, want)
		}
	}
}

func TestABodyThatPanicsWhenStopped(t *testing.T) {
	log := deferredtest.Unhandled(t)
	w := newCrew(t)
	a := w.Cooperate(func(yield func(*deferred.Deferred) bool) {
		yield(nil)
		panic(errBroken)
	})
	w.turns(1)
	_ = a.Stop()
	expectErr(t, "the error", deferredtest.ErrorResultOf(t, a.WhenDone()), task.ErrTaskStopped)
	if left := log.Flush(); len(left) != 1 || !errors.Is(left[0].Err, errBroken) {
		t.Errorf("unhandled: %v, want the panic", left)
	}
}

func TestATaskThatIsOverRefusesEverything(t *testing.T) {
	log := deferredtest.Unhandled(t)
	tests := []struct {
		name string
		want error
		end  func(w *crew, a *task.CooperativeTask)
		body task.Steps
	}{
		{"done", task.ErrTaskDone, func(w *crew, _ *task.CooperativeTask) { w.turns(1) },
			func(func(*deferred.Deferred) bool) {}},
		{"failed", task.ErrTaskFailed, func(w *crew, _ *task.CooperativeTask) { w.turns(1) },
			func(func(*deferred.Deferred) bool) { panic("fails") }},
		{"stopped", task.ErrTaskStopped, func(_ *crew, a *task.CooperativeTask) { _ = a.Stop() },
			func(func(*deferred.Deferred) bool) {}},
		{"cooperator stopped", task.ErrSchedulerStopped, func(w *crew, _ *task.CooperativeTask) { w.Stop() },
			func(func(*deferred.Deferred) bool) {}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newCrew(t)
			a := w.Cooperate(test.body)
			test.end(w, a)
			for method, call := range map[string]func() error{"Pause": a.Pause, "Resume": a.Resume, "Stop": a.Stop} {
				expectErr(t, method, call(), test.want)
				expectErr(t, method, call(), task.ErrTaskFinished)
				for _, other := range tests {
					if other.want != test.want && errors.Is(call(), other.want) {
						t.Errorf("%s of a task that is %s says %v", method, test.name, other.want)
					}
				}
			}
			log.Flush()
		})
	}
}
