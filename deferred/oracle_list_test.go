package deferred_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"skein/deferred"
)

// list is short for the argument of a list.
func list(ds ...*deferred.Deferred) []*deferred.Deferred { return ds }

// results writes a list's result as the oracle does.
func results(v any) string {
	switch v := v.(type) {
	case []deferred.Result:
		var items []string
		for _, r := range v {
			if r.OK() {
				items = append(items, "ok "+results(r.Value))
			} else {
				items = append(items, "err "+short(r.Err))
			}
		}
		return "[" + strings.Join(items, ", ") + "]"
	case deferred.FirstResult:
		return fmt.Sprintf("first %v at %d", v.Value, v.Index)
	}
	return fmt.Sprint(v)
}

// listProbe is probe for the result of a list.
func (r *recorder) listProbe(d *deferred.Deferred) *deferred.Deferred {
	return d.AddCallbacks(func(v any) (any, error) {
		r.note("r:cb(%s)", results(v))
		return nil, nil
	}, r.eb("r"))
}

// sweep notes every error that is unhandled now.
func (r *recorder) sweep() {
	previous := deferred.SetUnhandledHandler(func(u deferred.Unhandled) { r.note("unhandled %s", short(u.Err)) })
	defer func() { deferred.SetUnhandledHandler(previous) }()
	deferred.SweepUnhandled()
}

func TestOracleDeferredList(t *testing.T) {
	deferred.SweepUnhandled()
	runRows(t, listRows)
}

var listRows = []row{
	{"empty list: already fired with []", func(r *recorder) {
		r.listProbe(deferred.DeferredList(nil))
	}, []string{"r:cb([])"}},
	// DIFFER: an error tells more than a Deferred that never fires.
	{"empty list with fireOnOneCallback=True: never fires", func(r *recorder) {
		r.listProbe(deferred.DeferredList(nil, deferred.FireOnOneCallback()))
	}, []string{"r:eb(NoDeferreds)"}},
	{"empty list with fireOnOneErrback=True", func(r *recorder) {
		r.listProbe(deferred.DeferredList(list(), deferred.FireOnOneErrback()))
	}, []string{"r:cb([])"}},
	{"two successes, fired in reverse order", func(r *recorder) {
		a, b := deferred.New(), deferred.New()
		r.listProbe(deferred.DeferredList(list(a, b)))
		b.Callback("B")
		r.note("one fired")
		a.Callback("A")
	}, []string{"one fired", "r:cb([ok A, ok B])"}},
	{"success and failure, no options: the failure stays in its deferred and is logged", func(r *recorder) {
		a, b := deferred.New(), deferred.New()
		r.listProbe(deferred.DeferredList(list(a, b)))
		a.Callback("A")
		b.Errback(errV)
		r.note("b %s", show(b))
		r.sweep()
	}, []string{"r:cb([ok A, err v])", "b <Deferred current error: v>", "unhandled v"}},
	{"consumeErrors=True: the deferred's result becomes None, nothing logged", func(r *recorder) {
		a, b := deferred.New(), deferred.New()
		r.listProbe(deferred.DeferredList(list(a, b), deferred.ConsumeErrors()))
		a.Callback("A")
		b.Errback(errV)
		r.note("a %s", show(a))
		r.note("b %s", show(b))
		r.sweep()
	}, []string{"r:cb([ok A, err v])", "a <Deferred current result: A>", "b <Deferred current result: <nil>>"}},
	{"results stay in the member deferreds (successes pass through)", func(r *recorder) {
		a, b := deferred.New(), deferred.New()
		r.listProbe(deferred.DeferredList(list(a, b)))
		a.AddCallback(r.cb("a-later"))
		a.Callback("A")
		b.Callback("B")
	}, []string{"a-later:cb(A)", "r:cb([ok A, ok B])"}},
	{"callbacks added to a member before the list is built change what the list sees", func(r *recorder) {
		a := deferred.New()
		deferred.Then(a, func(s string) (string, error) { return s + s, nil })
		r.listProbe(deferred.DeferredList(list(a)))
		a.Callback("A")
	}, []string{"r:cb([ok AA])"}},
	{"members already fired", func(r *recorder) {
		r.listProbe(deferred.DeferredList(list(deferred.Succeed(1), deferred.Fail(errV), deferred.Succeed(3))))
	}, []string{"r:cb([ok 1, err v, ok 3])"}},
	{"fireOnOneCallback: first success fires (value, index); later ones ignored", func(r *recorder) {
		a, b := deferred.New(), deferred.New()
		r.listProbe(deferred.DeferredList(list(a, b), deferred.FireOnOneCallback()))
		b.Callback("B")
		a.Callback("A")
		r.note("a %s", show(a))
	}, []string{"r:cb(first B at 1)", "a <Deferred current result: A>"}},
	{"fireOnOneCallback, an earlier failure is not enough", func(r *recorder) {
		a, b := deferred.New(), deferred.New()
		d := r.listProbe(deferred.DeferredList(list(a, b), deferred.FireOnOneCallback()))
		a.Errback(errV)
		r.note("after the failure %v", d.Called())
		b.Callback("B")
	}, []string{"after the failure false", "r:cb(first B at 1)"}},
	{"fireOnOneCallback, all fail: fires with the full list", func(r *recorder) {
		a, b := deferred.New(), deferred.New()
		r.listProbe(deferred.DeferredList(list(a, b), deferred.FireOnOneCallback()))
		b.Errback(errK)
		a.Errback(errV)
	}, []string{"r:cb([err v, err k])"}},
	{"fireOnOneErrback: first failure gives FirstError(index, subFailure)", func(r *recorder) {
		a, b, c := deferred.New(), deferred.New(), deferred.New()
		d := deferred.DeferredList(list(a, b, c), deferred.FireOnOneErrback(), deferred.ConsumeErrors())
		d.AddErrback(func(err error) (any, error) {
			r.note("%v, is v: %v", err, errors.Is(err, errV))
			return nil, nil
		})
		b.Errback(errV)
		c.Errback(errK)
		r.note("c %s", show(c))
	}, []string{"deferred: element 1 failed: v, is v: true", "c <Deferred current result: <nil>>"}},
	{"fireOnOneErrback without consumeErrors: both member errors are logged at deletion", func(r *recorder) {
		deferred.SweepUnhandled()
		a, b := deferred.New(), deferred.New()
		deferred.DeferredList(list(a, b), deferred.FireOnOneErrback()).AddErrback(r.eb("list"))
		a.Errback(errV)
		b.Errback(errK)
		r.sweep()
	}, []string{"list:eb(FirstError 0 v)", "unhandled v", "unhandled k"}},
	{"fireOnOneErrback, all succeed", func(r *recorder) {
		a, b := deferred.Succeed(1), deferred.Succeed(2)
		r.listProbe(deferred.DeferredList(list(a, b), deferred.FireOnOneErrback()))
	}, []string{"r:cb([ok 1, ok 2])"}},
	{"both fireOnOneCallback and fireOnOneErrback: whichever comes first", func(r *recorder) {
		for _, first := range list(deferred.Succeed(1), deferred.Fail(errV)) {
			r.listProbe(deferred.DeferredList(list(first, deferred.New()),
				deferred.FireOnOneCallback(), deferred.FireOnOneErrback()))
		}
	}, []string{"r:cb(first 1 at 0)", "r:eb(FirstError 0 v)"}},
	{"a DeferredList of DeferredLists", func(r *recorder) {
		one := deferred.DeferredList(list(deferred.Succeed(1), deferred.Succeed(2)))
		two := deferred.DeferredList(list(deferred.Fail(errV)))
		r.listProbe(deferred.DeferredList(list(one, two)))
	}, []string{"r:cb([ok [ok 1, ok 2], ok [err v]])"}},
	{"the same deferred twice in the list", func(r *recorder) {
		d := deferred.Succeed(7)
		r.listProbe(deferred.DeferredList(list(d, d)))
	}, []string{"r:cb([ok 7, ok 7])"}},
	{"the same failing deferred twice, consumeErrors: second entry is a success with None", func(r *recorder) {
		d := deferred.Fail(errV)
		r.listProbe(deferred.DeferredList(list(d, d), deferred.ConsumeErrors()))
	}, []string{"r:cb([err v, ok <nil>])"}},
	{"member whose callback returns an unfired deferred: waits for it", func(r *recorder) {
		late := deferred.New()
		d := r.listProbe(deferred.DeferredList(list(deferred.Succeed(1).AddCallback(returns(late)))))
		r.note("called %v", d.Called())
		late.Callback("late")
	}, []string{"called false", "r:cb([ok late])"}},
}

func TestOracleDeferredListCancel(t *testing.T) {
	deferred.SweepUnhandled()
	runRows(t, listCancelRows)
}

var listCancelRows = []row{
	{"cancel the list: cancels every unfired member", func(r *recorder) {
		a, b := r.cancellable("a"), r.cancellable("b")
		r.listProbe(deferred.DeferredList(list(a, b, deferred.Succeed(3)))).Cancel()
		r.note("a %s", show(a))
	}, []string{"a canceller", "b canceller", "r:cb([err Cancelled, err Cancelled, ok 3])",
		"a <Deferred current error: deferred: cancelled>"}},
	{"cancel the list after its slice was used again", func(r *recorder) {
		ds := list(r.cancellable("a"))
		d := r.listProbe(deferred.DeferredList(ds))
		clear(ds)
		d.Cancel()
	}, []string{"a canceller", "r:cb([err Cancelled])"}},
	{"cancel the list with fireOnOneErrback", func(r *recorder) {
		a, b := deferred.New(), deferred.New()
		d := deferred.DeferredList(list(a, b), deferred.FireOnOneErrback(), deferred.ConsumeErrors())
		r.listProbe(d).Cancel()
		r.note("b %s", show(b))
	}, []string{"r:eb(FirstError 0 Cancelled)", "b <Deferred current result: <nil>>"}},
	// DIFFER: the panic is reported and its Deferred fails like the others,
	// so the list fires.
	{"cancel the list when a member's canceller raises", func(r *recorder) {
		previous := deferred.SetUnhandledHandler(func(u deferred.Unhandled) { r.note("reported %s", short(u.Err)) })
		defer func() { deferred.SetUnhandledHandler(previous) }()
		a := deferred.NewCancellable(func(*deferred.Deferred) { panic("in canceller") })
		r.listProbe(deferred.DeferredList(list(a, r.cancellable("b")), deferred.ConsumeErrors())).Cancel()
	}, []string{"reported PanicError in canceller", "b canceller", "r:cb([err Cancelled, err Cancelled])"}},
	{"cancel the list after it fired", func(r *recorder) {
		r.listProbe(deferred.DeferredList(list(deferred.Succeed(1)))).Cancel()
	}, []string{"r:cb([ok 1])"}},
	{"cancel a list that fired by fireOnOneCallback: remaining members are not cancelled", func(r *recorder) {
		b := r.cancellable("b")
		deferred.DeferredList(list(deferred.Succeed(1), b), deferred.FireOnOneCallback()).Cancel()
		r.note("b %s", show(b))
	}, []string{"b <Deferred>"}},
	// In place of "an element that is not a Deferred".
	{"a nil element: refused before anything is attached", func(r *recorder) {
		a := deferred.New()
		defer func() {
			r.note("%v", recover())
			r.note("a untouched: %v", a.AddErrback(r.eb("a")).Called())
		}()
		deferred.DeferredList(list(a, nil))
	}, []string{"deferred: a nil *Deferred: return nil for no result, or a Deferred (element 1)", "a untouched: false"}},
	{"a member that survives the cancellation is waited for, and may be cancelled again", func(r *recorder) {
		first, second := deferred.New(), r.cancellable("second")
		stubborn := deferred.InlineCallbacks(func(in *deferred.Inline) (any, error) {
			if _, err := in.Yield(first); err != nil {
				r.note("ignored %s", short(err))
			}
			return in.Yield(second)
		})
		d := r.listProbe(deferred.DeferredList(list(stubborn), deferred.ConsumeErrors()))
		d.Cancel()
		r.note("called %v", d.Called())
		d.Cancel()
	}, []string{"ignored Cancelled", "called false", "second canceller", "r:cb([err Cancelled])"}},
}

func TestOracleGatherResults(t *testing.T) {
	deferred.SweepUnhandled()
	runRows(t, gatherRows)
}

var gatherRows = []row{
	{"all succeed", func(r *recorder) {
		r.listProbe(deferred.GatherResults(list(deferred.Succeed(1), deferred.Succeed(2))))
	}, []string{"r:cb([1 2])"}},
	{"empty", func(r *recorder) {
		r.listProbe(deferred.GatherResults(nil))
	}, []string{"r:cb([])"}},
	{"one fails: FirstError at once; the other members go on", func(r *recorder) {
		a, b := deferred.New(), deferred.New()
		r.listProbe(deferred.GatherResults(list(a, b), deferred.ConsumeErrors()))
		b.Errback(errV)
		r.note("a %s", show(a))
	}, []string{"r:eb(FirstError 1 v)", "a <Deferred>"}},
	{"consumeErrors=True, two fail", func(r *recorder) {
		a, b := deferred.New(), deferred.New()
		r.listProbe(deferred.GatherResults(list(a, b), deferred.ConsumeErrors()))
		a.Errback(errV)
		b.Errback(errK)
		r.sweep()
	}, []string{"r:eb(FirstError 0 v)"}},
	{"without consumeErrors: the member error is logged besides", func(r *recorder) {
		r.listProbe(deferred.GatherResults(list(deferred.Fail(errV))))
		r.sweep()
	}, []string{"r:eb(FirstError 0 v)", "unhandled v"}},
	{"cancel", func(r *recorder) {
		a, b := deferred.New(), deferred.New()
		r.listProbe(deferred.GatherResults(list(a, b), deferred.ConsumeErrors())).Cancel()
		r.note("%s | %s", show(a), show(b))
	}, []string{"r:eb(FirstError 0 Cancelled)", "<Deferred current result: <nil>> | <Deferred current result: <nil>>"}},
}
