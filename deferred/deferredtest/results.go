package deferredtest

import (
	"errors"
	"fmt"
	"reflect"
	"testing"

	"skein/deferred"
)

// SuccessResultOf returns the result of d, which must have succeeded; otherwise
// it fails the test at once. The result stays in d. An error found instead
// counts as handled: the test's failure reports it.
//
// Twisted: trial.SynchronousTestCase.successResultOf, which takes the result out.
func SuccessResultOf(t testing.TB, d *deferred.Deferred) any {
	t.Helper()
	o := look(t, "SuccessResultOf", d, true)
	switch {
	case !o.fired:
		t.Fatalf("SuccessResultOf: no result yet: %v", d)
	case o.err != nil:
		t.Fatalf("SuccessResultOf: want a success, got the error: %s", describe(o.err))
	}
	return o.result
}

// ResultOf is SuccessResultOf for a result of type T; one of another type fails
// the test. A nil result is the zero value of a T that can be nil.
func ResultOf[T any](t testing.TB, d *deferred.Deferred) T {
	t.Helper()
	result := SuccessResultOf(t, d)
	v, ok := result.(T)
	if !ok && !(result == nil && nilable(reflect.TypeFor[T]())) {
		t.Fatalf("ResultOf: want a result of type %v, got %T: %v", reflect.TypeFor[T](), result, result)
	}
	return v
}

// ErrorResultOf returns the error of d, which must have failed; otherwise it
// fails the test at once. The error counts as handled: d goes on with nil.
//
// Twisted: trial.SynchronousTestCase.failureResultOf.
func ErrorResultOf(t testing.TB, d *deferred.Deferred) error {
	t.Helper()
	o := look(t, "ErrorResultOf", d, true)
	switch {
	case !o.fired:
		t.Fatalf("ErrorResultOf: no result yet: %v", d)
	case o.err == nil:
		t.Fatalf("ErrorResultOf: want an error, got the result: %#v", o.result)
	}
	return o.err
}

// NoResult fails the test at once if d has a result or an error already. It
// changes nothing about what comes later.
//
// Twisted: trial.SynchronousTestCase.assertNoResult.
func NoResult(t testing.TB, d *deferred.Deferred) {
	t.Helper()
	o := look(t, "NoResult", d, false)
	switch {
	case !o.fired:
	case o.err != nil:
		d.AddErrback(func(error) (any, error) { return nil, nil }) // the failure below reports it
		t.Fatalf("NoResult: want none yet, got the error: %s", describe(o.err))
	default:
		t.Fatalf("NoResult: want none yet, got the result: %#v", o.result)
	}
}

// outcome is what a look at a Deferred has found.
type outcome struct {
	fired  bool
	result any
	err    error
}

// look returns what d has now. The callback that it adds stays; if it runs
// later it changes nothing. One that runs now takes an error away if the
// caller is to have it.
func look(t testing.TB, caller string, d *deferred.Deferred, takeError bool) outcome {
	t.Helper()
	if d == nil {
		t.Fatalf("%s: a nil Deferred", caller)
	}
	var o outcome
	looking := true
	d.AddBoth(func(result any, err error) (any, error) {
		if !looking {
			return result, err
		}
		o = outcome{fired: true, result: result, err: err}
		if takeError {
			return result, nil
		}
		return result, err
	})
	looking = false
	return o
}

// describe writes an error, and where it came from if it was a panic.
func describe(err error) string {
	var p *deferred.PanicError
	if errors.As(err, &p) {
		return fmt.Sprintf("%v\n%s", err, p.Stack)
	}
	return err.Error()
}

// nilable reports whether a value of the type can be nil.
func nilable(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Interface, reflect.Pointer, reflect.Map, reflect.Slice, reflect.Func, reflect.Chan:
		return true
	}
	return false
}
