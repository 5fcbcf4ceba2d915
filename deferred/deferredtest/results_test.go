package deferredtest_test

import (
	"errors"
	"io"
	"testing"

	"skein/deferred"
	"skein/deferred/deferredtest"
)

var errBroken = errors.New("broken")

func TestSuccessResultOf(t *testing.T) {
	d := deferred.Succeed(7).AddCallback(func(v any) (any, error) { return v.(int) * 6, nil })
	for range 2 { // the result stays, so a second look sees it too
		if got := deferredtest.SuccessResultOf(t, d); got != 42 {
			t.Errorf("got %v, want 42", got)
		}
	}
	if got := deferredtest.SuccessResultOf(t, deferred.Succeed(nil)); got != nil {
		t.Errorf("got %v, want nil", got)
	}
}

func TestResultOf(t *testing.T) {
	if got := deferredtest.ResultOf[int](t, deferred.Succeed(42)); got != 42 {
		t.Errorf("got %v, want 42", got)
	}
	if got := deferredtest.ResultOf[[]byte](t, deferred.Succeed(nil)); got != nil {
		t.Errorf("got %v, want nil", got)
	}
	if got := deferredtest.ResultOf[error](t, deferred.Succeed(io.EOF)); got != io.EOF {
		t.Errorf("got %v, want an error that is a result", got)
	}
}

func TestErrorResultOf(t *testing.T) {
	log := deferredtest.Unhandled(t)
	d := deferred.Fail(errBroken)
	if got := deferredtest.ErrorResultOf(t, d); got != errBroken {
		t.Errorf("got %v, want %v", got, errBroken)
	}
	if left := log.Flush(); len(left) != 0 {
		t.Errorf("unhandled: %v, though the test has looked at it", left)
	}
	if got := deferredtest.SuccessResultOf(t, d); got != nil {
		t.Errorf("the Deferred goes on with %v, want nil", got)
	}
}

func TestNoResultChangesNothing(t *testing.T) {
	ok, bad := deferred.New(), deferred.New()
	deferredtest.NoResult(t, ok)
	deferredtest.NoResult(t, bad)
	ok.Callback("late")
	bad.Errback(errBroken)
	if got := deferredtest.SuccessResultOf(t, ok); got != "late" {
		t.Errorf("got %v, want the result that came later", got)
	}
	if got := deferredtest.ErrorResultOf(t, bad); got != errBroken {
		t.Errorf("got %v, want the error that came later", got)
	}
}

func TestALookThatFindsNothingChangesNothing(t *testing.T) {
	for name, look := range map[string]func(testing.TB, *deferred.Deferred){
		"SuccessResultOf": func(t testing.TB, d *deferred.Deferred) { deferredtest.SuccessResultOf(t, d) },
		"ErrorResultOf":   func(t testing.TB, d *deferred.Deferred) { _ = deferredtest.ErrorResultOf(t, d) },
	} {
		t.Run(name, func(t *testing.T) {
			d := deferred.New()
			expectFatal(t, func(t testing.TB) { look(t, d) }, name+": no result yet", d.String())
			d.Errback(errBroken)
			if got := deferredtest.ErrorResultOf(t, d); got != errBroken {
				t.Errorf("got %v, want the error that came later", got)
			}
		})
	}
}

func TestStatesThatAreNoResult(t *testing.T) {
	paused := deferred.Succeed(1)
	paused.Pause()
	inner := deferred.New()
	waiting := deferred.Succeed(nil).AddCallback(func(any) (any, error) { return inner, nil })
	for name, d := range map[string]*deferred.Deferred{"paused": paused, "waiting": waiting} {
		t.Run(name, func(t *testing.T) {
			deferredtest.NoResult(t, d)
			expectFatal(t, func(t testing.TB) { deferredtest.SuccessResultOf(t, d) }, "no result yet")
		})
	}
	paused.Unpause()
	inner.Callback(2)
	if got := deferredtest.SuccessResultOf(t, paused); got != 1 {
		t.Errorf("unpaused: %v", got)
	}
	if got := deferredtest.SuccessResultOf(t, waiting); got != 2 {
		t.Errorf("waited: %v", got)
	}
}

func TestWrongOutcomesFailTheTest(t *testing.T) {
	log := deferredtest.Unhandled(t)
	tests := []struct {
		name string
		look func(t testing.TB)
		want []string
	}{
		{"error for success", func(t testing.TB) { deferredtest.SuccessResultOf(t, deferred.Fail(errBroken)) }, []string{"want a success", "broken"}},
		{"panic for success", func(t testing.TB) {
			deferredtest.SuccessResultOf(t, deferred.MaybeDeferred(func() (any, error) { panic("culprit") }))
		}, []string{"want a success", "culprit", "results_test.go"}},
		{"success for error", func(t testing.TB) { _ = deferredtest.ErrorResultOf(t, deferred.Succeed("fine")) }, []string{"want an error", `"fine"`}},
		{"success for none", func(t testing.TB) { deferredtest.NoResult(t, deferred.Succeed("early")) }, []string{"want none yet", `"early"`}},
		{"error for none", func(t testing.TB) { deferredtest.NoResult(t, deferred.Fail(errBroken)) }, []string{"want none yet", "broken"}},
		{"wrong type", func(t testing.TB) { deferredtest.ResultOf[int](t, deferred.Succeed("42")) }, []string{"type int", "got string: 42"}},
		{"nil that cannot be", func(t testing.TB) { deferredtest.ResultOf[int](t, deferred.Succeed(nil)) }, []string{"type int", "<nil>"}},
		{"error for a typed success", func(t testing.TB) { deferredtest.ResultOf[int](t, deferred.Fail(errBroken)) }, []string{"broken"}},
		{"nil Deferred", func(t testing.TB) { deferredtest.NoResult(t, nil) }, []string{"NoResult: a nil Deferred"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { expectFatal(t, test.look, test.want...) })
	}
	if left := log.Flush(); len(left) != 0 {
		t.Errorf("unhandled: %v, though the failures have reported them", left)
	}
}
