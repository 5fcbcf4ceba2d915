package deferred_test

import (
	"testing"

	"skein/deferred"
)

// granted notes that an Acquire has fired, and passes its result on.
func (r *recorder) granted(text string) deferred.Callback {
	return func(v any) (any, error) { r.note("%s", text); return v, nil }
}

func TestOracleDeferredLock(t *testing.T) {
	runRows(t, lockRows)
}

var lockRows = []row{
	{"acquire gives the lock itself; second waits; release hands over in order", func(r *recorder) {
		l := deferred.NewLock()
		l.Acquire().AddCallback(func(v any) (any, error) {
			r.note("first got the lock object %v", v == any(l))
			return nil, nil
		})
		l.Acquire().AddCallback(r.granted("second"))
		l.Acquire().AddCallback(r.granted("third"))
		r.note("locked %v waiting %d", l.Locked(), l.Waiting())
		l.Release()
		r.note("locked %v", l.Locked())
		l.Release()
		l.Release()
		r.note("locked %v", l.Locked())
	}, []string{"first got the lock object true", "locked true waiting 2", "second", "locked true", "third",
		"locked false"}},
	{"release without acquire", func(r *recorder) {
		r.raised(new(deferred.Lock).Release)
	}, []string{"raised NotAcquired"}},
	{"cancel a waiting acquire: CancelledError, skipped by release", func(r *recorder) {
		l := deferred.NewLock()
		l.Acquire()
		e := r.probe(l.Acquire(), "e")
		l.Acquire().AddCallback(r.granted("f got it"))
		e.Cancel()
		l.Release()
		r.note("locked %v", l.Locked())
	}, []string{"e:eb(Cancelled)", "f got it", "locked true"}},
	{"cancel an acquire that was granted: nothing; the lock stays taken", func(r *recorder) {
		l := deferred.NewLock()
		l.Acquire().Cancel()
		r.note("locked %v", l.Locked())
	}, []string{"locked true"}},
	{"run(f): value, then released", func(r *recorder) {
		l := deferred.NewLock()
		r.probe(l.Run(func() (any, error) { return 2, nil }), "r")
		r.note("locked %v", l.Locked())
	}, []string{"r:cb(2)", "locked false"}},
	{"run(f) that raises: released", func(r *recorder) {
		l := deferred.NewLock()
		r.probe(l.Run(func() (any, error) { panic("division") }), "r")
		r.note("locked %v", l.Locked())
	}, []string{"r:eb(PanicError division)", "locked false"}},
	{"run(f) with a deferred: held until it fires", func(r *recorder) {
		l, d := deferred.NewLock(), deferred.New()
		r.probe(l.Run(func() (any, error) { return d, nil }), "r")
		r.note("locked %v", l.Locked())
		d.Callback(3)
		r.note("locked %v", l.Locked())
	}, []string{"locked true", "r:cb(3)", "locked false"}},
	{"release inside the callback of the holder with a waiter: nested hand-over", func(r *recorder) {
		l, gate := deferred.NewLock(), deferred.New()
		l.Acquire()
		e := gate.AddCallback(func(any) (any, error) {
			r.note("e start")
			l.Release()
			r.note("e end")
			return nil, nil
		})
		l.Acquire().AddCallback(func(any) (any, error) {
			r.note("f start")
			r.note("f end")
			return nil, nil
		})
		e.Callback(nil)
	}, []string{"e start", "f start", "f end", "e end"}},
}

func TestOracleDeferredSemaphore(t *testing.T) {
	runRows(t, semaphoreRows)
}

var semaphoreRows = []row{
	{"2 tokens: third waits", func(r *recorder) {
		s := deferred.NewSemaphore(2)
		for i := range 4 {
			s.Acquire().AddCallback(func(v any) (any, error) {
				r.note("got %d %v", i, v == any(s))
				return nil, nil
			})
		}
		r.note("tokens %d of %d waiting %d", s.Free(), s.Limit(), s.Waiting())
		for range 4 {
			s.Release()
		}
		r.note("tokens %d", s.Free())
	}, []string{"got 0 true", "got 1 true", "tokens 0 of 2 waiting 2", "got 2 true", "got 3 true", "tokens 2"}},
	{"release more than the limit", func(r *recorder) {
		s := deferred.NewSemaphore(2)
		s.Acquire()
		s.Release()
		r.raised(s.Release)
	}, []string{"raised NotAcquired"}},
	{"DeferredSemaphore(0)", func(r *recorder) {
		r.raised(func() { deferred.NewSemaphore(0) })
	}, []string{"raised NoTokens"}},
	{"run with limit 2, five jobs: at most 2 at a time, FIFO", func(r *recorder) {
		s, running, most := deferred.NewSemaphore(2), 0, 0
		var ends []*deferred.Deferred
		for i := range 5 {
			s.Run(func() (any, error) {
				r.note("start %d", i)
				running++
				most = max(most, running)
				end := deferred.New().AddCallback(func(any) (any, error) { running--; return nil, nil })
				ends = append(ends, end)
				return end, nil
			})
		}
		for i := 0; i < len(ends); i++ {
			ends[i].Callback(nil)
		}
		r.note("max %d", most)
	}, []string{"start 0", "start 1", "start 2", "start 3", "start 4", "max 2"}},
	{"cancel a waiting acquire", func(r *recorder) {
		s := deferred.NewSemaphore(1)
		s.Acquire()
		r.probe(s.Acquire(), "e").Cancel()
		s.Release()
		r.note("tokens %d", s.Free())
	}, []string{"e:eb(Cancelled)", "tokens 1"}},
}
