package deferred_test

import (
	"testing"

	"skein/deferred"
)

// returns gives a callback that returns inner.
func returns(inner *deferred.Deferred) deferred.Callback {
	return func(any) (any, error) { return inner, nil }
}

func TestOracleACallbackReturnsADeferred(t *testing.T) {
	runRows(t, nestingRows)
}

var nestingRows = []row{
	{"already fired (success): goes on at once; inner result becomes None", func(r *recorder) {
		inner := deferred.Succeed(5)
		r.probe(deferred.Succeed("a").AddCallback(returns(inner)), "r")
		r.note("inner %s", show(inner))
	}, []string{"r:cb(5)", "inner <Deferred current result: <nil>>"}},
	{"already failed: outer errback; inner result becomes None, nothing logged", func(r *recorder) {
		inner := deferred.Fail(errV)
		r.probe(deferred.Succeed("a").AddCallback(returns(inner)), "r")
		r.note("inner %s", show(inner))
		r.note("unhandled %d", deferred.SweepUnhandled())
	}, []string{"r:eb(v)", "inner <Deferred current result: <nil>>", "unhandled 0"}},
	{"not fired: outer waits; later fired", func(r *recorder) {
		inner := deferred.New()
		outer := r.probe(deferred.Succeed("a").AddCallback(returns(inner)), "r")
		r.note("outer %s", show(outer))
		inner.Callback(7)
		r.note("outer %s | inner %s", show(outer), show(inner))
	}, []string{"outer <Deferred waiting on Deferred>", "r:cb(7)",
		"outer <Deferred current result: <nil>> | inner <Deferred current result: <nil>>"}},
	{"not fired, later fails", func(r *recorder) {
		inner := deferred.New()
		r.probe(deferred.Succeed("a").AddCallback(returns(inner)), "r")
		inner.Errback(errV)
		r.note("inner %s", show(inner))
	}, []string{"r:eb(v)", "inner <Deferred current result: <nil>>"}},
	{"inner already fired but paused: outer waits until unpause", func(r *recorder) {
		inner := deferred.Succeed(5)
		inner.Pause()
		outer := r.probe(deferred.Succeed("a").AddCallback(returns(inner)), "r")
		r.note("outer %s", show(outer))
		inner.Unpause()
	}, []string{"outer <Deferred waiting on Deferred>", "r:cb(5)"}},
	{"inner has its own callbacks: they run first, outer gets their result", func(r *recorder) {
		inner := deferred.New().AddCallback(func(v any) (any, error) {
			r.note("inner cb")
			return v.(int) * 10, nil
		})
		r.probe(deferred.Succeed("a").AddCallback(returns(inner)), "outer")
		inner.Callback(7)
	}, []string{"inner cb", "outer:cb(70)"}},
	{"a callback added to inner after it was returned: runs after outer took the result, gets None", func(r *recorder) {
		inner := deferred.New()
		r.probe(deferred.Succeed("a").AddCallback(returns(inner)), "outer")
		inner.AddCallback(r.cb("inner-late"))
		inner.Callback(7)
	}, []string{"outer:cb(7)", "inner-late:cb(<nil>)"}},
	{"errback returns a deferred (fired / unfired)", func(r *recorder) {
		rescue := func(d *deferred.Deferred) deferred.Errback {
			return func(error) (any, error) { return d, nil }
		}
		r.probe(deferred.Fail(errX).AddErrback(rescue(deferred.Succeed("rescued"))), "r")
		later := deferred.New()
		r.probe(deferred.Fail(errX).AddErrback(rescue(later)), "r2")
		r.note("waiting")
		later.Callback("later")
	}, []string{"r:cb(rescued)", "waiting", "r2:cb(later)"}},
	{"errback returns a failing deferred", func(r *recorder) {
		d := deferred.Fail(errX).AddErrback(func(error) (any, error) { return deferred.Fail(errK), nil })
		r.probe(d, "r")
	}, []string{"r:eb(k)"}},
	// DIFFER: an error, at once, instead of a warning and a chain that
	// stalls for ever.
	{"callback returns the deferred it is on", func(r *recorder) {
		d := deferred.New()
		d.AddCallback(returns(d))
		r.probe(d, "r").Callback(1)
	}, []string{"r:eb(ReturnedSelf)"}},
	// DIFFER: nothing waits, so there is nothing to recurse into.
	{"... and then cancel()", func(r *recorder) {
		d := deferred.New()
		d.AddCallback(returns(d))
		d.Callback(1)
		d.Cancel()
		r.probe(d, "r")
	}, []string{"r:eb(ReturnedSelf)"}},
	// DIFFER: the one that closes the circle fails, and the other with it.
	{"cycle of two: a returns b, b returns a", func(r *recorder) {
		a, b := deferred.New(), deferred.New()
		r.probe(a.AddCallback(returns(b)), "a")
		r.probe(b.AddCallback(returns(a)), "b")
		a.Callback(1)
		b.Callback(2)
	}, []string{"b:eb(Cycle)", "a:cb(<nil>)"}},
	{"the same unfired inner returned by two outers: first gets the value, second None", func(r *recorder) {
		inner := deferred.New()
		r.probe(deferred.Succeed(1).AddCallback(returns(inner)), "d")
		r.probe(deferred.Succeed(1).AddCallback(returns(inner)), "e")
		inner.Callback(7)
		r.note("inner %s", show(inner))
	}, []string{"d:cb(7)", "e:cb(<nil>)", "inner <Deferred current result: <nil>>"}},
	{"the same failing inner returned by two outers: first gets the failure, second None", func(r *recorder) {
		inner := deferred.New()
		r.probe(deferred.Succeed(1).AddCallback(returns(inner)), "d")
		r.probe(deferred.Succeed(1).AddCallback(returns(inner)), "e")
		inner.Errback(errV)
	}, []string{"d:eb(v)", "e:cb(<nil>)"}},
	{"the same fired inner returned by two outers", func(r *recorder) {
		inner := deferred.Succeed(7)
		r.probe(deferred.Succeed(1).AddCallback(returns(inner)), "d")
		r.probe(deferred.Succeed(1).AddCallback(returns(inner)), "e")
	}, []string{"d:cb(7)", "e:cb(<nil>)"}},
	{"outer.callback() again while it waits on inner", func(r *recorder) {
		outer := deferred.Succeed(1).AddCallback(returns(deferred.New()))
		r.raised(func() { outer.Callback(2) })
	}, []string{"raised AlreadyCalled"}},
	{"inner fired twice", func(r *recorder) {
		inner := deferred.New()
		r.probe(deferred.Succeed(1).AddCallback(returns(inner)), "r")
		inner.Callback(7)
		r.raised(func() { inner.Callback(8) })
	}, []string{"r:cb(7)", "raised AlreadyCalled"}},
	{"callbacks added to outer while it waits run later in order", func(r *recorder) {
		inner := deferred.New()
		outer := deferred.Succeed(1).AddCallback(returns(inner))
		outer.AddCallback(func(v any) (any, error) { r.note("x:cb(%v)", v); return v, nil })
		outer.AddCallback(r.cb("y"))
		r.note("added")
		inner.Callback(7)
	}, []string{"added", "x:cb(7)", "y:cb(7)"}},
	{"three levels: a returns b, b returns c; firing c runs b then a", func(r *recorder) {
		pass := func(name string) deferred.Callback {
			return func(v any) (any, error) { r.note("%s:cb(%v)", name, v); return v, nil }
		}
		c := deferred.New().AddCallback(pass("c"))
		b := deferred.Succeed(1).AddCallback(returns(c)).AddCallback(pass("b"))
		deferred.Succeed(1).AddCallback(returns(b)).AddCallback(pass("a"))
		r.note("waiting")
		c.Callback(7)
	}, []string{"waiting", "c:cb(7)", "b:cb(7)", "a:cb(7)"}},
}

func TestOracleChainDeferred(t *testing.T) {
	runRows(t, chainDeferredRows)
}

var chainDeferredRows = []row{
	{"chainDeferred: a.chainDeferred(b)", func(r *recorder) {
		a, b := deferred.New(), r.probe(deferred.New(), "b")
		r.probe(a.ChainDeferred(b), "a")
		a.Callback(7)
	}, []string{"b:cb(7)", "a:cb(<nil>)"}},
	{"chainDeferred with an error: b gets it, a goes on with None, nothing logged for a", func(r *recorder) {
		deferred.SweepUnhandled()
		a, b := deferred.New(), r.probe(deferred.New(), "b")
		a.ChainDeferred(b)
		a.Errback(errV)
		r.note("a %s", show(a))
		r.note("unhandled %d", deferred.SweepUnhandled())
	}, []string{"b:eb(v)", "a <Deferred current result: <nil>>", "unhandled 0"}},
	{"chainDeferred when b has already fired", func(r *recorder) {
		a, b := deferred.New(), deferred.Succeed(1)
		r.probe(a.ChainDeferred(b), "a").Callback(7)
	}, []string{"a:eb(AlreadyCalled)"}},
	{"a.chainDeferred(b), b.cancel()", func(r *recorder) {
		a, b := deferred.New(), r.probe(deferred.New(), "b")
		a.ChainDeferred(b)
		b.Cancel()
		r.note("a %s", show(a))
		a.Callback(7) // the late firing of b that its cancellation forgives
		r.note("a %s", show(a))
	}, []string{"b:eb(Cancelled)", "a <Deferred>", "a <Deferred current result: <nil>>"}},
}
