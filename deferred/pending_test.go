package deferred_test

import (
	"errors"
	"runtime"
	"testing"

	"skein/deferred"
)

// counted turns counting on for a test that is not parallel, and returns a
// function that says how many Deferreds have become pending since.
// Each such test fires what it has made, but for what it drops: what one leaves
// would be collected within another.
func counted(t testing.TB) func() int {
	t.Helper()
	deferred.SetCounting(true)
	t.Cleanup(func() { deferred.SetCounting(false) })
	before := deferred.Pending()
	return func() int { return deferred.Pending() - before }
}

func TestPending(t *testing.T) {
	var kept []*deferred.Deferred
	keep := func(ds ...*deferred.Deferred) { kept = append(kept, ds...) }
	for _, test := range []struct {
		name string
		do   func()
		want int
	}{
		{"new", func() { keep(deferred.New()) }, 1},
		{"cancellable", func() { keep(deferred.NewCancellable(nil)) }, 1},
		{"fired", func() { d := deferred.New(); d.Callback(1); keep(d) }, 0},
		{"failed", func() {
			d := deferred.New().AddErrback(func(error) (any, error) { return nil, nil })
			d.Errback(errV)
			keep(d)
		}, 0},
		{"cancelled", func() { d := deferred.New(); d.Cancel(); keep(d) }, 0},
		{"fired once more after a cancellation", func() { d := deferred.New(); d.Cancel(); d.Callback(1); keep(d) }, 0},
		{"succeed and fail", func() { keep(deferred.Succeed(1), deferred.Fail(errV)) }, 0},
		{"fired, and waiting for one that is not", func() {
			d := deferred.New()
			keep(d, deferred.Succeed(nil).AddCallback(returns(d)))
		}, 1},
		{"a list of two", func() {
			a, b := deferred.New(), deferred.New()
			keep(a, b, deferred.GatherResults([]*deferred.Deferred{a, b}))
		}, 3},
		{"a body that waits", func() {
			d := deferred.New()
			keep(d, deferred.InlineCallbacks(func(in *deferred.Inline) (any, error) { return in.Yield(d) }))
		}, 2},
		{"a body that has waited", func() {
			d := deferred.New()
			keep(d, deferred.InlineCallbacks(func(in *deferred.Inline) (any, error) { return in.Yield(d) }))
			d.Callback(nil)
		}, 0},
		{"the zero value", func() { d := &deferred.Deferred{}; d.Callback(nil); keep(d, &deferred.Deferred{}) }, 0},
		{"made while counting was off", func() {
			deferred.SetCounting(false)
			d := deferred.New()
			deferred.SetCounting(true)
			keep(d, deferred.New())
		}, 1},
		{"fired while counting was off", func() {
			d := deferred.New()
			deferred.SetCounting(false)
			d.Callback(nil)
			deferred.SetCounting(true)
		}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			since := counted(t)
			test.do()
			if got := since(); got != test.want {
				t.Errorf("%d are pending, want %d", got, test.want)
			}
			for _, d := range kept {
				d.Cancel()
			}
			if got := since(); got != 0 {
				t.Errorf("%d are pending after all have fired, want 0", got)
			}
			kept = nil
		})
	}
}

// One that was dropped counts until it has been collected, and once: also if it
// fires at last, or has an error to report.
func TestPendingDropped(t *testing.T) {
	reports := catchReports(t)
	since := counted(t)
	drop(func() {
		for range 3 {
			deferred.New()
		}
		deferred.New().Errback(errV)
	})
	if got := since(); got != 3 {
		t.Errorf("%d are pending, want 3", got)
	}
	if u := reports.next(t); !errors.Is(u.Err, errV) {
		t.Errorf("reported: %v", u)
	}
	reports.none(t) // by then, the others have been collected as well
	for range 100 {
		if since() == 0 {
			return
		}
		runtime.GC()
		runtime.Gosched()
	}
	t.Errorf("%d are pending after the collection, want 0", since())
}

// Both modes at once: each does its own.
func TestPendingInDebugMode(t *testing.T) {
	since := counted(t)
	deferred.SetDebugging(true)
	defer deferred.SetDebugging(false)
	if !deferred.Debugging() {
		t.Error("debugging is on, and says that it is not")
	}
	d := deferred.New()
	deferred.SetDebugging(false)
	if deferred.Debugging() || since() != 1 {
		t.Errorf("debugging: %t, pending: %d", deferred.Debugging(), since())
	}
	d.Callback(nil)
	defer func() {
		err, _ := recover().(error)
		if !errors.Is(err, deferred.ErrAlreadyCalled) || since() != 0 || len(err.Error()) < 200 {
			t.Errorf("recovered %v, pending: %d; want the stacks, and 0", err, since())
		}
	}()
	d.Callback(nil)
}

// BenchmarkCounting is what the count costs where it is on.
func BenchmarkCounting(b *testing.B) {
	for _, on := range []bool{false, true} {
		b.Run(map[bool]string{false: "off", true: "on"}[on], func(b *testing.B) {
			deferred.SetCounting(on)
			defer deferred.SetCounting(false)
			b.ReportAllocs()
			for b.Loop() {
				deferred.New().AddCallback(pass).Callback(nil)
			}
		})
	}
}
