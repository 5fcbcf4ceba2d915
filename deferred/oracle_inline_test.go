package deferred_test

import (
	"errors"
	"testing"

	"skein/deferred"
)

type inline = *deferred.Inline

// body is InlineCallbacks with a shorter name.
func body(f func(in inline) (any, error)) *deferred.Deferred { return deferred.InlineCallbacks(f) }

func TestOracleInlineCallbacks(t *testing.T) {
	runRows(t, inlineRows)
}

var inlineRows = []row{
	{"runs synchronously up to the first unfired yield", func(r *recorder) {
		d := deferred.New()
		r.probe(body(func(in inline) (any, error) {
			r.note("start")
			v, err := in.Yield(d)
			r.note("got %v %v", v, err)
			return "done", nil
		}), "r")
		r.note("called")
		d.Callback(5)
	}, []string{"start", "called", "got 5 <nil>", "r:cb(done)"}},
	{"return value (Python 3) / returnValue / falling off the end", func(r *recorder) {
		r.probe(body(func(inline) (any, error) { return 5, nil }), "r")
		r.probe(body(func(inline) (any, error) { return nil, nil }), "r")
	}, []string{"r:cb(5)", "r:cb(<nil>)"}},
	{"yield of a non-deferred comes straight back", func(r *recorder) {
		body(func(in inline) (any, error) {
			for _, v := range []any{1, "x", nil} {
				got, err := in.Yield(v)
				r.note("%v %v", got, err)
			}
			return nil, nil
		})
	}, []string{"1 <nil>", "x <nil>", "<nil> <nil>"}},
	// DIFFER: there is no Failure, and an error is a value like any other.
	{"yield of a Failure object: comes back as a value? or raises?", func(r *recorder) {
		body(func(in inline) (any, error) {
			got, err := in.Yield(errV)
			r.note("%v %v", got, err)
			return nil, nil
		})
	}, []string{"v <nil>"}},
	{"yield of a fired deferred: no return to the caller", func(r *recorder) {
		body(func(in inline) (any, error) {
			for i := 5; i < 7; i++ {
				got, _ := in.Yield(deferred.Succeed(i))
				r.note("got %v", got)
			}
			return nil, nil
		})
		r.note("back in caller")
	}, []string{"got 5", "got 6", "back in caller"}},
	{"yield of a failed deferred raises the original exception object in the generator", func(r *recorder) {
		body(func(in inline) (any, error) {
			_, err := in.Yield(deferred.Fail(errV))
			r.note("same object %v", err == errV)
			return nil, nil
		})
		r.note("unhandled %d", deferred.SweepUnhandled())
	}, []string{"same object true", "unhandled 0"}},
	{"exception in the generator", func(r *recorder) {
		d := deferred.New()
		r.probe(body(func(in inline) (any, error) {
			in.Yield(d)
			panic(errV)
		}), "r")
		d.Callback(1)
	}, []string{"r:eb(PanicError v)"}},
	{"exception before the first yield", func(r *recorder) {
		r.probe(body(func(inline) (any, error) { return nil, errV }), "returned")
		r.probe(body(func(inline) (any, error) { panic(errV) }), "panicked")
	}, []string{"returned:eb(v)", "panicked:eb(PanicError v)"}},
	{"uncaught failure of a yielded deferred: same exception, errback of the returned deferred", func(r *recorder) {
		d := deferred.New()
		r.probe(body(func(in inline) (any, error) { return in.Yield(d) }), "r")
		d.Errback(errV)
	}, []string{"r:eb(v)"}},
	{"yield the same deferred twice: second time None", func(r *recorder) {
		d := deferred.Succeed(5)
		body(func(in inline) (any, error) {
			for range 2 {
				v, _ := in.Yield(d)
				r.note("%v", v)
			}
			return nil, nil
		})
	}, []string{"5", "<nil>"}},
	{"yield the same failed deferred twice", func(r *recorder) {
		d := deferred.Fail(errV)
		body(func(in inline) (any, error) {
			for range 2 {
				v, err := in.Yield(d)
				r.note("%v %v", v, err)
			}
			return nil, nil
		})
	}, []string{"<nil> v", "<nil> <nil>"}},
	// In place of "a function that is not a generator".
	{"a nil function", func(r *recorder) {
		r.probe(body(nil), "r")
	}, []string{"r:eb(NilFunc)"}},
	{"nested inlineCallbacks", func(r *recorder) {
		d := deferred.New()
		inner := func(in inline) (any, error) {
			n, err := deferred.Await[int](in, d)
			return n + 1, err
		}
		r.probe(body(func(in inline) (any, error) {
			n, err := deferred.Await[int](in, body(inner))
			return n + 1, err
		}), "r")
		d.Callback(9)
	}, []string{"r:cb(11)"}},
	{"yield inside a DeferredList: two generators interleave", func(r *recorder) {
		x, y := deferred.New(), deferred.New()
		reader := func(name string, d *deferred.Deferred) *deferred.Deferred {
			return body(func(in inline) (any, error) {
				r.note("%s start", name)
				v, err := in.Yield(d)
				r.note("%s got %v", name, v)
				return name, err
			})
		}
		r.listProbe(deferred.DeferredList(list(reader("x", x), reader("y", y))))
		y.Callback(2)
		x.Callback(1)
	}, []string{"x start", "y start", "y got 2", "x got 1", "r:cb([ok x, ok y])"}},
	{"user calls callback() on the returned deferred", func(r *recorder) {
		deferred.SweepUnhandled()
		previous := deferred.SetUnhandledHandler(func(u deferred.Unhandled) { r.note("reported %s", short(u.Err)) })
		defer func() { deferred.SetUnhandledHandler(previous) }()
		d, e := deferred.New(), deferred.New()
		outer := r.probe(body(func(in inline) (any, error) {
			in.Yield(d)
			r.note("generator continues")
			in.Yield(e)
			return nil, nil
		}), "r")
		outer.Callback("user")
		d.Callback(1)
		outer.AddCallback(r.cb("late")) // not held up by the body
		outer.Cancel()                  // nor any business of the body's
		e.Callback(1)
	}, []string{"r:cb(user)", "generator continues", "late:cb(<nil>)", "reported AlreadyCalled"}},
	{"error that nobody handles: logged when the returned deferred is deleted", func(r *recorder) {
		deferred.SweepUnhandled()
		body(func(inline) (any, error) { return nil, errV })
		r.note("after call")
		r.sweep()
	}, []string{"after call", "unhandled v"}},
}

// waiter is a body that waits for d and passes its error on.
func (r *recorder) waiter(d *deferred.Deferred) *deferred.Deferred {
	return body(func(in inline) (any, error) {
		defer r.note("finally")
		_, err := in.Yield(d)
		r.note("%s at yield", short(err))
		return nil, err
	})
}

func TestOracleInlineCallbacksCancel(t *testing.T) {
	runRows(t, inlineCancelRows)
	if !errors.Is(deferred.ErrStopped, deferred.ErrCancelled) {
		t.Error("ErrStopped is not an ErrCancelled")
	}
}

var inlineCancelRows = []row{
	{"finally runs on error and on cancel", func(r *recorder) {
		d := deferred.New()
		r.probe(r.waiter(d), "r")
		d.Errback(errV)
		r.probe(r.waiter(deferred.New()), "r").Cancel()
	}, []string{"v at yield", "finally", "r:eb(v)", "Cancelled at yield", "finally", "r:eb(Cancelled)"}},
	{"cancel: the yielded deferred is cancelled; CancelledError is raised at the yield", func(r *recorder) {
		r.probe(r.waiter(r.cancellable("inner")), "r").Cancel()
	}, []string{"inner canceller", "Cancelled at yield", "finally", "r:eb(Cancelled)"}},
	{"cancel: the generator catches it and returns a value: the deferred still gives CancelledError? or the value?", func(r *recorder) {
		d := deferred.New()
		r.probe(body(func(in inline) (any, error) { in.Yield(d); return "recovered", nil }), "r").Cancel()
	}, []string{"r:cb(recovered)"}},
	{"cancel: the generator catches it and yields another deferred", func(r *recorder) {
		d, j := deferred.New(), deferred.New()
		outer := r.probe(body(func(in inline) (any, error) {
			_, err := in.Yield(d)
			r.note("caught %s", short(err))
			v, err := in.Yield(j)
			r.note("j gave %v", v)
			return v, err
		}), "r")
		outer.Cancel()
		r.note("after cancel, called %v", outer.Called())
		j.Callback(9)
	}, []string{"caught Cancelled", "after cancel, called false", "j gave 9", "r:cb(9)"}},
	{"cancel twice in that situation", func(r *recorder) {
		d, j := deferred.New(), r.cancellable("j")
		outer := r.probe(body(func(in inline) (any, error) {
			in.Yield(d)
			r.note("caught")
			return in.Yield(j)
		}), "r")
		outer.Cancel()
		outer.Cancel()
	}, []string{"caught", "j canceller", "r:eb(Cancelled)"}},
	{"cancel: the generator converts it into another exception", func(r *recorder) {
		d := deferred.New()
		r.probe(body(func(in inline) (any, error) { in.Yield(d); return nil, errK }), "r").Cancel()
	}, []string{"r:eb(k)"}},
	{"cancel: inner canceller fires with a value: the generator goes on, its value wins", func(r *recorder) {
		d := deferred.NewCancellable(func(d *deferred.Deferred) { d.Callback("alt") })
		r.probe(body(func(in inline) (any, error) {
			v, err := in.Yield(d)
			r.note("got %v", v)
			return v, err
		}), "r").Cancel()
	}, []string{"got alt", "r:cb(alt)"}},
	{"cancel of nested inlineCallbacks reaches the innermost deferred", func(r *recorder) {
		innermost := r.cancellable("innermost")
		r.probe(body(func(in inline) (any, error) {
			defer r.note("f finally")
			return in.Yield(body(func(in inline) (any, error) {
				defer r.note("g finally")
				return in.Yield(innermost)
			}))
		}), "r").Cancel()
	}, []string{"innermost canceller", "g finally", "f finally", "r:eb(Cancelled)"}},
	{"cancel after it finished", func(r *recorder) {
		d := body(func(inline) (any, error) { return 5, nil })
		d.Cancel()
		r.probe(d, "r")
	}, []string{"r:cb(5)"}},
	// DIFFER: the collector never frees a goroutine that waits, so bodies
	// whose Deferreds will never fire are ended by StopSuspended.
	{"generator still waiting when everything is dropped: GeneratorExit / finally at gc", func(r *recorder) {
		r.probe(r.waiter(deferred.New()), "r")
		r.note("dropped")
		r.note("stopped %d", deferred.StopSuspended())
	}, []string{"dropped", "Stopped at yield", "finally", "r:eb(Stopped)", "stopped 1"}},
}
