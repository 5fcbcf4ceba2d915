package deferred_test

import (
	"errors"
	"strings"
	"testing"

	"skein/deferred"
)

// unhandled lists the errors that a sweep reports.
func unhandled() []string {
	r := &recorder{}
	r.sweep()
	return r.lines
}

func TestSweepUnhandled(t *testing.T) {
	for _, test := range []struct {
		name string
		do   func()
		want []string
	}{
		{"an error at the end of its chain", func() { deferred.Fail(errV) }, []string{"unhandled v"}},
		{"oldest first", func() { deferred.Fail(errV); deferred.Fail(errX) }, []string{"unhandled v", "unhandled x"}},
		{"one that was handled", func() { deferred.Fail(errV).AddErrback((&recorder{}).eb("")) }, nil},
		{"one that has become another", func() {
			deferred.Fail(errV).AddErrback(func(error) (any, error) { return nil, errX })
		}, []string{"unhandled x"}},
		{"one whose errback waits is being handled", func() {
			deferred.Fail(errV).AddErrback(func(error) (any, error) { return deferred.New(), nil })
		}, nil},
		{"one that was awaited", func() {
			body(func(in inline) (any, error) { in.Yield(deferred.Fail(errV)); return nil, nil })
		}, nil},
		{"one that was chained belongs to the other", func() {
			deferred.Fail(errV).ChainDeferred(deferred.New())
		}, []string{"unhandled v"}},
		{"one that failed, was handled, and failed again", func() {
			d := deferred.Fail(errV).AddErrback((&recorder{}).eb(""))
			d.AddCallback(func(any) (any, error) { return nil, errX })
		}, []string{"unhandled x"}},
		{"two of one error value", func() { deferred.Fail(errV); deferred.Fail(errV) },
			[]string{"unhandled v", "unhandled v"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			deferred.SweepUnhandled()
			test.do()
			equal(t, unhandled(), test.want)
			equal(t, unhandled(), nil) // each at most once
		})
	}
}

func TestReportedOnce(t *testing.T) {
	t.Run("by a sweep, and not again when collected", func(t *testing.T) {
		reports := catchReports(t)
		drop(func() {
			deferred.Fail(errV)
			deferred.SweepUnhandled()
		})
		<-reports.c
		reports.none(t)
	})
	t.Run("by a sweep, and not again at the end of a longer chain", func(t *testing.T) {
		deferred.SweepUnhandled()
		d := deferred.Fail(errV)
		equal(t, unhandled(), []string{"unhandled v"})
		d.AddCallback((&recorder{}).cb("skipped"))
		equal(t, unhandled(), nil)
		d.AddErrback(func(error) (any, error) { return nil, errX }) // this one is new
		equal(t, unhandled(), []string{"unhandled x"})
	})
	t.Run("by a sweep, and not again for the outer that takes it over", func(t *testing.T) {
		deferred.SweepUnhandled()
		inner := deferred.Fail(errV)
		equal(t, unhandled(), []string{"unhandled v"})
		outer := deferred.Succeed(nil).AddCallback(returns(inner))
		equal(t, unhandled(), nil)
		if _, err := outcome(t, outer); err != errV {
			t.Errorf("the outer has %v", err)
		}
	})
	t.Run("by a sweep, and again if it was handled and comes a second time", func(t *testing.T) {
		deferred.SweepUnhandled()
		d := deferred.Fail(errV)
		equal(t, unhandled(), []string{"unhandled v"})
		d.AddErrback((&recorder{}).eb("")).AddCallback(func(any) (any, error) { return nil, errV })
		equal(t, unhandled(), []string{"unhandled v"})
	})
	t.Run("by a sweep, and not again for a failed one that takes it over", func(t *testing.T) {
		deferred.SweepUnhandled()
		inner := deferred.Fail(errV)
		equal(t, unhandled(), []string{"unhandled v"})
		deferred.Fail(errX).AddErrback(func(error) (any, error) { return inner, nil })
		equal(t, unhandled(), nil)
	})
	t.Run("errors that cannot be compared", func(t *testing.T) {
		deferred.SweepUnhandled()
		d := deferred.Fail(slice{"a"})
		equal(t, unhandled(), []string{"unhandled a"})
		d.AddCallback((&recorder{}).cb("skipped")) // nobody can tell that it is the same
		equal(t, unhandled(), []string{"unhandled a"})
	})
}

// slice is an error that panics when it is compared.
type slice []string

func (s slice) Error() string { return strings.Join(s, "") }

func TestUnhandledText(t *testing.T) {
	u := deferred.Unhandled{Err: errV, Created: "\there\n", Fired: "\tthere\n"}
	want := "Unhandled error in Deferred: v\nthe Deferred was made at:\n\there\n\nand fired at:\n\tthere"
	if u.Error() != want || u.String() != want {
		t.Errorf("got %q, want %q", u.Error(), want)
	}
	if !errors.Is(u, errV) {
		t.Error("it does not unwrap to the error")
	}
}

func TestSetUnhandledHandler(t *testing.T) {
	calls := 0
	original := deferred.SetUnhandledHandler(func(deferred.Unhandled) { calls++ })
	defer func() { deferred.SetUnhandledHandler(original) }()
	deferred.SweepUnhandled()
	calls = 0
	counting := deferred.SetUnhandledHandler(nil)
	if deferred.SetUnhandledHandler(counting) != nil {
		t.Error("the default is not returned as nil")
	}
	deferred.Fail(errV)
	deferred.SweepUnhandled()
	if calls != 1 {
		t.Errorf("the handler that was set again was called %d times, want 1", calls)
	}
	deferred.SetUnhandledHandler(func(deferred.Unhandled) { panic("handler") })
	text := captureStderr(t, func() {
		deferred.Fail(errV)
		deferred.SweepUnhandled()
	})
	if !strings.Contains(text, "panicked: handler") || !strings.Contains(text, "Deferred: v") {
		t.Errorf("a panic of the handler says %q", text)
	}
}

func TestDebugging(t *testing.T) {
	if deferred.Debugging() {
		t.Error("debug mode is on from the start")
	}
	deferred.SetDebugging(true)
	defer deferred.SetDebugging(false)
	if !deferred.Debugging() {
		t.Error("SetDebugging(true) did nothing")
	}
	reports := catchReports(t)
	deferred.Succeed(1) // success makes no report in debug mode either
	madeHere().Callback(1)
	firedHere(madeHere().AddErrback((&recorder{}).eb("")))
	if n := deferred.SweepUnhandled(); n != 0 {
		t.Errorf("%d reports: %v", n, <-reports.c)
	}
	deferred.Succeed(1).AddCallback(func(any) (any, error) { deferred.Fail(errV); return nil, nil })
	deferred.SweepUnhandled()
	// The frames of the package that lead to the user's are left out, those
	// below it are not: they tell how the callback was reached.
	u := <-reports.c
	if !strings.HasPrefix(u.Created, "\tskein/deferred_test.TestDebugging.func") {
		t.Errorf("the stack does not begin at the user's frame:\n%s", u.Created)
	}
	if !strings.Contains(u.Created, "\tskein/deferred.(*Deferred).AddCallback\n") {
		t.Errorf("the stack does not show the way to the callback:\n%s", u.Created)
	}
}
