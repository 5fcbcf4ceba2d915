package deferredtest_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	"skein/deferred"
	"skein/deferred/deferredtest"
)

func TestFlushReturnsWhatNobodyHandled(t *testing.T) {
	log := deferredtest.Unhandled(t)
	held := deferred.Fail(errBroken)
	deferred.Fail(errors.New("dropped"))
	deferred.Fail(errors.New("handled")).AddErrback(func(error) (any, error) { return nil, nil })

	got := log.Flush()
	if len(got) != 2 || got[0].Err != errBroken || got[1].Err.Error() != "dropped" {
		t.Fatalf("Flush returned %v, want the held error and the dropped one", got)
	}
	if again := log.Flush(); len(again) != 0 {
		t.Errorf("a second Flush returned %v", again)
	}
	runtime.KeepAlive(held)
}

func TestErrorsThatTheCollectorReportedAreFlushed(t *testing.T) {
	log := deferredtest.Unhandled(t)
	for range 3 {
		deferred.Fail(errBroken)
		runtime.GC() // some are reported now, on another goroutine, the rest by Flush
	}
	total := 0
	for total < 3 { // those on their way come with a later Flush
		for _, u := range log.Flush() {
			if u.Err != errBroken {
				t.Errorf("flushed %v", u)
			}
			total++
		}
		runtime.Gosched()
	}
	if total != 3 {
		t.Errorf("%d errors for 3 Deferreds", total)
	}
}

func TestErrorsLeftFailTheTest(t *testing.T) {
	s := watch(func(t testing.TB) {
		deferredtest.Unhandled(t)
		deferred.Fail(errBroken)
	})
	if len(s.failures) != 0 {
		t.Errorf("the test failed before its end: %q", s.failures)
	}
	s.finish()
	if len(s.failures) != 1 || !strings.Contains(s.failures[0], "unhandled error") || !strings.Contains(s.failures[0], "broken") {
		t.Errorf("failures are %q, want one that names the error", s.failures)
	}
}

func TestErrorsFlushedDoNot(t *testing.T) {
	s := watch(func(t testing.TB) {
		log := deferredtest.Unhandled(t)
		deferred.Fail(errBroken)
		log.Flush()
	})
	if s.finish(); len(s.failures) != 0 {
		t.Errorf("failures are %q", s.failures)
	}
}

func TestTheHandlerBeforeIsPutBack(t *testing.T) {
	outer := deferredtest.Unhandled(t)
	deferred.Fail(errors.New("before"))
	s := watch(func(t testing.TB) {
		inner := deferredtest.Unhandled(t)
		deferred.Fail(errBroken)
		if got := inner.Flush(); len(got) != 1 || got[0].Err != errBroken {
			t.Errorf("the inner log got %v, want its own error only", got)
		}
	})
	s.finish()
	deferred.Fail(errors.New("after"))
	got := outer.Flush()
	if len(got) != 2 || got[0].Err.Error() != "before" || got[1].Err.Error() != "after" {
		t.Errorf("the outer log got %v, want what came before and after the inner test", got)
	}
	if len(s.failures) != 0 {
		t.Errorf("the inner test failed: %q", s.failures)
	}
}
