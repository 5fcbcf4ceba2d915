package reactortest_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"skein/deferred"
	"skein/reactor"
	"skein/reactor/reactortest"
)

// fakeTB is a testing.TB that writes down what a test would have failed with.
// The embedded nil interface makes any method that it does not know panic.
type fakeTB struct {
	testing.TB
	errors, logs []string
	fatal        bool
}

func (f *fakeTB) Helper()           {}
func (f *fakeTB) Failed() bool      { return len(f.errors) > 0 }
func (f *fakeTB) Name() string      { return "fake" }
func (f *fakeTB) Log(args ...any)   { f.logs = append(f.logs, fmt.Sprint(args...)) }
func (f *fakeTB) Error(args ...any) { f.errors = append(f.errors, fmt.Sprint(args...)) }
func (f *fakeTB) Fatal(args ...any) { f.Error(args...); f.FailNow() }
func (f *fakeTB) FailNow()          { f.fatal = true; runtime.Goexit() }
func (f *fakeTB) Logf(format string, args ...any) {
	f.logs = append(f.logs, fmt.Sprintf(format, args...))
}
func (f *fakeTB) Errorf(format string, args ...any) {
	f.errors = append(f.errors, fmt.Sprintf(format, args...))
}
func (f *fakeTB) Fatalf(format string, args ...any) { f.Errorf(format, args...); f.FailNow() }

// onFake runs f as a test of its own, on its own goroutine as go test does, and
// returns what came of it.
func onFake(f func(tb testing.TB)) *fakeTB {
	tb := &fakeTB{}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		f(tb)
	}()
	<-ended
	return tb
}

// runFake is Run on a fake test.
func runFake(f func(r *reactor.Reactor) *deferred.Deferred, opts ...reactortest.Option) *fakeTB {
	return onFake(func(tb testing.TB) { reactortest.Run(tb, f, opts...) })
}

// wantErrors fails unless the fake test failed once for each of the texts, in
// that order.
func (f *fakeTB) wantErrors(t *testing.T, texts ...string) {
	t.Helper()
	if len(f.errors) != len(texts) {
		t.Fatalf("%d errors, want %d: %q", len(f.errors), len(texts), f.errors)
	}
	for i, text := range texts {
		if !strings.Contains(f.errors[i], text) {
			t.Errorf("error %d is %q, want it to contain %q", i, f.errors[i], text)
		}
	}
}
