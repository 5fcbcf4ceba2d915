package deferred_test

import (
	"testing"

	"skein/deferred"
)

func TestOracleFiring(t *testing.T) {
	runRows(t, firingRows)
}

var firingRows = []row{
	{"callback twice", func(r *recorder) {
		d := r.probe(deferred.New(), "r")
		d.Callback(1)
		r.raised(func() { d.Callback(2) })
	}, []string{"r:cb(1)", "raised AlreadyCalled"}},
	{"callback then errback", func(r *recorder) {
		d := r.probe(deferred.New(), "r")
		d.Callback(1)
		r.raised(func() { d.Errback(errX) })
	}, []string{"r:cb(1)", "raised AlreadyCalled"}},
	{"errback then callback", func(r *recorder) {
		d := r.probe(deferred.New(), "r")
		d.Errback(errX)
		r.raised(func() { d.Callback(1) })
	}, []string{"r:eb(x)", "raised AlreadyCalled"}},
	{"errback twice", func(r *recorder) {
		d := r.probe(deferred.New(), "r")
		d.Errback(errX)
		r.raised(func() { d.Errback(errV) })
	}, []string{"r:eb(x)", "raised AlreadyCalled"}},
	// DIFFER: there is no Failure. An error given to Callback is a result.
	{"callback(Failure(ValueError)) - a Failure given to callback()", func(r *recorder) {
		r.probe(deferred.New(), "r").Callback(errV)
	}, []string{"r:cb(v)"}},
	{"callback(Exception instance) is a normal result", func(r *recorder) {
		d := deferred.New()
		d.AddCallback(func(v any) (any, error) {
			r.note("same object %v", v == any(errV))
			return nil, nil
		})
		d.Callback(errV)
	}, []string{"same object true"}},
	{"callback(a Deferred)", func(r *recorder) {
		d := deferred.New()
		r.raised(func() { d.Callback(deferred.New()) })
		r.note("called %v", d.Called())
	}, []string{"raised DeferredResult", "called false"}},
	{"errback() without argument, no exception active", func(r *recorder) {
		d := deferred.New()
		r.raised(func() { d.Errback(nil) })
		r.note("called %v", d.Called())
	}, []string{"raised NilError", "called false"}},
	{"attributes before and after firing", func(r *recorder) {
		d := deferred.New()
		r.note("called %v", d.Called())
		d.AddCallback(func(v any) (any, error) { return v.(int) + 1, nil })
		d.Callback(1)
		r.note("called %v", d.Called())
		r.note("%s", show(d))
	}, []string{"called false", "called true", "<Deferred current result: 2>"}},
	{"str(): unfired, fired, waiting", func(r *recorder) {
		d := deferred.New()
		r.note("%s", show(d))
		d.Callback(1)
		r.note("%s", show(d))
		d.AddCallback(func(any) (any, error) { return deferred.New(), nil })
		r.note("%s", show(d))
		r.note("%s", show(deferred.Fail(errV)))
	}, []string{"<Deferred>", "<Deferred current result: 1>", "<Deferred waiting on Deferred>",
		"<Deferred current error: v>"}},
}

// inc adds one.
func inc(v any) (any, error) { return v.(int) + 1, nil }

// fails returns errV.
func fails(any) (any, error) { return nil, errV }

func TestOracleChain(t *testing.T) {
	runRows(t, chainRows)
}

var chainRows = []row{
	{"callback returns None: next gets None", func(r *recorder) {
		d := deferred.Succeed(1).AddCallback(func(any) (any, error) { return nil, nil })
		r.probe(d, "r")
	}, []string{"r:cb(<nil>)"}},
	{"values flow: +1, *10", func(r *recorder) {
		d := deferred.Succeed(1).AddCallback(inc)
		d.AddCallback(func(v any) (any, error) { return v.(int) * 10, nil })
		r.probe(d, "r")
	}, []string{"r:cb(20)"}},
	{"callback raises: next errback runs, its own pair's errback does not", func(r *recorder) {
		d := deferred.New().AddCallbacks(fails, r.eb("own"))
		d.AddErrback(func(err error) (any, error) {
			r.note("next:eb(%v)", err)
			return "ok", nil
		})
		r.probe(d, "r").Callback(1)
	}, []string{"next:eb(v)", "r:cb(ok)"}},
	{"callback returns a Failure", func(r *recorder) {
		r.probe(deferred.Succeed(1).AddCallback(fails), "r")
	}, []string{"r:eb(v)"}},
	{"errback returns a value: back to the callback side", func(r *recorder) {
		d := deferred.Fail(errV).AddErrback(func(error) (any, error) { return "recovered", nil })
		r.probe(d, "r")
	}, []string{"r:cb(recovered)"}},
	{"errback returns None: next callback gets None", func(r *recorder) {
		d := deferred.Fail(errV).AddErrback(func(error) (any, error) { return nil, nil })
		r.probe(d, "r")
	}, []string{"r:cb(<nil>)"}},
	{"errback returns the same Failure", func(r *recorder) {
		d := deferred.Fail(errV).AddErrback(func(err error) (any, error) { return nil, err })
		d.AddErrback(func(err error) (any, error) {
			r.note("same object %v", err == errV)
			return nil, nil
		})
	}, []string{"same object true"}},
	{"errback raises a new exception", func(r *recorder) {
		d := deferred.Fail(errV).AddErrback(func(error) (any, error) { return nil, errK })
		r.probe(d, "r")
	}, []string{"r:eb(k)"}},
	{"addCallback is skipped on error, addErrback on success", func(r *recorder) {
		pass := func(v any) (any, error) { r.note("a:cb(%v)", v); return v, nil }
		deferred.Succeed(1).AddCallback(pass).AddErrback(r.eb("b")).AddCallback(r.cb("c"))
		deferred.Fail(errX).AddCallback(r.cb("A")).AddErrback(r.eb("B"))
	}, []string{"a:cb(1)", "c:cb(1)", "B:eb(x)"}},
	{"addBoth sees either", func(r *recorder) {
		see := func(v any, err error) (any, error) { r.note("both %v %v", v, err); return nil, nil }
		deferred.Succeed(1).AddBoth(see)
		deferred.Fail(errX).AddBoth(see)
	}, []string{"both 1 <nil>", "both <nil> x"}},
	// DIFFER: nil is no mistake but a callback that passes its result on.
	{`addCallback(None) / addCallback("str") / addErrback(None)`, func(r *recorder) {
		r.probe(deferred.Succeed(1).AddCallback(nil).AddErrback(nil).AddBoth(nil), "s")
		r.probe(deferred.Fail(errX).AddCallback(nil).AddErrback(nil).AddCallbacks(nil, nil), "f")
	}, []string{"s:cb(1)", "f:eb(x)"}},
	{"addCallbacks(cb, None): errback defaults to pass-through", func(r *recorder) {
		r.probe(deferred.Fail(errX).AddCallbacks(r.cb("skipped"), nil), "r")
		r.probe(deferred.Succeed(1).AddCallbacks(nil, r.eb("skipped")), "s")
	}, []string{"r:eb(x)", "s:cb(1)"}},
	{"addX returns the deferred itself", func(r *recorder) {
		d := deferred.New()
		r.note("%v %v %v %v %v", d.AddCallbacks(nil, nil) == d, d.AddCallback(inc) == d,
			d.AddErrback(r.eb("")) == d, d.AddBoth(nil) == d, d.ChainDeferred(deferred.New()) == d)
	}, []string{"true true true true true"}},
	{"addCallback after the chain ran: runs at once, gets the current result", func(r *recorder) {
		d := deferred.Succeed(1).AddCallback(inc)
		r.note("adding")
		d.AddCallback(r.cb("late"))
		r.note("added")
	}, []string{"adding", "late:cb(2)", "added"}},
	{"addErrback after the chain failed: runs at once", func(r *recorder) {
		d := deferred.Succeed(1).AddCallback(fails)
		r.note("adding")
		d.AddErrback(r.eb("late"))
		r.note("added")
	}, []string{"adding", "late:eb(v)", "added"}},
	// Whatever a panic is called with, it becomes an error of the chain.
	{"callback raising KeyboardInterrupt / SystemExit / GeneratorExit", func(r *recorder) {
		for _, v := range []any{"interrupt", 7, errV} {
			d := deferred.Succeed(1).AddCallback(func(any) (any, error) { panic(v) })
			r.probe(d, "r")
		}
	}, []string{"r:eb(PanicError interrupt)", "r:eb(PanicError 7)", "r:eb(PanicError v)"}},
	{"100000 callbacks on one deferred", func(r *recorder) {
		d := deferred.New()
		for range 100_000 {
			d.AddCallback(inc)
		}
		d.Callback(0)
		r.note("%s", show(d))
	}, []string{"<Deferred current result: 100000>"}},
}
