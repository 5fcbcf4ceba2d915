package deferred_test

import (
	"errors"
	"testing"

	"skein/deferred"
)

func TestAwaitTypes(t *testing.T) {
	await := func(v any) (string, error) {
		var s string
		_, err := outcome(t, body(func(in inline) (_ any, err error) {
			s, err = deferred.Await[string](in, deferred.Succeed(v))
			return nil, err
		}))
		return s, err
	}
	if s, err := await("x"); s != "x" || err != nil {
		t.Errorf("a string: got %q, %v", s, err)
	}
	var wrong *deferred.TypeError
	if _, err := await(7); !errors.As(err, &wrong) || wrong.Op != "Await" || wrong.Got.String() != "int" {
		t.Errorf("an int: got %v", err)
	}
}

func TestAwaitAndYield(t *testing.T) {
	runRows(t, awaitRows)
}

var awaitRows = []row{
	{"nil is the zero value of a pointer", func(r *recorder) {
		body(func(in inline) (any, error) {
			p, err := deferred.Await[*int](in, deferred.Succeed(nil))
			r.note("%v %v", p, err)
			return nil, nil
		})
	}, []string{"<nil> <nil>"}},
	{"a nil Deferred", func(r *recorder) {
		r.probe(body(func(in inline) (any, error) { return deferred.Await[any](in, nil) }), "await")
		r.probe(body(func(in inline) (any, error) { return in.Yield((*deferred.Deferred)(nil)) }), "yield")
	}, []string{"await:eb(NilDeferred)", "yield:eb(NilDeferred)"}},
	{"a body that returns a Deferred", func(r *recorder) {
		r.probe(body(func(inline) (any, error) { return deferred.Succeed(1), nil }), "r")
	}, []string{"r:eb(DeferredResult)"}},
	{"a body that returns a value and an error", func(r *recorder) {
		body(func(inline) (any, error) { return 7, errV }).AddBoth(func(v any, err error) (any, error) {
			r.note("%v %v", v, err)
			return nil, nil
		})
	}, []string{"<nil> v"}},
	{"a body that waits for a paused Deferred with a result", func(r *recorder) {
		d := deferred.Succeed(7)
		d.Pause()
		r.probe(body(func(in inline) (any, error) { return in.Yield(d) }), "r")
		r.note("waiting")
		d.Unpause()
	}, []string{"waiting", "r:cb(7)"}},
	{"str of a waiting one", func(r *recorder) {
		d := deferred.New()
		outer := body(func(in inline) (any, error) { return in.Yield(d) })
		r.note("%s", show(outer))
		d.Callback(7)
		r.note("%s", show(outer))
	}, []string{"<Deferred waiting on Deferred>", "<Deferred current result: 7>"}},
	{"a Yield in a callback that the body runs: the body waits there", func(r *recorder) {
		gate := deferred.New()
		r.probe(body(func(in inline) (any, error) {
			var got any
			deferred.Succeed(1).AddCallback(func(any) (_ any, err error) {
				got, err = in.Yield(gate)
				return nil, err
			})
			return got, nil
		}), "r")
		r.note("waiting")
		gate.Callback(7)
	}, []string{"waiting", "r:cb(7)"}},
}

// While the body runs nothing can be cancelled, so a Cancel from inside shows
// at the next wait.
func TestCancelOfARunningBody(t *testing.T) {
	var outer *deferred.Deferred
	run := func(r *recorder, next *deferred.Deferred) {
		gate, after := deferred.New(), deferred.New()
		defer func() { after.Callback("after") }()
		outer = r.probe(body(func(in inline) (any, error) {
			in.Yield(gate)
			outer.Cancel()
			outer.Cancel() // no more than once
			v, err := in.Yield(deferred.Succeed("no wait"))
			r.note("%v %v", v, err)
			if v, err = in.Yield(next); err == nil {
				return v, nil
			}
			r.note("next: %s", short(err))
			return in.Yield(after)
		}), "r")
		gate.Callback(nil)
	}
	runRows(t, []row{
		{"the next one fails, the one after it does not", func(r *recorder) {
			run(r, deferred.New())
		}, []string{"no wait <nil>", "next: Cancelled", "r:cb(after)"}},
		{"the canceller of the next one decides", func(r *recorder) {
			run(r, deferred.NewCancellable(func(d *deferred.Deferred) { d.Callback("alt") }))
		}, []string{"no wait <nil>", "r:cb(alt)"}},
		{"the next one survives and is waited for", func(r *recorder) {
			late := deferred.New()
			next := body(func(in inline) (any, error) { in.Yield(deferred.New()); return in.Yield(late) })
			run(r, next)
			r.note("waiting")
			late.Callback("late")
		}, []string{"no wait <nil>", "waiting", "r:cb(late)"}},
	})
}

func TestInlineOutsideItsBody(t *testing.T) {
	r, gate := &recorder{}, deferred.New()
	var leaked inline
	d := body(func(in inline) (any, error) {
		leaked = in
		return in.Yield(gate)
	})
	r.raised(func() { leaked.Yield(1) })
	r.raised(func() { deferred.Await[int](leaked, deferred.Succeed(1)) })
	gate.Callback(7)
	r.raised(func() { leaked.Yield(deferred.New()) })
	r.probe(d, "r")
	equal(t, r.lines, []string{"raised NotInBody", "raised NotInBody", "raised NotInBody", "r:cb(7)"})
}

func TestStopSuspended(t *testing.T) {
	runRows(t, stopRows)
}

var stopRows = []row{
	{"nothing waits", func(r *recorder) {
		body(func(in inline) (any, error) { return in.Yield(deferred.Succeed(1)) })
		r.note("%d", deferred.StopSuspended())
	}, []string{"0"}},
	{"the wait returns ErrStopped, and the body may end in its own way", func(r *recorder) {
		never := deferred.New()
		r.probe(body(func(in inline) (any, error) {
			_, err := in.Yield(never)
			r.note("%s", short(err))
			v, err := in.Yield(deferred.Succeed("a result that is there"))
			return v, err
		}), "r")
		r.note("%d", deferred.StopSuspended())
		never.Callback(1) // finds nobody waiting any more
		r.note("%s", show(never))
		never = deferred.New()
	}, []string{"Stopped", "r:cb(a result that is there)", "1", "<Deferred current result: 1>"}},
	{"from inside a body: that one is spared", func(r *recorder) {
		r.probe(body(func(in inline) (any, error) { return in.Yield(deferred.New()) }), "other")
		r.probe(body(func(in inline) (any, error) {
			gate := deferred.New()
			gate.AddCallback(func(any) (any, error) { r.note("%d", deferred.StopSuspended()); return 7, nil })
			waits := body(func(in inline) (any, error) { return in.Yield(gate) })
			gate.Callback(nil)
			return in.Yield(waits)
		}), "r")
	}, []string{"other:eb(Stopped)", "2", "r:eb(Stopped)"}},
	{"a body that tries to wait again is unwound", func(r *recorder) {
		r.probe(body(func(in inline) (any, error) {
			defer r.note("finally")
			for {
				_, err := in.Yield(deferred.New())
				r.note("%s", short(err))
			}
		}), "r")
		r.note("%d", deferred.StopSuspended())
	}, []string{"Stopped", "finally", "r:eb(Stopped)", "1"}},
	{"a panic of the body on its way out", func(r *recorder) {
		r.probe(body(func(in inline) (any, error) {
			defer func() { panic("on the way out") }()
			return in.Yield(deferred.New())
		}), "r")
		deferred.StopSuspended()
	}, []string{"r:eb(PanicError on the way out)"}},
	{"nested: the inner one is the oldest, and its end lets the outer go on", func(r *recorder) {
		r.probe(body(func(in inline) (any, error) {
			return in.Yield(body(func(in inline) (any, error) { return in.Yield(deferred.New()) }))
		}), "r")
		r.note("%d", deferred.StopSuspended())
	}, []string{"r:eb(Stopped)", "1"}},
	{"one that begins to wait meanwhile is left to the next call", func(r *recorder) {
		r.probe(body(func(in inline) (any, error) {
			_, err := in.Yield(deferred.New())
			body(func(in inline) (any, error) { in.Yield(deferred.New()); r.note("second"); return nil, nil })
			return nil, err
		}), "r")
		r.note("%d", deferred.StopSuspended())
		r.note("%d", deferred.StopSuspended())
		r.note("%d", deferred.StopSuspended())
	}, []string{"r:eb(Stopped)", "1", "second", "1", "0"}},
}
