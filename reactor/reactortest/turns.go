package reactortest

import (
	"sync"
	"testing"

	"skein/deferred"
)

// turns keeps two trials of one process apart: the handler of unhandled errors
// is the process's, and so is the list of those errors.
var turns struct {
	sync.Mutex
	holder sync.Map // the testing.TB whose turn it is
}

// takeTurn waits until no other trial runs, and returns the function that lets
// the next one begin. A trial inside another would wait for itself.
func takeTurn(t testing.TB) (done func()) {
	t.Helper()
	if _, nested := turns.holder.Load(t); nested {
		t.Fatal("reactortest: a Run inside a Run of the same test: use the reactor that there is")
	}
	turns.Lock()
	turns.holder.Store(t, nil)
	return func() {
		turns.holder.Delete(t)
		turns.Unlock()
	}
}

// unhandledErrors collects the errors that no errback has handled.
type unhandledErrors struct {
	mu    sync.Mutex
	found []deferred.Unhandled
}

// collect begins, with a clean slate: what was left by tests before goes to the
// handler that was there. The function it returns puts that back.
func (u *unhandledErrors) collect() (done func()) {
	deferred.SweepUnhandled()
	previous := deferred.SetUnhandledHandler(func(e deferred.Unhandled) {
		u.mu.Lock()
		defer u.mu.Unlock()
		u.found = append(u.found, e)
	})
	return func() {
		deferred.SweepUnhandled() // after a t.FailNow, so that the next test does not get them
		deferred.SetUnhandledHandler(previous)
	}
}

// sweep returns all there are, those included whose Deferred is still
// referenced.
func (u *unhandledErrors) sweep() []deferred.Unhandled {
	deferred.SweepUnhandled()
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.found
}
