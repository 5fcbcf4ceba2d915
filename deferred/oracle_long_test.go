package deferred_test

import (
	"testing"

	"skein/deferred"
	"skein/deferred/clock"
)

// flat runs fire, which at its end must run the callback that flat adds to
// last, and fails if that callback runs on a deep stack.
func flat(t *testing.T, last *deferred.Deferred, want any, fire func()) {
	t.Helper()
	start, deepest := depth(), 0
	last.AddBoth(func(v any, err error) (any, error) {
		deepest = depth()
		return v, err
	})
	fire()
	if v, err := outcome(t, last); err != nil || v != want {
		t.Errorf("got %v, %v, want %v", v, err, want)
	}
	if deepest > start+20 {
		t.Errorf("the last callback ran %d frames deeper than the first", deepest-start)
	}
}

// n is the length of the chains.
const n = 100_000

// unfired makes n Deferreds.
func unfired() []*deferred.Deferred {
	ds := make([]*deferred.Deferred, n)
	for i := range ds {
		ds[i] = deferred.New()
	}
	return ds
}

func TestOracleLongChains(t *testing.T) {
	t.Run("100000 deferreds, each returned by the previous one's callback, innermost fired last", func(t *testing.T) {
		ds := unfired()
		for i, d := range ds[1:] {
			ds[i].AddCallback(returns(d))
		}
		flat(t, ds[0], "deep", func() {
			for _, d := range ds {
				d.Callback("deep")
			}
		})
	})
	t.Run("the same, fired from the innermost outwards (each inner is already waiting/fired)", func(t *testing.T) {
		ds := unfired()
		for i, d := range ds[1:] {
			ds[i].AddCallback(returns(d))
		}
		flat(t, ds[0], "deep", func() {
			for i := n - 1; i >= 0; i-- {
				ds[i].Callback("deep")
			}
		})
	})
	t.Run("the same, each inner already waiting when it is returned", func(t *testing.T) {
		ds := unfired()
		for i := n - 2; i >= 0; i-- {
			ds[i].AddCallback(returns(ds[i+1]))
			ds[i].Callback(nil)
		}
		flat(t, ds[0], "deep", func() { ds[n-1].Callback("deep") })
	})
	t.Run("one deferred with 100000 callbacks each returning succeed(r+1)", func(t *testing.T) {
		d := deferred.New()
		for range n {
			deferred.ThenDeferred(d, func(i int) *deferred.Deferred { return deferred.Succeed(i + 1) })
		}
		flat(t, d, n, func() { d.Callback(0) })
	})
}

func TestOracleLongChainsOfChainDeferred(t *testing.T) {
	// DIFFER: the reference recurses, and the last never fires.
	t.Run("100000 deferreds linked by chainDeferred", func(t *testing.T) {
		ds := unfired()
		for i, d := range ds[1:] {
			ds[i].ChainDeferred(d)
		}
		flat(t, ds[n-1], "x", func() { ds[0].Callback("x") })
	})
	t.Run("300 deferreds linked by chainDeferred", func(t *testing.T) {
		ds := unfired()[:300]
		for i, d := range ds[1:] {
			ds[i].ChainDeferred(d).AddCallback(func(v any) (any, error) { return v, nil })
		}
		flat(t, ds[299], "x", func() { ds[0].Callback("x") })
	})
}

func TestOracleLongChainsOfOtherKinds(t *testing.T) {
	// DIFFER: the recursion is the caller's own, and Go's stack has room for it.
	t.Run("nested synchronous creation: f(n) = succeed(0).addCallback(lambda _: f(n-1)); n=100, 1000", func(t *testing.T) {
		var f func(n int) *deferred.Deferred
		f = func(n int) *deferred.Deferred {
			return deferred.Succeed(0).AddCallback(func(any) (any, error) {
				if n == 0 {
					return "bottom", nil
				}
				return f(n - 1), nil
			})
		}
		for _, n := range []int{100, 1000, 10_000} {
			if v, err := outcome(t, f(n)); v != "bottom" || err != nil {
				t.Errorf("n = %d: got %v, %v", n, v, err)
			}
		}
	})
	t.Run(`recursive "loop" through callLater(0) (task.Clock), 20000 turns: outer deferred gets the last value`, func(t *testing.T) {
		c := clock.NewFake()
		var turn func(n int) *deferred.Deferred
		turn = func(n int) *deferred.Deferred {
			d := deferred.New()
			c.CallLater(0, func() { d.Callback("end") })
			if n == 0 {
				return d
			}
			return d.AddCallback(func(any) (any, error) { return turn(n - 1), nil })
		}
		flat(t, turn(20_000), "end", func() { c.Advance(0) })
	})
	// DIFFER: the reference recurses.
	t.Run("cancel of a 5000-long chain of waiting deferreds", func(t *testing.T) {
		ds := unfired()
		for i := n - 2; i >= 0; i-- {
			ds[i].AddCallback(returns(ds[i+1]))
			ds[i].Callback(nil)
		}
		ds[0].AddErrback(func(err error) (any, error) { return short(err), nil })
		flat(t, ds[0], "Cancelled", func() { ds[0].Cancel() })
	})
	t.Run("DeferredList of 100000", func(t *testing.T) {
		ds := unfired()
		d := deferred.DeferredList(ds)
		deferred.Then(d, func(rs []deferred.Result) (int, error) { return len(rs), nil })
		flat(t, d, n, func() {
			for _, d := range ds {
				d.Callback(nil)
			}
		})
	})
}

// Lists of lists, and bodies waiting for one another, are joints like a plain
// wait: the runner goes through them without recursion.
func TestLongChainsThroughOtherJoints(t *testing.T) {
	const n = 10_000
	t.Run("lists of one list each", func(t *testing.T) {
		first := deferred.New()
		last := first
		for range n {
			last = deferred.GatherResults(list(last)).AddCallback(func(v any) (any, error) {
				return v.([]any)[0], nil
			})
		}
		flat(t, last, "x", func() { first.Callback("x") })
	})
	t.Run("races of one race each", func(t *testing.T) {
		first := deferred.New()
		last := first
		for range n {
			last = deferred.Then(deferred.Race(list(last)), func(w deferred.FirstResult) (any, error) {
				return w.Value, nil
			})
		}
		flat(t, last, "x", func() { first.Callback("x") })
	})
	t.Run("a panic at every level", func(t *testing.T) {
		first := deferred.New()
		last := first
		for range n {
			last = deferred.Succeed(nil).AddCallback(returns(last))
			last.AddCallback(func(any) (any, error) { panic("boom") })
			last.AddErrback(func(error) (any, error) { return "x", nil })
		}
		flat(t, last, "x", func() { first.Callback(nil) })
	})
}
