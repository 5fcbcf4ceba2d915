package deferred_test

import (
	"testing"

	"skein/deferred"
)

func TestOracleMaybeDeferredSucceedFail(t *testing.T) {
	maybe := func(v any, err error) *deferred.Deferred {
		return deferred.MaybeDeferred(func() (any, error) { return v, err })
	}
	runRows(t, []row{
		{"maybeDeferred: value", func(r *recorder) {
			r.probe(maybe(5, nil), "r")
		}, []string{"r:cb(5)"}},
		{"maybeDeferred: raises", func(r *recorder) {
			r.probe(deferred.MaybeDeferred(func() (any, error) { panic(errV) }), "r")
		}, []string{"r:eb(PanicError v)"}},
		{"maybeDeferred: returns a Failure", func(r *recorder) {
			r.probe(maybe(nil, errV), "r")
		}, []string{"r:eb(v)"}},
		{"maybeDeferred: returns a Deferred (the same object comes back)", func(r *recorder) {
			d := deferred.New()
			r.note("%v", maybe(d, nil) == d)
		}, []string{"true"}},
		{"succeed(x), fail(exc), fail(Failure)", func(r *recorder) {
			r.probe(deferred.Succeed(1), "r")
			r.probe(deferred.Fail(errV), "r")
		}, []string{"r:cb(1)", "r:eb(v)"}},
		{"fail() with no exception active", func(r *recorder) {
			r.raised(func() { deferred.Fail(nil) })
		}, []string{"raised NilError"}},
		{"succeed(a Deferred)", func(r *recorder) {
			r.raised(func() { deferred.Succeed(deferred.New()) })
		}, []string{"raised DeferredResult"}},
		// DIFFER: there is no Failure. An error given to Succeed is a result.
		{"succeed(Failure)", func(r *recorder) {
			r.probe(deferred.Succeed(errV), "r")
		}, []string{"r:cb(v)"}},
		{"ensureDeferred(coroutine) awaiting a Deferred", func(r *recorder) {
			d := deferred.New()
			r.probe(deferred.InlineCallbacks(func(in *deferred.Inline) (any, error) {
				n, err := deferred.Await[int](in, d)
				return n + 1, err
			}), "r")
			r.note("waiting")
			d.Callback(1)
		}, []string{"waiting", "r:cb(2)"}},
		{"ensureDeferred: awaited failure is raised as the exception", func(r *recorder) {
			r.probe(deferred.InlineCallbacks(func(in *deferred.Inline) (any, error) {
				_, err := in.Yield(deferred.Fail(errV))
				return "caught " + err.Error(), nil
			}), "r")
		}, []string{"r:cb(caught v)"}},
		{"execute(f)", func(r *recorder) {
			r.probe(deferred.MaybeDeferred(func() (any, error) { var zero int; return 1 / zero, nil }), "r")
		}, []string{"r:eb(PanicError runtime error: integer divide by zero)"}},
		{"maybeDeferred with a typed nil, with both, and of nil", func(r *recorder) {
			r.probe(maybe((*deferred.Deferred)(nil), nil), "typed nil")
			r.probe(maybe(deferred.Succeed(1), errV), "both")
			r.probe(deferred.MaybeDeferred(nil), "nil")
		}, []string{"typed nil:eb(NilDeferred)", "both:eb(v)", "nil:eb(NilFunc)"}},
	})
}
