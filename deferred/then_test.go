package deferred_test

import (
	"errors"
	"fmt"
	"testing"

	"skein/deferred"
)

func TestThen(t *testing.T) {
	length := func(s string) (int, error) { return len(s), nil }
	runRows(t, []row{
		{"the types fit", func(r *recorder) {
			r.probe(deferred.Then(deferred.Succeed("four"), length), "r")
		}, []string{"r:cb(4)"}},
		{"an interface", func(r *recorder) {
			r.probe(deferred.Then(deferred.Succeed(errV), func(e error) (string, error) { return e.Error(), nil }), "r")
		}, []string{"r:cb(v)"}},
		{"they do not fit", func(r *recorder) {
			r.probe(deferred.Then(deferred.Succeed(7), length), "r")
			r.probe(deferred.Then(deferred.Succeed(nil), length), "r")
			r.probe(deferred.Then(deferred.Succeed(7), func(*e1) (int, error) { return 1, nil }), "r")
		}, []string{"r:eb(deferred: Then wants a result of type string, but it is of type int)",
			"r:eb(deferred: Then wants a result of type string, but it is nil)",
			"r:eb(deferred: Then wants a result of type *deferred_test.e1, but it is of type int)"}},
		{"nil for what can be nil", func(r *recorder) {
			null := deferred.Succeed
			r.probe(deferred.Then(null(nil), func(v *int) (bool, error) { return v == nil, nil }), "pointer")
			r.probe(deferred.Then(null(nil), func(v error) (bool, error) { return v == nil, nil }), "interface")
			r.probe(deferred.Then(null(nil), func(v any) (bool, error) { return v == nil, nil }), "any")
			r.probe(deferred.Then(null(nil), func(v []int) (bool, error) { return v == nil, nil }), "slice")
			r.probe(deferred.Then(null(nil), func(v map[int]int) (bool, error) { return v == nil, nil }), "map")
			r.probe(deferred.Then(null(nil), func(v func()) (bool, error) { return v == nil, nil }), "func")
			r.probe(deferred.Then(null(nil), func(v chan int) (bool, error) { return v == nil, nil }), "chan")
		}, []string{"pointer:cb(true)", "interface:cb(true)", "any:cb(true)", "slice:cb(true)", "map:cb(true)",
			"func:cb(true)", "chan:cb(true)"}},
		{"its error, and an error before it", func(r *recorder) {
			fails := func(string) (int, error) { return 7, errV }
			r.probe(deferred.Then(deferred.Succeed("x"), fails), "r")
			r.probe(deferred.Then(deferred.Fail(errX), fails), "r")
		}, []string{"r:eb(v)", "r:eb(x)"}},
		{"nil functions pass on", func(r *recorder) {
			d := deferred.Succeed(1)
			deferred.Then[string, int](d, nil)
			deferred.ThenDeferred[string](d, nil)
			deferred.Tap[string](d, nil)
			deferred.Catch[*e1](d, nil)
			deferred.CatchIs(d, errV, nil)
			r.probe(deferred.Finally(d, nil), "r")
		}, []string{"r:cb(1)"}},
	})
}

func TestThenRelatives(t *testing.T) {
	runRows(t, []row{
		{"ThenDeferred waits", func(r *recorder) {
			inner := deferred.New()
			r.probe(deferred.ThenDeferred(deferred.Succeed("x"), func(s string) *deferred.Deferred {
				return inner.AddCallback(func(v any) (any, error) { return s + v.(string), nil })
			}), "r")
			r.note("waiting")
			inner.Callback("y")
		}, []string{"waiting", "r:cb(xy)"}},
		{"ThenDeferred with nil, and with the wrong type", func(r *recorder) {
			none := func(string) *deferred.Deferred { return nil }
			r.probe(deferred.ThenDeferred(deferred.Succeed("x"), none), "r")
			r.probe(deferred.ThenDeferred(deferred.Succeed(7), none), "r")
		}, []string{"r:eb(NilDeferred)", "r:eb(deferred: ThenDeferred wants a result of type string, but it is of type int)"}},
		{"Tap looks and passes on, or fails", func(r *recorder) {
			look := func(err error) func(string) error {
				return func(s string) error { r.note("saw %s", s); return err }
			}
			r.probe(deferred.Tap(deferred.Succeed("x"), look(nil)), "r")
			r.probe(deferred.Tap(deferred.Succeed("x"), look(errV)), "r")
			r.probe(deferred.Tap(deferred.Succeed(7), look(nil)), "r")
		}, []string{"saw x", "r:cb(x)", "saw x", "r:eb(v)",
			"r:eb(deferred: Tap wants a result of type string, but it is of type int)"}},
		{"Finally runs for both, and changes nothing unless it panics", func(r *recorder) {
			clean := func() { r.note("clean") }
			r.probe(deferred.Finally(deferred.Succeed(1), clean), "r")
			r.probe(deferred.Finally(deferred.Fail(errV), clean), "r")
			r.probe(deferred.Finally(deferred.Succeed(1), func() { panic("dirty") }), "r")
		}, []string{"clean", "r:cb(1)", "clean", "r:eb(v)", "r:eb(PanicError dirty)"}},
	})
}

func TestRace(t *testing.T) {
	runRows(t, raceRows)
}

var raceRows = []row{
	{"the first success wins; the others are cancelled, the winner never", func(r *recorder) {
		a, b, c := r.cancellable("a"), r.cancellable("b"), r.cancellable("c")
		r.listProbe(deferred.Race(list(a, b, c)))
		b.Callback("B")
		r.note("a %s | b %s", show(a), show(b))
		r.sweep()
	}, []string{"a canceller", "c canceller", "r:cb(first B at 1)",
		"a <Deferred current result: <nil>> | b <Deferred current result: <nil>>"}},
	{"an error does not end it", func(r *recorder) {
		a, b := r.cancellable("a"), r.cancellable("b")
		d := r.listProbe(deferred.Race(list(a, b)))
		a.Errback(errV)
		r.note("fired %v", d.Called())
		b.Callback("B")
	}, []string{"fired false", "r:cb(first B at 1)"}},
	{"a winner that has fired before", func(r *recorder) {
		a, c := r.cancellable("a"), r.cancellable("c")
		r.listProbe(deferred.Race(list(a, deferred.Succeed("B"), deferred.Succeed("late"), c)))
		r.sweep()
	}, []string{"a canceller", "c canceller", "r:cb(first B at 1)"}},
	{"all fail: the errors in the order of the Deferreds", func(r *recorder) {
		a, b := r.cancellable("a"), r.cancellable("b")
		deferred.Race(list(a, b)).AddErrback(func(err error) (any, error) {
			var race *deferred.RaceError
			r.note("%v", err)
			r.note("%v %v %v", errors.As(err, &race), errors.Is(err, errV), errors.Is(err, errX))
			return nil, nil
		})
		b.Errback(errX)
		a.Errback(errV)
	}, []string{"deferred: all 2 of the race failed: v; x", "true true true"}},
	{"of nothing", func(r *recorder) {
		r.probe(deferred.Race(nil), "r")
	}, []string{"r:eb(NoDeferreds)"}},
	{"cancelling it cancels all", func(r *recorder) {
		r.probe(deferred.Race(list(r.cancellable("a"), r.cancellable("b"))), "r").Cancel()
	}, []string{"a canceller", "b canceller", "r:eb(RaceError 2)"}},
	{"cancelling it, and a canceller that succeeds", func(r *recorder) {
		a := deferred.NewCancellable(func(d *deferred.Deferred) { d.Callback("alt") })
		r.listProbe(deferred.Race(list(r.cancellable("x"), a))).Cancel()
	}, []string{"x canceller", "r:cb(first alt at 1)"}},
	{"a loser whose canceller makes it succeed has still lost", func(r *recorder) {
		a, b := deferred.NewCancellable(func(d *deferred.Deferred) { d.Callback("alt") }), deferred.New()
		r.listProbe(deferred.Race(list(a, b)))
		b.Callback("B")
	}, []string{"r:cb(first B at 1)"}},
	{"the slice may be used again", func(r *recorder) {
		ds := list(r.cancellable("a"), r.cancellable("b"))
		d := r.probe(deferred.Race(ds), "r")
		clear(ds)
		d.Cancel()
	}, []string{"a canceller", "b canceller", "r:eb(RaceError 2)"}},
	{"one that is in it twice", func(r *recorder) {
		a := r.cancellable("a")
		r.listProbe(deferred.Race(list(a, a)))
		a.Callback("A")
	}, []string{"r:cb(first A at 0)"}},
	{"a nil element", func(r *recorder) {
		r.raised(func() { deferred.Race(list(deferred.New(), nil)) })
	}, []string{"raised NilDeferred"}},
}

func TestDeferredDict(t *testing.T) {
	runRows(t, []row{
		{"all results under their names", func(r *recorder) {
			a, b := deferred.New(), deferred.New()
			d := deferred.DeferredDict(map[string]*deferred.Deferred{"a": a, "b": b}, deferred.ConsumeErrors())
			deferred.Then(d, func(m map[string]deferred.Result) (any, error) {
				r.note("%s", fmt.Sprint(m))
				return nil, nil
			})
			b.Errback(errV)
			a.Callback("A")
			r.sweep()
		}, []string{"map[a:{A <nil>} b:{<nil> v}]"}},
		{"empty", func(r *recorder) {
			r.probe(deferred.DeferredDict(nil), "r")
		}, []string{"r:cb(map[])"}},
		{"cancel", func(r *recorder) {
			named := func(name string) *deferred.Deferred {
				return deferred.NewCancellable(func(*deferred.Deferred) { r.note("%s cancelled", name) })
			}
			ds := map[string]*deferred.Deferred{"c": named("c"), "a": named("a"), "b": named("b")}
			d := deferred.DeferredDict(ds, deferred.ConsumeErrors())
			deferred.Then(d, func(m map[string]deferred.Result) (int, error) { return len(m), nil })
			r.probe(d, "r").Cancel()
		}, []string{"a cancelled", "b cancelled", "c cancelled", "r:cb(3)"}},
	})
}
