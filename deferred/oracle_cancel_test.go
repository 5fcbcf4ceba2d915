package deferred_test

import (
	"testing"

	"skein/deferred"
)

func TestOracleCancel(t *testing.T) {
	runRows(t, cancelRows)
}

var cancelRows = []row{
	{"cancel an unfired deferred, no canceller", func(r *recorder) {
		d := r.probe(deferred.New(), "r")
		d.Cancel()
		r.note("called %v", d.Called())
	}, []string{"r:eb(Cancelled)", "called true"}},
	{"... then callback() once: swallowed; twice: error", func(r *recorder) {
		d := r.probe(deferred.New(), "r")
		d.Cancel()
		d.Callback(1)
		r.note("first callback swallowed")
		r.raised(func() { d.Callback(2) })
	}, []string{"r:eb(Cancelled)", "first callback swallowed", "raised AlreadyCalled"}},
	{"... then errback() once: swallowed", func(r *recorder) {
		d := r.probe(deferred.New(), "r")
		d.Cancel()
		d.Errback(errX)
		r.note("swallowed")
		r.raised(func() { d.Errback(errX) })
	}, []string{"r:eb(Cancelled)", "swallowed", "raised AlreadyCalled"}},
	{"cancel twice, no canceller", func(r *recorder) {
		d := r.probe(deferred.New(), "r")
		d.Cancel()
		d.Cancel()
		r.note("second cancel did nothing")
		d.Callback(1)
		r.note("still swallows one")
		r.raised(func() { d.Callback(2) })
	}, []string{"r:eb(Cancelled)", "second cancel did nothing", "still swallows one", "raised AlreadyCalled"}},
	{"cancel after it fired", func(r *recorder) {
		d := r.probe(deferred.Succeed(1), "r")
		d.Cancel()
		r.note("%s", show(d))
	}, []string{"r:cb(1)", "<Deferred current result: <nil>>"}},
	{"canceller that does nothing", func(r *recorder) {
		d := deferred.NewCancellable(func(*deferred.Deferred) { r.note("canceller") })
		r.probe(d, "r").Cancel()
	}, []string{"canceller", "r:eb(Cancelled)"}},
	{"... then callback(): NOT swallowed when there is a canceller", func(r *recorder) {
		d := deferred.NewCancellable(func(*deferred.Deferred) { r.note("canceller") })
		r.probe(d, "r").Cancel()
		r.raised(func() { d.Callback(1) })
	}, []string{"canceller", "r:eb(Cancelled)", "raised AlreadyCalled"}},
	{"canceller that calls callback(7)", func(r *recorder) {
		d := deferred.NewCancellable(func(d *deferred.Deferred) { d.Callback(7) })
		r.probe(d, "r").Cancel()
	}, []string{"r:cb(7)"}},
	{"canceller that calls errback(ValueError)", func(r *recorder) {
		d := deferred.NewCancellable(func(d *deferred.Deferred) { d.Errback(errV) })
		r.probe(d, "r").Cancel()
	}, []string{"r:eb(v)"}},
	// DIFFER: the panic is reported and the Deferred fires; otherwise it
	// would stay unfired for ever and a timeout could not end it.
	{"canceller that raises: exception leaves cancel(), the deferred stays unfired", func(r *recorder) {
		previous := deferred.SetUnhandledHandler(func(u deferred.Unhandled) { r.note("reported %s", short(u.Err)) })
		defer func() { deferred.SetUnhandledHandler(previous) }()
		d := deferred.NewCancellable(func(*deferred.Deferred) { panic("in canceller") })
		r.probe(d, "r").Cancel()
		r.raised(func() { d.Callback(1) })
	}, []string{"reported PanicError in canceller", "r:eb(Cancelled)", "raised AlreadyCalled"}},
	// DIFFER: the inner Cancel does nothing instead of recursing.
	{"canceller that calls cancel() again", func(r *recorder) {
		d := deferred.NewCancellable(func(d *deferred.Deferred) { r.note("canceller"); d.Cancel() })
		r.probe(d, "r").Cancel()
	}, []string{"canceller", "r:eb(Cancelled)"}},
	{"the canceller gets the deferred as its argument, and its return value is ignored", func(r *recorder) {
		var got *deferred.Deferred
		d := deferred.NewCancellable(func(d *deferred.Deferred) { got = d })
		r.probe(d, "r").Cancel()
		r.note("same %v", got == d)
	}, []string{"r:eb(Cancelled)", "same true"}},
	{"cancel with no callbacks and nobody listening: logged at deletion", func(r *recorder) {
		deferred.SweepUnhandled()
		previous := deferred.SetUnhandledHandler(func(u deferred.Unhandled) { r.note("reported %s", short(u.Err)) })
		defer func() { deferred.SetUnhandledHandler(previous) }()
		deferred.New().Cancel()
		deferred.SweepUnhandled()
	}, []string{"reported Cancelled"}},
	{"cancel outer waiting on inner without canceller", func(r *recorder) {
		inner := deferred.New()
		outer := r.probe(deferred.Succeed(1).AddCallback(returns(inner)), "outer")
		outer.Cancel()
		r.note("inner %s", show(inner))
		inner.Callback(1)
		r.note("inner callback swallowed")
	}, []string{"outer:eb(Cancelled)", "inner <Deferred current result: <nil>>", "inner callback swallowed"}},
	{`cancel outer waiting on inner whose canceller fires callback("alt")`, func(r *recorder) {
		inner := deferred.NewCancellable(func(d *deferred.Deferred) { d.Callback("alt") })
		r.probe(deferred.Succeed(1).AddCallback(returns(inner)), "outer").Cancel()
	}, []string{"outer:cb(alt)"}},
}

func TestOracleCancelWaiting(t *testing.T) {
	runRows(t, cancelWaitingRows)
}

var cancelWaitingRows = []row{
	{"cancel outer: three levels, only the innermost is cancelled", func(r *recorder) {
		c := r.cancellable("c")
		b := r.cancellable("b")
		a := r.cancellable("a")
		b.AddCallback(returns(c)).Callback(1)
		a.AddCallback(returns(b)).Callback(1)
		r.probe(a, "a").Cancel()
	}, []string{"c canceller", "a:eb(Cancelled)"}},
	{"cancel outer: inner not fired itself but a waits on b (unfired): b canceller", func(r *recorder) {
		b := r.cancellable("b")
		a := deferred.New().AddCallback(returns(b))
		a.Callback(1)
		r.probe(a, "a").Cancel()
	}, []string{"b canceller", "a:eb(Cancelled)"}},
	{"cancel inner directly: outer gets CancelledError", func(r *recorder) {
		inner := deferred.New()
		r.probe(deferred.Succeed(1).AddCallback(returns(inner)), "outer")
		inner.Cancel()
	}, []string{"outer:eb(Cancelled)"}},
	{"outer errback recovers from the cancelled inner", func(r *recorder) {
		inner := deferred.New()
		outer := deferred.Succeed(1).AddCallback(returns(inner))
		deferred.CatchIs(outer, deferred.ErrCancelled, func(error) (any, error) { return "recovered", nil })
		r.probe(outer, "outer").Cancel()
	}, []string{"outer:cb(recovered)"}},
	{"cancel before outer fires: inner is not involved; later callback swallowed, its chain not run", func(r *recorder) {
		inner := r.cancellable("inner")
		outer := deferred.New().AddCallbacks(returns(inner), r.eb("outer"))
		outer.Cancel()
		outer.Callback(1)
	}, []string{"outer:eb(Cancelled)"}},
	{"cancel inside its own callback: nothing", func(r *recorder) {
		d := deferred.New()
		d.AddCallback(func(v any) (any, error) { d.Cancel(); r.note("cancel called in cb"); return v, nil })
		r.probe(d, "r").Callback(1)
	}, []string{"cancel called in cb", "r:cb(1)"}},
	{"cancel a paused, unfired deferred: errback only on unpause", func(r *recorder) {
		d := r.probe(deferred.New(), "r")
		d.Pause()
		d.Cancel()
		r.note("cancelled %s", show(d))
		d.Unpause()
	}, []string{"cancelled <Deferred current error: deferred: cancelled>", "r:eb(Cancelled)"}},
	{"cancel a paused, fired deferred", func(r *recorder) {
		d := r.probe(deferred.New(), "r")
		d.Pause()
		d.Callback(1)
		d.Cancel()
		d.Unpause()
	}, []string{"r:cb(1)"}},
	{"errback after a cancel returns a value; then another callback is added", func(r *recorder) {
		d := deferred.New().AddErrback(func(error) (any, error) { return "ok", nil })
		d.Cancel()
		r.probe(d, "r")
	}, []string{"r:cb(ok)"}},
	// DIFFER: an error of Go has a text.
	{"str(CancelledError())", func(r *recorder) {
		r.note("%v", deferred.ErrCancelled)
	}, []string{"deferred: cancelled"}},
}
