package deferred_test

import (
	"errors"
	"testing"

	"skein/deferred"
)

// pass is the cheapest callback there is.
func pass(v any) (any, error) { return v, nil }

// BenchmarkDeferred has one sub-benchmark per way in which Deferreds are used.
// The first two belong together: the same three stages, once as callbacks and
// once as a goroutine per stage with a channel in between.
func BenchmarkDeferred(b *testing.B) {
	for _, bench := range []struct {
		name string
		once func()
	}{
		{"new+3callbacks+fire", func() {
			d := deferred.New()
			d.AddCallback(pass).AddCallback(pass).AddCallback(pass)
			d.Callback(nil)
		}},
		{"goroutine-and-channel future, 3 stages", future},
		{"new+callback+errback+both+fire", func() {
			d := deferred.New()
			d.AddCallback(pass).AddErrback(func(err error) (any, error) { return nil, err })
			d.AddBoth(func(v any, err error) (any, error) { return v, err })
			d.Callback(nil)
		}},
		{"succeed+callback", func() { deferred.Succeed(nil).AddCallback(pass) }},
		{"fail+errback", func() {
			deferred.Fail(errV).AddErrback(func(error) (any, error) { return nil, nil })
		}},
		{"panic+errback", func() {
			d := deferred.Succeed(nil).AddCallback(func(any) (any, error) { panic("boom") })
			d.AddErrback(func(error) (any, error) { return nil, nil })
		}},
		{"cancel+errback", func() {
			d := deferred.New().AddErrback(func(error) (any, error) { return nil, nil })
			d.Cancel()
		}},
		{"wait for an inner, fired later", func() {
			inner := deferred.New()
			outer := deferred.New().AddCallback(func(any) (any, error) { return inner, nil })
			outer.Callback(nil)
			inner.Callback(nil)
		}},
		{"chain to another", func() {
			d := deferred.New().ChainDeferred(deferred.New())
			d.Callback(nil)
		}},
		{"Then, typed", func() {
			d := deferred.Then(deferred.New(), func(n int) (int, error) { return n, nil })
			d.Callback(7)
		}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				bench.once()
			}
		})
	}
}

// future computes in three stages, a goroutine each, and waits for the end.
func future() {
	first := make(chan any, 1)
	last := stage(stage(stage(first)))
	first <- nil
	<-last
}

// stage starts one stage of a future.
func stage(in <-chan any) <-chan any {
	out := make(chan any, 1)
	go func() {
		v, _ := pass(<-in)
		out <- v
	}()
	return out
}

func BenchmarkInlineCallbacks(b *testing.B) {
	b.Run("already-fired await", func(b *testing.B) {
		b.ReportAllocs()
		deferred.InlineCallbacks(func(in *deferred.Inline) (any, error) {
			for b.Loop() {
				in.Yield(deferred.Succeed(nil))
			}
			return nil, nil
		})
	})
	b.Run("pending await", func(b *testing.B) {
		b.ReportAllocs()
		var next *deferred.Deferred
		stop := errors.New("stop")
		deferred.InlineCallbacks(func(in *deferred.Inline) (any, error) {
			for {
				next = deferred.New()
				if _, err := in.Yield(next); err != nil {
					return nil, nil
				}
			}
		})
		for b.Loop() {
			next.Callback(nil)
		}
		next.Errback(stop)
	})
	b.Run("body that never waits", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			deferred.InlineCallbacks(func(*deferred.Inline) (any, error) { return nil, nil })
		}
	})
	b.Run("body that waits once", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			d := deferred.New()
			deferred.InlineCallbacks(func(in *deferred.Inline) (any, error) { return in.Yield(d) })
			d.Callback(nil)
		}
	})
}

// BenchmarkMany reports the time for a whole structure of n Deferreds.
func BenchmarkMany(b *testing.B) {
	const n = 1000
	for _, bench := range []struct {
		name string
		once func(ds []*deferred.Deferred)
	}{
		{"1000 nested, outermost fired first", func(ds []*deferred.Deferred) {
			for i, d := range ds[1:] {
				ds[i].AddCallback(func(any) (any, error) { return d, nil })
			}
			for _, d := range ds {
				d.Callback(nil)
			}
		}},
		{"1000 chained", func(ds []*deferred.Deferred) {
			for i, d := range ds[1:] {
				ds[i].ChainDeferred(d)
			}
			ds[0].Callback(nil)
		}},
		{"DeferredList of 1000", func(ds []*deferred.Deferred) {
			deferred.DeferredList(ds)
			for _, d := range ds {
				d.Callback(nil)
			}
		}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				ds := make([]*deferred.Deferred, n)
				for i := range ds {
					ds[i] = deferred.New()
				}
				bench.once(ds)
			}
		})
	}
}
