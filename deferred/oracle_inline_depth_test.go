package deferred_test

import (
	"runtime"
	"testing"

	"skein/deferred"
)

// depth returns how many frames the caller has below it.
func depth() int {
	var pcs [4096]uintptr
	return runtime.Callers(1, pcs[:])
}

func TestOracleInlineCallbacksDepth(t *testing.T) {
	t.Run("10000 already fired deferreds yielded in a loop: stack depth at the start and the end", func(t *testing.T) {
		var start, end int
		d := body(func(in inline) (any, error) {
			start = depth()
			last := 0
			for i := range 10_000 {
				last, _ = deferred.Await[int](in, deferred.Succeed(i))
			}
			end = depth()
			return last, nil
		})
		if v, err := outcome(t, d); v != 9999 || err != nil || start != end {
			t.Errorf("got %v, %v; depth %d at the start, %d at the end", v, err, start, end)
		}
	})
	t.Run("100000 non-deferreds yielded in a loop", func(t *testing.T) {
		d := body(func(in inline) (last any, err error) {
			for i := range 100_000 {
				last, err = in.Yield(i)
			}
			return last, err
		})
		if v, err := outcome(t, d); v != 99_999 || err != nil {
			t.Errorf("got %v, %v", v, err)
		}
	})
	t.Run("deferreds fired one by one from outside (5000): stack depth stays constant", func(t *testing.T) {
		waiting := make([]*deferred.Deferred, 5000)
		for i := range waiting {
			waiting[i] = deferred.New()
		}
		depths := map[int]bool{}
		d := body(func(in inline) (last any, err error) {
			for _, w := range waiting {
				last, err = in.Yield(w)
				depths[depth()] = true
			}
			return last, err
		})
		for i, w := range waiting {
			w.Callback(i)
		}
		if v, err := outcome(t, d); v != 4999 || err != nil || len(depths) != 1 {
			t.Errorf("got %v, %v; %d distinct depths", v, err, len(depths))
		}
	})
}

func TestOracleInlineCallbacksNested(t *testing.T) {
	// DIFFER: the reference ends with its recursion limit, we with the value.
	t.Run("nested calls: f(n) yields f(n-1) ... f(0) yields an unfired deferred; n = 50, 200, 1000 (Python recursion limit 1000)", func(t *testing.T) {
		for _, n := range []int{50, 200, 1000, 10_000} {
			bottom := deferred.New()
			var deepest int
			var f func(n int) *deferred.Deferred
			f = func(n int) *deferred.Deferred {
				return body(func(in inline) (any, error) {
					inner := bottom
					if n > 0 {
						inner = f(n - 1)
					}
					v, err := deferred.Await[int](in, inner)
					return v + 1, err
				})
			}
			d := f(n).AddCallback(func(v any) (any, error) { deepest = depth(); return v, nil })
			start := depth()
			bottom.Callback(0)
			if v, err := outcome(t, d); v != n+1 || err != nil {
				t.Errorf("n = %d: got %v, %v", n, v, err)
			}
			if deepest > start+20 {
				t.Errorf("n = %d: the last callback ran %d frames deeper than the first", n, deepest-start)
			}
		}
	})
}
