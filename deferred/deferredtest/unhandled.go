package deferredtest

import (
	"sync"
	"testing"

	"skein/deferred"
)

// Log collects the errors that no errback has handled.
type Log struct {
	mu     sync.Mutex
	errors []deferred.Unhandled
}

// Unhandled collects the unhandled errors of the test from now on, in place of
// the handler that is set. At the end of the test it puts that handler back,
// and fails the test if there are errors that it has not fetched by
// [Log.Flush].
//
// There is one handler per process, so a test that uses a Log must not run in
// parallel with others. Any goroutine may call the methods of the Log.
//
// Twisted: trial.TestCase.flushLoggedErrors, and the failure of a test that
// leaves some.
func Unhandled(t testing.TB) *Log {
	t.Helper()
	deferred.SweepUnhandled() // what came before is for the handler before
	l := &Log{}
	previous := deferred.SetUnhandledHandler(l.add)
	t.Cleanup(func() {
		t.Helper()
		left := l.Flush()
		deferred.SetUnhandledHandler(previous)
		for _, u := range left {
			t.Errorf("the test leaves an unhandled error: %v", u)
		}
	})
	return l
}

// Flush returns the errors that have been unhandled since the last Flush, and
// forgets them. It does not wait for the garbage collector: an error counts as
// unhandled if it is at the end of its chain now, whether its Deferred has been
// dropped or the test still holds it.
func (l *Log) Flush() []deferred.Unhandled {
	deferred.SweepUnhandled() // calls add
	l.mu.Lock()
	defer l.mu.Unlock()
	found := l.errors
	l.errors = nil
	return found
}

// add is the handler. It runs on any goroutine, the runtime's included.
func (l *Log) add(u deferred.Unhandled) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.errors = append(l.errors, u)
}
