package deferred_test

import (
	"testing"

	"skein/deferred"
)

// What skein adds: hand-overs inside a hand-over are done one after the other.
func TestLockHandsOverWithoutRecursion(t *testing.T) {
	t.Run("a release inside a hand-over waits for the one that was handed to", func(t *testing.T) {
		r, l := &recorder{}, deferred.NewLock()
		l.Acquire()
		for _, name := range []string{"e", "f", "g"} {
			l.Acquire().AddCallback(func(any) (any, error) {
				r.note("%s start", name)
				l.Release()
				r.note("%s end, locked %v", name, l.Locked())
				return nil, nil
			})
		}
		l.Release()
		equal(t, r.lines, []string{"e start", "e end, locked true", "f start", "f end, locked true",
			"g start", "g end, locked false"})
	})
	t.Run("a waiter that cancels while the lock is on its way frees it", func(t *testing.T) {
		l := deferred.NewLock()
		l.Acquire()
		var f *deferred.Deferred
		l.Acquire().AddCallback(func(any) (any, error) {
			l.Release()
			f.Cancel()
			return nil, nil
		})
		f = l.Acquire().AddErrback((&recorder{}).eb("f"))
		l.Release()
		if l.Locked() {
			t.Error("the lock is held by nobody")
		}
	})
	t.Run("too many releases inside a hand-over", func(t *testing.T) {
		r, l := &recorder{}, deferred.NewLock()
		l.Acquire()
		l.Acquire().AddCallback(func(any) (any, error) {
			l.Release()
			r.raised(l.Release)
			return nil, nil
		})
		l.Acquire()
		l.Release()
		r.note("locked %v", l.Locked())
		equal(t, r.lines, []string{"raised NotAcquired", "locked true"})
	})
}

func TestLockInLine(t *testing.T) {
	t.Run("a token that nobody is in line for is free at once, also inside a hand-over", func(t *testing.T) {
		r, s := &recorder{}, deferred.NewSemaphore(2)
		s.Acquire()
		s.Acquire()
		s.Acquire().AddCallback(func(any) (any, error) {
			s.Release() // goes to the one in line
			s.Release() // goes to nobody
			r.note("free %d, waiting %d", s.Free(), s.Waiting())
			return nil, nil
		})
		s.Acquire()
		s.Release()
		r.note("free %d, waiting %d", s.Free(), s.Waiting())
		equal(t, r.lines, []string{"free 1, waiting 1", "free 1, waiting 0"})
	})
	t.Run("100000 jobs in line", func(t *testing.T) {
		const n = 100_000
		l, gate, done := deferred.NewLock(), deferred.New(), 0
		l.Run(func() (any, error) { return gate, nil })
		var last *deferred.Deferred
		for range n {
			last = l.Run(func() (any, error) { done++; return done, nil })
		}
		flat(t, last, n, func() { gate.Callback(nil) })
	})
	t.Run("a job cancelled in line does not run", func(t *testing.T) {
		r, l, gate := &recorder{}, deferred.NewLock(), deferred.New()
		l.Run(func() (any, error) { return gate, nil })
		waiting := r.probe(l.Run(func() (any, error) { r.note("ran"); return nil, nil }), "w")
		waiting.Cancel()
		gate.Callback(nil)
		r.note("locked %v", l.Locked())
		equal(t, r.lines, []string{"w:eb(Cancelled)", "locked false"})
	})
}
