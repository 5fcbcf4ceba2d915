package deferred_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	"skein/deferred"
)

// What a callback may return beside a plain value.
func TestCallbackReturns(t *testing.T) {
	runRows(t, returnRows)
}

var returnRows = []row{
	{"a typed-nil Deferred", func(r *recorder) {
		r.probe(deferred.Succeed(1).AddCallback(returns(nil)), "r")
	}, []string{"r:eb(NilDeferred)"}},
	{"a Deferred and an error: the error counts", func(r *recorder) {
		inner := deferred.New()
		d := deferred.Succeed(1).AddCallback(func(any) (any, error) { return inner, errV })
		r.probe(d, "r")
		inner.Callback(7)
		r.note("inner keeps its result: %s", show(inner))
	}, []string{"r:eb(v)", "inner keeps its result: <Deferred current result: 7>"}},
	{"a value and an error: the error counts", func(r *recorder) {
		r.probe(deferred.Succeed(1).AddCallback(func(any) (any, error) { return 7, errV }), "r")
	}, []string{"r:eb(v)"}},
	{"an error as a value is a value", func(r *recorder) {
		r.probe(deferred.Succeed(1).AddCallback(func(any) (any, error) { return errV, nil }), "r")
	}, []string{"r:cb(v)"}},
	{"a cycle of three", func(r *recorder) {
		a, b, c := deferred.New(), deferred.New(), deferred.New()
		r.probe(a.AddCallback(returns(b)), "a")
		r.probe(b.AddCallback(returns(c)), "b")
		r.probe(c.AddCallback(returns(a)), "c")
		a.Callback(nil)
		b.Callback(nil)
		c.Callback(nil)
	}, []string{"c:eb(Cycle)", "b:cb(<nil>)", "a:cb(<nil>)"}},
	{"one that another waits for, which is no cycle", func(r *recorder) {
		a, b, c := deferred.New(), deferred.New(), deferred.New()
		r.probe(a.AddCallback(returns(b)), "a")
		b.AddCallback(returns(c))
		a.Callback(nil)
		b.Callback(nil)
		c.Callback(7)
	}, []string{"a:cb(7)"}},
	// DIFFER: the reference takes whatever result inner has half-way.
	{"an inner that is in the middle of its own callbacks: waits for their end", func(r *recorder) {
		inner, outer := deferred.New(), deferred.New()
		r.probe(outer.AddCallback(returns(inner)), "outer")
		inner.AddCallback(func(any) (any, error) {
			outer.Callback(nil)
			r.note("outer %s", show(outer))
			return "whole", nil
		})
		inner.Callback("half")
	}, []string{"outer <Deferred waiting on Deferred>", "outer:cb(whole)"}},
	{"a body that waits for the Deferred which waits for it", func(r *recorder) {
		first := deferred.New()
		var outer *deferred.Deferred
		outer = body(func(in inline) (any, error) {
			in.Yield(first)
			_, err := in.Yield(outer)
			return nil, err
		})
		r.probe(outer, "outer")
		first.Callback(nil)
	}, []string{"outer:eb(Cycle)"}},
	{"two bodies that wait for each other", func(r *recorder) {
		gate := deferred.New()
		var a, b *deferred.Deferred
		a = body(func(in inline) (any, error) { in.Yield(gate); return in.Yield(b) })
		b = body(func(in inline) (any, error) { return in.Yield(a) })
		r.probe(a, "a")
		r.probe(b, "b")
		gate.Callback(nil)
	}, []string{"b:eb(Cycle)", "a:cb(<nil>)"}},
}

// The user's pauses and the waiting for an inner Deferred are independent.
func TestPauseWhileWaiting(t *testing.T) {
	runRows(t, pauseWhileWaitingRows)
}

var pauseWhileWaitingRows = []row{
	{"an outer paused while it waits runs when both are over", func(r *recorder) {
		inner := deferred.New()
		outer := r.probe(deferred.Succeed(1).AddCallback(returns(inner)), "outer")
		outer.Pause()
		inner.Callback(7)
		r.note("inner fired")
		outer.Unpause()
	}, []string{"inner fired", "outer:cb(7)"}},
	{"unpausing an outer that still waits does nothing", func(r *recorder) {
		inner := deferred.New()
		outer := r.probe(deferred.Succeed(1).AddCallback(returns(inner)), "outer")
		outer.Pause()
		outer.Unpause()
		r.note("unpaused")
		inner.Callback(7)
	}, []string{"unpaused", "outer:cb(7)"}},
	// DIFFER: in the reference the rest of inner's chain stalls.
	{"a paused outer does not hold up the rest of its inner", func(r *recorder) {
		inner := deferred.New()
		outer := deferred.Succeed(1).AddCallback(returns(inner))
		outer.Pause()
		inner.AddCallback(r.cb("inner"))
		inner.Callback(7)
	}, []string{"inner:cb(<nil>)"}},
	{"an inner that is paused by the outer it has set going stops", func(r *recorder) {
		inner := deferred.New()
		deferred.Succeed(1).AddCallback(returns(inner)).AddCallback(func(v any) (any, error) {
			inner.Pause()
			return nil, nil
		})
		inner.AddCallback(r.cb("inner"))
		inner.Callback(7)
		r.note("paused")
		inner.AddCallback(r.cb("late"))
		inner.Unpause()
	}, []string{"paused", "inner:cb(<nil>)", "late:cb(<nil>)"}},
	{"a chained Deferred that is paused takes its result and waits", func(r *recorder) {
		a, b := deferred.New(), r.probe(deferred.New(), "b")
		b.Pause()
		r.probe(a.ChainDeferred(b), "a").Callback(7)
		b.Unpause()
	}, []string{"a:cb(<nil>)", "b:cb(7)"}},
	{"what is added to an inner whose run is over runs at once", func(r *recorder) {
		inner := deferred.New()
		deferred.Succeed(1).AddCallback(returns(inner)).AddCallback(func(v any) (any, error) {
			inner.AddCallback(r.cb("late"))
			r.note("outer ends")
			return nil, nil
		})
		inner.Callback(7)
	}, []string{"late:cb(<nil>)", "outer ends"}},
	{"what is added to an interrupted inner is not run nested", func(r *recorder) {
		inner := deferred.New()
		deferred.Succeed(1).AddCallback(returns(inner)).AddCallback(func(v any) (any, error) {
			inner.AddCallback(r.cb("late"))
			r.note("outer ends")
			return nil, nil
		})
		inner.AddCallback(r.cb("inner"))
		inner.Callback(7)
	}, []string{"outer ends", "inner:cb(<nil>)", "late:cb(<nil>)"}},
}

func TestPanics(t *testing.T) {
	boom := func(v any) *deferred.Deferred {
		return deferred.Succeed(1).AddCallback(func(any) (any, error) { panic(v) })
	}
	t.Run("the error holds the value and the stack", func(t *testing.T) {
		_, err := outcome(t, boom("text"))
		var p *deferred.PanicError
		if !errors.As(err, &p) || p.Value != "text" || p.Error() != "deferred: panic: text" || p.Unwrap() != nil {
			t.Fatalf("got %#v", err)
		}
		if !strings.Contains(string(p.Stack), "TestPanics") {
			t.Errorf("the stack does not show the callback:\n%s", p.Stack)
		}
	})
	t.Run("an error is unwrapped", func(t *testing.T) {
		if _, err := outcome(t, boom(errV)); !errors.Is(err, errV) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("panic(nil) is Go's own error for it", func(t *testing.T) {
		var nilPanic *runtime.PanicNilError
		if _, err := outcome(t, boom(nil)); !errors.As(err, &nilPanic) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("in an errback and in a both", func(t *testing.T) {
		d := deferred.Fail(errV).AddErrback(func(error) (any, error) { panic(errX) })
		d.AddBoth(func(_ any, err error) (any, error) { panic(errors.Join(err, errK)) })
		if _, err := outcome(t, d); !errors.Is(err, errX) || !errors.Is(err, errK) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("the callbacks after it still run, in the same run", func(t *testing.T) {
		r, d := &recorder{}, deferred.New()
		d.AddCallback(func(any) (any, error) { panic(errV) })
		d.AddErrback(func(error) (any, error) { panic(errX) })
		r.probe(d, "r").Callback(1)
		equal(t, r.lines, []string{"r:eb(PanicError x)"})
	})
}

// runtime.Goexit in a callback, which is what t.FailNow does, ends the
// goroutine; it is neither swallowed nor taken for a panic.
func TestGoexit(t *testing.T) {
	run := func(f func()) (returned bool) {
		done := make(chan bool)
		go func() {
			defer func() { done <- returned }()
			f()
			returned = true
		}()
		return <-done
	}
	t.Run("in a callback", func(t *testing.T) {
		inner := deferred.New()
		outer := deferred.Succeed(1).AddCallback(returns(inner))
		outer.AddCallback(func(any) (any, error) { runtime.Goexit(); return nil, nil })
		inner.AddCallback(func(any) (any, error) { return "inner", nil })
		if run(func() { inner.Callback(1) }) {
			t.Fatal("Goexit was swallowed")
		}
		// Both are left in a state that others can go on with.
		if _, err := outcome(t, outer); err == nil {
			t.Error("the outer has no error")
		}
		if v, err := outcome(t, inner); v != "inner" || err != nil {
			t.Errorf("the inner has %v, %v", v, err)
		}
	})
	t.Run("in a canceller", func(t *testing.T) {
		d := deferred.NewCancellable(func(*deferred.Deferred) { runtime.Goexit() })
		if run(d.Cancel) {
			t.Fatal("Goexit was swallowed")
		}
		d.Callback(1) // still possible
		if v, err := outcome(t, d); v != 1 || err != nil {
			t.Errorf("got %v, %v", v, err)
		}
	})
	t.Run("in a body", func(t *testing.T) {
		gate := deferred.New()
		cleaned := false
		d := body(func(in inline) (any, error) {
			defer func() { cleaned = true }()
			in.Yield(gate)
			runtime.Goexit()
			return nil, nil
		})
		if run(func() { gate.Callback(1) }) {
			t.Fatal("Goexit was swallowed")
		}
		if !cleaned || d.Called() || deferred.StopSuspended() != 0 {
			t.Errorf("cleaned %v, fired %v, or still suspended", cleaned, d.Called())
		}
	})
}

// A zero Deferred is as good as one from New.
func TestZeroValue(t *testing.T) {
	var d deferred.Deferred
	d.Callback(7)
	if v, err := outcome(t, &d); v != 7 || err != nil {
		t.Errorf("got %v, %v", v, err)
	}
}

// Re-added callbacks keep to the end of the line however many there are, also
// when the line has moved from the struct to the overflow and back.
func TestOrderOfManyReaddedCallbacks(t *testing.T) {
	for _, n := range []int{1, 3, 4, 5, 9, 100} {
		d, got := deferred.New(), []int{}
		var again func(i, left int) deferred.Callback
		again = func(i, left int) deferred.Callback {
			return func(any) (any, error) {
				got = append(got, i)
				if left > 0 {
					d.AddCallback(again(i, left-1))
				}
				return nil, nil
			}
		}
		for i := range n {
			d.AddCallback(again(i, 7))
		}
		d.Callback(nil)
		if len(got) != 8*n {
			t.Fatalf("n = %d: %d calls, want %d", n, len(got), 8*n)
		}
		for k, i := range got {
			if i != k%n {
				t.Fatalf("n = %d: call %d was of callback %d, want %d", n, k, i, k%n)
			}
		}
	}
}

func TestChainDeferredOfNil(t *testing.T) {
	if err := panicOf(t, func() { deferred.New().ChainDeferred(nil) }); !errors.Is(err, deferred.ErrNilDeferred) {
		t.Errorf("got %v", err)
	}
}
