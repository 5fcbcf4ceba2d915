package deferred

import (
	"container/list"
	"errors"
	"fmt"
)

// ErrNotAcquired is the panic of a Release without an Acquire.
var ErrNotAcquired = errors.New("deferred: Release without Acquire: release each token once, by its holder")

// ErrNoTokens is the panic of [NewSemaphore] with less than one token.
var ErrNoTokens = errors.New("deferred: a Semaphore needs at least one token")

// Lock lets one holder in at a time; the others wait in line, on a Deferred
// and not on a goroutine. The zero value is free. It does not make anything
// safe for concurrent use: like a Deferred it belongs to one goroutine. Its
// use is to keep a piece of work whole that has to wait in the middle.
//
// Twisted: defer.DeferredLock.
type Lock struct{ tokens tokens }

// NewLock returns a free lock.
func NewLock() *Lock { return &Lock{} }

// Acquire returns a Deferred that fires with the *Lock when the caller holds
// it; at once, if it is free. Cancelling a Deferred that waits gives up the
// place in line; cancelling one that has fired does nothing: the lock is held.
//
// Twisted: DeferredLock.acquire.
func (l *Lock) Acquire() *Deferred { return l.tokens.acquire(1, l) }

// Release hands the lock to the first in line, whose callbacks run before
// Release returns (or, inside such a callback, when that has returned). It
// panics with an error that is [ErrNotAcquired] if the lock is free.
//
// Twisted: DeferredLock.release.
func (l *Lock) Release() { l.tokens.release(l) }

// Run calls f with the lock held, and releases it when f has returned or
// panicked and the Deferred that f may have returned has its result. The
// returned Deferred fires with f's outcome. If it is cancelled while it waits,
// f is not called.
//
// Twisted: DeferredLock.run.
func (l *Lock) Run(f func() (any, error)) *Deferred { return runHolding(l.Acquire(), l.Release, f) }

// Locked reports whether somebody holds the lock.
func (l *Lock) Locked() bool { return l.tokens.used > 0 }

// Waiting returns how many are in line.
func (l *Lock) Waiting() int { return l.tokens.waiters.Len() }

// Semaphore lets a number of holders in at a time. It is otherwise like [Lock].
//
// Twisted: defer.DeferredSemaphore.
type Semaphore struct {
	tokens tokens
	limit  int
}

// NewSemaphore returns a semaphore with n free tokens. It panics with an error
// that is [ErrNoTokens] if n < 1.
func NewSemaphore(n int) *Semaphore {
	if n < 1 {
		panic(fmt.Errorf("%w, not %d", ErrNoTokens, n))
	}
	return &Semaphore{limit: n}
}

// Acquire returns a Deferred that fires with the *Semaphore when the caller
// holds a token. See [Lock.Acquire].
//
// Twisted: DeferredSemaphore.acquire.
func (s *Semaphore) Acquire() *Deferred { return s.tokens.acquire(s.limit, s) }

// Release hands a token to the first in line. It panics with an error that is
// [ErrNotAcquired] if all tokens are free. See [Lock.Release].
//
// Twisted: DeferredSemaphore.release.
func (s *Semaphore) Release() { s.tokens.release(s) }

// Run calls f with a token held. See [Lock.Run].
//
// Twisted: DeferredSemaphore.run.
func (s *Semaphore) Run(f func() (any, error)) *Deferred {
	return runHolding(s.Acquire(), s.Release, f)
}

// Free returns how many tokens nobody holds.
//
// Twisted: the attribute DeferredSemaphore.tokens.
func (s *Semaphore) Free() int { return s.limit - s.tokens.used }

// Limit returns how many tokens there are.
func (s *Semaphore) Limit() int { return s.limit }

// Waiting returns how many are in line.
func (s *Semaphore) Waiting() int { return s.tokens.waiters.Len() }

// tokens is the common part of Lock and Semaphore.
type tokens struct {
	used    int       // held, or on the way to a waiter: a token never looks free in between
	owed    int       // of those, the ones on the way
	waiters list.List // of *Deferred, in the order of their coming
	handing bool      // release is handing over
}

// acquire takes a token, or a place in line. grant is what to fire with.
func (t *tokens) acquire(limit int, grant any) *Deferred {
	if t.used < limit {
		t.used++
		return Succeed(grant)
	}
	d := New()
	place := t.waiters.PushBack(d)
	d.canceller = func(*Deferred) { t.waiters.Remove(place) }
	return d
}

// release takes a token back and hands it on. The callbacks of the one who
// gets it may release in turn; that is noted and done when they have returned,
// so that a long line of short jobs needs no more stack than one.
func (t *tokens) release(grant any) {
	if t.used == t.owed {
		panic(ErrNotAcquired)
	}
	if t.waiters.Len() <= t.owed { // nobody in line who is not served already
		t.used--
		return
	}
	t.owed++
	if t.handing {
		return
	}
	t.handing = true
	defer func() { t.handing = false }()
	for t.owed > 0 {
		t.owed--
		if first := t.waiters.Front(); first != nil {
			t.waiters.Remove(first).(*Deferred).Callback(grant)
		} else {
			t.used-- // the one it was meant for has cancelled
		}
	}
}

// runHolding runs f when acquired has fired, and release when f is over.
func runHolding(acquired *Deferred, release func(), f func() (any, error)) *Deferred {
	return acquired.AddCallback(func(any) (any, error) {
		return Finally(MaybeDeferred(f), release), nil
	})
}
