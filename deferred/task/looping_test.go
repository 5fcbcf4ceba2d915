package task_test

import (
	"errors"
	"testing"
	"time"

	"skein/deferred"
	"skein/deferred/clock"
	"skein/deferred/deferredtest"
	"skein/deferred/task"
)

// loop returns a diary and a loop that notes its calls in it.
func loop() (*diary, *task.LoopingCall) {
	d := newDiary()
	return d, task.NewLoopingCall(d.clock, func() *deferred.Deferred {
		d.note("call")
		return nil
	})
}

func TestLoopCallsEveryInterval(t *testing.T) {
	d, l := loop()
	done := l.Start(time.Second, true)
	d.expect(t, "0s call") // at once, before Start has returned
	d.run(2.5)
	d.expect(t, "0s call", "1s call", "2s call")
	deferredtest.NoResult(t, done)
}

func TestLoopWithoutNowBeginsAfterOneInterval(t *testing.T) {
	d, l := loop()
	l.Start(time.Second, false)
	d.run(2.5)
	d.expect(t, "1s call", "2s call")
}

func TestLoopStaysOnItsGrid(t *testing.T) {
	d := newDiary()
	works := []time.Duration{2500 * time.Millisecond, 0, time.Second, 300 * time.Millisecond}
	l := task.NewLoopingCall(d.clock, func() *deferred.Deferred {
		d.note("call")
		if len(works) > 0 {
			work := works[0]
			works = works[1:]
			d.clock.Advance(work) // the call takes that long
		}
		return nil
	})
	l.Start(time.Second, true)
	d.run(4)
	// 1 and 2 were missed by the first call and are skipped, not made up for.
	// The call at 4 ends exactly at 5: that instant has passed.
	d.expect(t, "0s call", "3s call", "4s call", "6s call", "7s call")
}

func TestLoopDoesNotDriftWhenWokenLate(t *testing.T) {
	d, l := loop()
	l.Start(time.Second, true)
	d.clock.Pump(1200*time.Millisecond, 700*time.Millisecond, 1500*time.Millisecond, 600*time.Millisecond)
	// Due at 1, 2, 3 and 4; woken at 1.2, 1.9, 3.4 and 4.
	d.expect(t, "0s call", "1.2s call", "3.4s call", "4s call")
}

func TestLoopWaitsForADeferred(t *testing.T) {
	d := newDiary()
	var work *deferred.Deferred
	l := task.NewLoopingCall(d.clock, func() *deferred.Deferred {
		d.note("call")
		work = deferred.New()
		return work
	})
	l.Start(time.Second, true)
	d.run(2.5)
	d.expect(t, "0s call")
	work.Callback("looked at by nobody")
	d.run(0.5)
	d.expect(t, "0s call", "3s call")
	if !l.Running() {
		t.Error("the loop has stopped")
	}
}

func TestLoopWithIntervalZeroCallsOncePerTurn(t *testing.T) {
	d := newDiary()
	var l *task.LoopingCall
	l = task.NewLoopingCall(d.clock, func() *deferred.Deferred {
		if d.note("call"); len(d.entries) == 3 {
			_ = l.Stop()
		}
		return nil
	})
	done := l.Start(0, false)
	d.expect(t) // never from inside Start
	d.clock.Advance(0)
	d.expect(t, "0s call", "0s call", "0s call")
	deferredtest.SuccessResultOf(t, done)
}

func TestStopBetweenCallsFiresAtOnce(t *testing.T) {
	d, l := loop()
	done := l.Start(time.Second, true)
	d.run(1.5)
	if err := l.Stop(); err != nil {
		t.Fatal(err)
	}
	if got := deferredtest.ResultOf[*task.LoopingCall](t, done); got != l {
		t.Errorf("the Deferred fired with %v, want the loop", got)
	}
	if l.Running() || d.clock.Pending() != 0 {
		t.Errorf("running %t, %d calls wait", l.Running(), d.clock.Pending())
	}
	d.run(2)
	d.expect(t, "0s call", "1s call")
}

func TestStopInsideACall(t *testing.T) {
	d := newDiary()
	var l *task.LoopingCall
	var done *deferred.Deferred
	l = task.NewLoopingCall(d.clock, func() *deferred.Deferred {
		d.note("call")
		if err := l.Stop(); err != nil {
			t.Error(err)
		}
		deferredtest.NoResult(t, done) // the call has not finished
		return nil
	})
	done = l.Start(time.Second, false)
	d.run(3)
	d.expect(t, "1s call")
	deferredtest.SuccessResultOf(t, done)
}

func TestStopWhileACallWaits(t *testing.T) {
	for _, fails := range []bool{false, true} {
		d, work := newDiary(), deferred.New()
		l := task.NewLoopingCall(d.clock, func() *deferred.Deferred { d.note("call"); return work })
		done := l.Start(time.Second, true)
		if err := l.Stop(); err != nil {
			t.Fatal(err)
		}
		if l.Running() {
			t.Error("a stopped loop is running")
		}
		deferredtest.NoResult(t, done)
		expectErr(t, "a second Stop", l.Stop(), task.ErrLoopNotRunning)
		expectPanic(t, task.ErrLoopRunning, func() { l.Start(time.Second, true) })
		if fails {
			work.Errback(errBroken)
			expectErr(t, "the error", deferredtest.ErrorResultOf(t, done), errBroken)
		} else {
			work.Callback(nil)
			deferredtest.SuccessResultOf(t, done)
		}
		d.run(2)
		d.expect(t, "0s call")
	}
}

func TestAFailedCallEndsTheLoop(t *testing.T) {
	tests := map[string]func() *deferred.Deferred{
		"failed Deferred": func() *deferred.Deferred { return deferred.Fail(errBroken) },
		"panic":           func() *deferred.Deferred { panic(errBroken) },
		"Deferred that fails later": func() *deferred.Deferred {
			return deferred.New().AddCallback(func(any) (any, error) { return nil, errBroken })
		},
	}
	for name, f := range tests {
		for _, now := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				d := newDiary()
				var work, done *deferred.Deferred
				l := task.NewLoopingCall(d.clock, func() *deferred.Deferred {
					d.note("call")
					work = f()
					return work
				})
				done = l.Start(time.Second, now)
				done.AddErrback(func(err error) (any, error) {
					if l.Running() {
						t.Error("running while its Deferred fires")
					}
					return nil, err
				})
				d.run(1)
				if work != nil && !work.Called() {
					work.Callback(nil)
				}
				err := deferredtest.ErrorResultOf(t, done)
				expectErr(t, "the error", err, errBroken)
				var p *deferred.PanicError
				if errors.As(err, &p) != (name == "panic") || p != nil && len(p.Stack) == 0 {
					t.Errorf("the error is %#v", err)
				}
				if d.run(3); len(d.entries) != 1 || d.clock.Pending() != 0 {
					t.Errorf("a loop that has failed goes on: %q, %d calls wait", d.entries, d.clock.Pending())
				}
			})
		}
	}
}

func TestALoopStartsAgain(t *testing.T) {
	d, l := loop()
	done := l.Start(time.Second, true)
	done.AddCallback(func(any) (any, error) {
		l.Start(2*time.Second, false) // from the callback that tells of the end
		return nil, nil
	})
	d.run(1.5)
	_ = l.Stop()
	d.run(4)
	d.expect(t, "0s call", "1s call", "3.5s call", "5.5s call") // a new grid
}

func TestResetBeginsANewGrid(t *testing.T) {
	d, l := loop()
	l.Start(time.Second, true)
	d.run(1.5)
	if err := l.Reset(); err != nil {
		t.Fatal(err)
	}
	d.run(2)
	d.expect(t, "0s call", "1s call", "2.5s call", "3.5s call")
}

func TestResetWhileACallWaits(t *testing.T) {
	d, works := newDiary(), []*deferred.Deferred{}
	l := task.NewLoopingCall(d.clock, func() *deferred.Deferred {
		d.note("call")
		works = append(works, deferred.New())
		return works[len(works)-1]
	})
	l.Start(time.Second, true)
	d.run(0.5)
	if err := l.Reset(); err != nil {
		t.Fatal(err)
	}
	d.run(1.2)
	d.expect(t, "0s call") // still the first one
	works[0].Callback(nil)
	d.run(1)
	d.expect(t, "0s call", "2.5s call") // 0.5 + 2 intervals
}

func TestLoopMisuse(t *testing.T) {
	d, l := loop()
	expectErr(t, "Stop before Start", l.Stop(), task.ErrLoopNotRunning)
	expectErr(t, "Reset before Start", l.Reset(), task.ErrLoopNotRunning)
	expectPanic(t, clock.ErrNegativeDelay, func() { l.Start(-time.Second, true) })
	expectPanic(t, deferred.ErrNilFunc, func() { task.NewLoopingCall(d.clock, nil) })
	if l.Running() || d.clock.Pending() != 0 {
		t.Error("a refused Start has started")
	}
	l.Start(time.Second, true)
	expectPanic(t, task.ErrLoopRunning, func() { l.Start(time.Second, true) })
	d.run(1)
	d.expect(t, "0s call", "1s call") // the refused Start has changed nothing
}

func TestCancelStopsTheLoop(t *testing.T) {
	d, l := loop()
	done := l.Start(time.Second, true)
	d.run(1)
	done.Cancel()
	expectErr(t, "the error", deferredtest.ErrorResultOf(t, done), deferred.ErrCancelled)
	if l.Running() || d.clock.Pending() != 0 {
		t.Errorf("running %t, %d calls wait", l.Running(), d.clock.Pending())
	}
	l.Start(time.Second, true)
	d.expect(t, "0s call", "1s call", "1s call")
}

func TestTimeoutOnALoop(t *testing.T) {
	d, l := loop()
	done := l.Start(time.Second, true).AddTimeout(2500*time.Millisecond, d.clock)
	d.run(5)
	expectErr(t, "the error", deferredtest.ErrorResultOf(t, done), deferred.ErrTimeout)
	d.expect(t, "0s call", "1s call", "2s call")
}

func TestCancelWhileACallWaits(t *testing.T) {
	t.Run("the call is cancelled", func(t *testing.T) {
		d, cancelled := newDiary(), false
		l := task.NewLoopingCall(d.clock, func() *deferred.Deferred {
			return deferred.NewCancellable(func(*deferred.Deferred) { cancelled = true })
		})
		done := l.Start(time.Second, true)
		done.Cancel()
		expectErr(t, "the error", deferredtest.ErrorResultOf(t, done), deferred.ErrCancelled)
		if !cancelled || l.Running() {
			t.Errorf("the call was cancelled: %t; running: %t", cancelled, l.Running())
		}
	})
	t.Run("the call makes a success of it", func(t *testing.T) {
		d := newDiary()
		l := task.NewLoopingCall(d.clock, func() *deferred.Deferred {
			return deferred.NewCancellable(func(d *deferred.Deferred) { d.Callback("all the same") })
		})
		done := l.Start(time.Second, true)
		done.Cancel()
		if got := deferredtest.ResultOf[*task.LoopingCall](t, done); got != l || l.Running() {
			t.Errorf("fired with %v; running: %t", got, l.Running())
		}
	})
	t.Run("the call goes on all the same", func(t *testing.T) {
		log := deferredtest.Unhandled(t)
		d, second := newDiary(), deferred.New()
		work := deferred.New().AddErrback(func(error) (any, error) { return second, nil })
		l := task.NewLoopingCall(d.clock, func() *deferred.Deferred { return work })
		done := l.Start(time.Second, true)
		done.Cancel()
		expectErr(t, "the error", deferredtest.ErrorResultOf(t, done), deferred.ErrCancelled)
		expectPanic(t, task.ErrLoopRunning, func() { l.Start(time.Second, true) })
		second.Errback(errBroken) // nobody waits for it any more
		if left := log.Flush(); len(left) != 1 || left[0].Err != errBroken {
			t.Errorf("unhandled: %v, want the error of the call", left)
		}
		_ = l.Start(time.Second, false) // now it may
	})
}

func TestCancelBetweenCallsLeavesEarlierWorkAlone(t *testing.T) {
	d, work, later := newDiary(), deferred.Succeed(nil), deferred.New()
	l := task.NewLoopingCall(d.clock, func() *deferred.Deferred { return work })
	done := l.Start(time.Second, true)
	work.AddCallback(func(any) (any, error) { return later, nil }) // its owner goes on with it
	done.Cancel()
	deferredtest.NoResult(t, later)
	expectErr(t, "the error", deferredtest.ErrorResultOf(t, done), deferred.ErrCancelled)
}

func TestCancelInsideACall(t *testing.T) {
	for _, fails := range []bool{false, true} {
		log := deferredtest.Unhandled(t)
		d := newDiary()
		var done *deferred.Deferred
		l := task.NewLoopingCall(d.clock, func() *deferred.Deferred {
			d.note("call")
			if done.Cancel(); fails {
				panic(errBroken)
			}
			return nil
		})
		done = l.Start(time.Second, false)
		d.run(3)
		d.expect(t, "1s call")
		expectErr(t, "the error", deferredtest.ErrorResultOf(t, done), deferred.ErrCancelled)
		left := log.Flush()
		if want := map[bool]int{false: 0, true: 1}[fails]; len(left) != want {
			t.Errorf("unhandled: %v, want %d: a panic must not vanish", left, want)
		}
	}
}

func TestALoopThatKeepsUpAllocatesOnlyItsTimer(t *testing.T) {
	c := clock.NewFake()
	task.NewLoopingCall(c, func() *deferred.Deferred { return nil }).Start(time.Second, true)
	if n := testing.AllocsPerRun(100, func() { c.Advance(time.Second) }); n > 1 {
		t.Errorf("%v allocations per call, want at most 1", n)
	}
}
