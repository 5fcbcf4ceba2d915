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

func TestDeferLater(t *testing.T) {
	c := clock.NewFake()
	calls := 0
	d := task.DeferLater(c, 3*time.Second, func() (any, error) { calls++; return "tea", nil })
	c.Advance(3*time.Second - 1)
	deferredtest.NoResult(t, d)
	if calls != 0 {
		t.Error("called early")
	}
	c.Advance(1)
	if got := deferredtest.SuccessResultOf(t, d); got != "tea" || calls != 1 {
		t.Errorf("result %v after %d calls", got, calls)
	}
}

func TestDeferLaterOutcomes(t *testing.T) {
	t.Run("error", func(t *testing.T) {
		c := clock.NewFake()
		d := task.DeferLater(c, 0, func() (any, error) { return nil, errBroken })
		deferredtest.NoResult(t, d) // never from inside, not even at 0
		c.Advance(0)
		expectErr(t, "the error", deferredtest.ErrorResultOf(t, d), errBroken)
	})
	t.Run("panic", func(t *testing.T) {
		c := clock.NewFake()
		d := task.DeferLater(c, 0, func() (any, error) { panic(errBroken) })
		c.Advance(0)
		var p *deferred.PanicError
		if err := deferredtest.ErrorResultOf(t, d); !errors.As(err, &p) || p.Value != errBroken || len(p.Stack) == 0 {
			t.Errorf("the error is %#v, want a PanicError with value and stack", err)
		}
	})
	t.Run("Deferred", func(t *testing.T) {
		c, inner := clock.NewFake(), deferred.New()
		d := task.DeferLater(c, 0, func() (any, error) { return inner, nil })
		c.Advance(0)
		deferredtest.NoResult(t, d)
		inner.Callback("at last")
		if got := deferredtest.SuccessResultOf(t, d); got != "at last" {
			t.Errorf("result %v", got)
		}
	})
	t.Run("no function", func(t *testing.T) {
		c := clock.NewFake()
		d := task.DeferLater(c, time.Second, nil)
		c.Advance(time.Second)
		if got := deferredtest.SuccessResultOf(t, d); got != nil {
			t.Errorf("result %v", got)
		}
	})
}

func TestDeferLaterCancelled(t *testing.T) {
	c := clock.NewFake()
	d := task.DeferLater(c, time.Second, func() (any, error) { t.Error("called"); return nil, nil })
	d.Cancel()
	expectErr(t, "the error", deferredtest.ErrorResultOf(t, d), deferred.ErrCancelled)
	if c.Pending() != 0 {
		t.Error("the cancelled call still waits")
	}
	c.Advance(time.Second)
}

func TestDeferLaterCancelledWhileTheFunctionWorks(t *testing.T) {
	c, cancelled := clock.NewFake(), false
	inner := deferred.NewCancellable(func(*deferred.Deferred) { cancelled = true })
	d := task.DeferLater(c, 0, func() (any, error) { return inner, nil })
	c.Advance(0)
	d.Cancel()
	expectErr(t, "the error", deferredtest.ErrorResultOf(t, d), deferred.ErrCancelled)
	if !cancelled {
		t.Error("the function's Deferred was not cancelled")
	}
}

func TestDeferLaterNegativeDelay(t *testing.T) {
	expectPanic(t, clock.ErrNegativeDelay, func() { task.DeferLater(clock.NewFake(), -1, nil) })
}
