package deferred_test

import (
	"errors"
	"os"
	"testing"
	"time"

	"skein/deferred"
	"skein/deferred/clock"
)

// after is the timeout of the rows.
const after = 5 * time.Second

func TestOracleAddTimeout(t *testing.T) {
	runRows(t, timeoutRows)
}

var timeoutRows = []row{
	{"fires in time: result passes, delayed call removed", func(r *recorder) {
		c := clock.NewFake()
		r.probe(deferred.New().AddTimeout(after, c), "r").Callback(1)
		r.note("pending calls %d", c.Pending())
	}, []string{"r:cb(1)", "pending calls 0"}},
	{"times out", func(r *recorder) {
		c := clock.NewFake()
		d := deferred.New().AddTimeout(after, c)
		c.Advance(4900 * time.Millisecond)
		r.note("4.9 s %s", show(d))
		d.AddErrback(func(err error) (any, error) {
			r.note("%v is ErrTimeout %v", err, errors.Is(err, deferred.ErrTimeout))
			return nil, nil
		})
		c.Advance(100 * time.Millisecond)
	}, []string{"4.9 s <Deferred>", "deferred: timed out after 5s is ErrTimeout true"}},
	{"timeout, then callback(): swallowed once", func(r *recorder) {
		c := clock.NewFake()
		d := r.probe(deferred.New().AddTimeout(after, c), "r")
		c.Advance(after)
		d.Callback(1)
		r.note("swallowed")
		r.raised(func() { d.Callback(1) })
	}, []string{"r:eb(TimeoutError 5s)", "swallowed", "raised AlreadyCalled"}},
	{"cancelled by the user before the timeout: CancelledError, not TimeoutError; call removed", func(r *recorder) {
		c := clock.NewFake()
		r.probe(deferred.New().AddTimeout(after, c), "r").Cancel()
		r.note("pending %d", c.Pending())
	}, []string{"r:eb(Cancelled)", "pending 0"}},
	{"canceller that fires a value on timeout: the value passes through the default translation", func(r *recorder) {
		c := clock.NewFake()
		d := deferred.NewCancellable(func(d *deferred.Deferred) { d.Callback("alt") })
		r.probe(d.AddTimeout(after, c), "r")
		c.Advance(after)
	}, []string{"r:cb(alt)"}},
	{"onTimeoutCancel(value, timeout)", func(r *recorder) {
		c := clock.NewFake()
		d := deferred.New().AddTimeoutFunc(after, c, func(v any, err error, after time.Duration) (any, error) {
			r.note("hook %v %s %v", v, short(err), after)
			return "replacement", nil
		})
		r.probe(d, "r")
		c.Advance(after)
	}, []string{"hook <nil> Cancelled 5s", "r:cb(replacement)"}},
	{"callbacks added before addTimeout run before the translation", func(r *recorder) {
		c := clock.NewFake()
		see := func(name string) deferred.Errback {
			return func(err error) (any, error) { r.note("%s %s", name, short(err)); return nil, err }
		}
		deferred.New().AddErrback(see("before")).AddTimeout(after, c).AddErrback(see("after"))
		c.Advance(after)
	}, []string{"before Cancelled", "after TimeoutError 5s"}},
	{"addTimeout while waiting on an inner: inner is cancelled", func(r *recorder) {
		c := clock.NewFake()
		inner := deferred.NewCancellable(func(*deferred.Deferred) { r.note("inner canceller") })
		d := deferred.Succeed(1).AddCallback(returns(inner)).AddTimeout(after, c)
		r.probe(d, "r")
		c.Advance(after)
	}, []string{"inner canceller", "r:eb(TimeoutError 5s)"}},
	{"addTimeout on an already fired deferred", func(r *recorder) {
		c := clock.NewFake()
		r.probe(deferred.Succeed(1).AddTimeout(after, c), "r")
		r.note("pending %d", c.Pending())
	}, []string{"r:cb(1)", "pending 0"}},
	{"addTimeout(0)", func(r *recorder) {
		c := clock.NewFake()
		r.probe(deferred.New().AddTimeout(0, c), "r")
		r.note("added")
		c.Advance(0)
	}, []string{"added", "r:eb(TimeoutError 0s)"}},
}

// The cases that the reference's own tests have beside the oracle rows.
func TestAddTimeoutMore(t *testing.T) {
	runRows(t, moreTimeoutRows)
	if !os.IsTimeout(&deferred.TimeoutError{After: after}) {
		t.Error("os.IsTimeout does not know a TimeoutError")
	}
}

var moreTimeoutRows = []row{
	{"an errback added before it recovers: the recovery stands", func(r *recorder) {
		c := clock.NewFake()
		d := deferred.New().AddErrback(func(error) (any, error) { return "saved", nil })
		r.probe(d.AddTimeout(after, c), "r")
		c.Advance(after)
	}, []string{"r:cb(saved)"}},
	{"a canceller that fails with another error: the error stands", func(r *recorder) {
		c := clock.NewFake()
		d := deferred.NewCancellable(func(d *deferred.Deferred) { d.Errback(errV) })
		r.probe(d.AddTimeout(after, c), "r")
		c.Advance(after)
	}, []string{"r:eb(v)"}},
	{"a canceller that panics does not defeat it", func(r *recorder) {
		c := clock.NewFake()
		d := deferred.NewCancellable(func(*deferred.Deferred) { panic("no") })
		r.probe(d.AddTimeout(after, c), "r")
		c.Advance(after)
	}, []string{"r:eb(TimeoutError 5s)"}},
	{"two timeouts: the shorter one ends it, and both timers go", func(r *recorder) {
		c := clock.NewFake()
		r.probe(deferred.New().AddTimeout(after, c).AddTimeout(time.Second, c), "r")
		c.Advance(time.Second)
		r.note("pending %d", c.Pending())
	}, []string{"r:eb(TimeoutError 1s)", "pending 0"}},
	{"the hook is not called when the result is in time", func(r *recorder) {
		c := clock.NewFake()
		d := deferred.New().AddTimeoutFunc(after, c, func(any, error, time.Duration) (any, error) {
			r.note("hook")
			return nil, nil
		})
		r.probe(d, "r").Callback(1)
		c.Advance(after)
	}, []string{"r:cb(1)"}},
	{"a negative time panics before anything is added", func(r *recorder) {
		d := deferred.New()
		func() {
			defer func() { r.note("negative %v", errors.Is(recover().(error), clock.ErrNegativeDelay)) }()
			d.AddTimeout(-1, clock.NewFake())
		}()
		r.probe(d, "r").Callback(1)
	}, []string{"negative true", "r:cb(1)"}},
}
