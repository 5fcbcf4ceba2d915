package deferred

import (
	"fmt"
	"slices"
)

// Result is the outcome of one Deferred of a [DeferredList].
//
// Twisted: the pairs (success, result) of a DeferredList.
type Result struct {
	Value any   // the result; nil if Err is not
	Err   error // the error; nil for a success
}

// OK reports whether it is a success.
func (r Result) OK() bool { return r.Err == nil }

// FirstResult is the result of the first Deferred to succeed: what a list with
// [FireOnOneCallback] and a [Race] fire with.
type FirstResult struct {
	Value any // its result
	Index int // its place in the slice, from 0
}

// FirstError is the error of the first Deferred to fail, in a list with
// [FireOnOneErrback] and in [GatherResults].
//
// Twisted: defer.FirstError.
type FirstError struct {
	Index int   // its place in the slice, from 0
	Err   error // its error
}

// Error names the place and the error.
func (e *FirstError) Error() string {
	return fmt.Sprintf("deferred: element %d failed: %v", e.Index, e.Err)
}

// Unwrap returns the error of the Deferred that failed.
func (e *FirstError) Unwrap() error { return e.Err }

// ListOption changes when a [DeferredList] fires, and what becomes of errors.
type ListOption func(*listOptions)

type listOptions struct{ oneCallback, oneErrback, consume bool }

// FireOnOneCallback makes the list fire with a [FirstResult] as soon as one
// element succeeds. If all fail, the list fires with all results, as without
// the option.
//
// Twisted: DeferredList(fireOnOneCallback=True).
func FireOnOneCallback() ListOption { return func(o *listOptions) { o.oneCallback = true } }

// FireOnOneErrback makes the list fail with a [*FirstError] as soon as one
// element fails.
//
// Twisted: DeferredList(fireOnOneErrback=True).
func FireOnOneErrback() ListOption { return func(o *listOptions) { o.oneErrback = true } }

// ConsumeErrors makes the list handle the errors of its elements: an element
// that failed goes on with nil. Without it they stay with the elements, whose
// owners must handle them.
//
// Twisted: DeferredList(consumeErrors=True).
func ConsumeErrors() ListOption { return func(o *listOptions) { o.consume = true } }

// DeferredList returns a Deferred that fires with a []Result, in the order of
// ds, when all of ds have a result. It does not fail, whatever becomes of
// them, unless [FireOnOneErrback] is given. The elements keep their results,
// unless [ConsumeErrors] is given; callbacks they already have run before the
// list sees anything. After an early firing the elements go on undisturbed.
//
// An empty list fires at once with an empty []Result; with [FireOnOneCallback],
// which then could never be met, it fails with [ErrNoDeferreds]. Cancelling
// the list cancels every element; the list then fires with what becomes of
// them. A nil element is a panic with an error that is [ErrNilDeferred] and
// names the place. The slice may be reused afterwards.
//
// Twisted: defer.DeferredList.
func DeferredList(ds []*Deferred, opts ...ListOption) *Deferred {
	return gather(ds, collect(opts))
}

// collect applies the options.
func collect(opts []ListOption) (o listOptions) {
	for _, opt := range opts {
		opt(&o)
	}
	return o
}

// gather builds a list.
func gather(ds []*Deferred, o listOptions) *Deferred {
	refuseNil(ds)
	if len(ds) == 0 {
		if o.oneCallback {
			return Fail(ErrNoDeferreds)
		}
		return Succeed([]Result{})
	}
	g := &gathering{
		options: o,
		list:    NewCancellable(cancelAll(ds)),
		results: make([]Result, len(ds)),
		missing: len(ds),
	}
	g.list.delegates = true
	// One allocation for all joints. Everything is set before the first is
	// attached: elements may have fired long ago.
	elements := make([]element, len(ds))
	for i, d := range ds {
		elements[i] = element{g, i}
		d.add(link{on: &elements[i]})
	}
	return g.list
}

// refuseNil panics if one of ds is nil, before anything is attached to any.
func refuseNil(ds []*Deferred) {
	if i := slices.Index(ds, nil); i >= 0 {
		panic(fmt.Errorf("%w (element %d)", ErrNilDeferred, i))
	}
}

// cancelAll returns a canceller that cancels all of ds.
func cancelAll(ds []*Deferred) Canceller {
	ds = slices.Clone(ds)
	return func(*Deferred) {
		for _, d := range ds {
			d.Cancel()
		}
	}
}

// gathering is what the elements of one list share.
type gathering struct {
	options listOptions
	list    *Deferred
	results []Result
	missing int // elements without a result so far
}

// element is the joint that a list adds to each of its Deferreds.
type element struct {
	*gathering
	index int
}

// arrive records d's result and fires the list if that decides it.
//
// Twisted: DeferredList._cbDeferred.
func (e *element) arrive(d *Deferred) (next *Deferred) {
	r := Result{d.result, d.err}
	e.results[e.index] = r
	e.missing--
	if e.options.consume && !r.OK() {
		d.give()
	}
	switch {
	case e.list.called:
		return nil
	case e.options.oneCallback && r.OK():
		e.list.start(FirstResult{r.Value, e.index}, nil)
	case e.options.oneErrback && !r.OK():
		e.list.start(nil, &FirstError{e.index, r.Err})
	case e.missing == 0:
		e.list.start(e.results, nil)
	default:
		return nil
	}
	return e.list
}
