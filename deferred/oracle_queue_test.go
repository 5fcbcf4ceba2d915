package deferred_test

import (
	"fmt"
	"testing"

	"skein/deferred"
)

// put notes an error of Put.
func (r *recorder) put(q *deferred.Queue, v any) {
	if err := q.Put(v); err != nil {
		r.note("error %s", short(err))
	}
}

func unbounded() *deferred.Queue { return deferred.NewQueue(deferred.Unlimited, deferred.Unlimited) }

func TestOracleDeferredQueue(t *testing.T) {
	runRows(t, queueRows)
}

var queueRows = []row{
	{"put then get, get then put", func(r *recorder) {
		q := unbounded()
		r.put(q, 1)
		r.put(q, 2)
		r.probe(q.Get(), "a")
		r.probe(q.Get(), "b")
		r.probe(q.Get(), "c")
		r.note("waiting %d", q.Waiting())
		r.put(q, 3)
	}, []string{"a:cb(1)", "b:cb(2)", "waiting 1", "c:cb(3)"}},
	{"FIFO of waiting gets", func(r *recorder) {
		q := unbounded()
		for i := range 3 {
			r.probe(q.Get(), fmt.Sprint("g", i))
		}
		for i := range 3 {
			r.put(q, i)
		}
	}, []string{"g0:cb(0)", "g1:cb(1)", "g2:cb(2)"}},
	{"size limit", func(r *recorder) {
		q := deferred.NewQueue(1, deferred.Unlimited)
		r.put(q, 1)
		r.put(q, 2)
		r.note("pending %d", q.Pending())
	}, []string{"error QueueOverflow", "pending 1"}},
	// DIFFER: Get returns one value, a Deferred, and its error comes like
	// every other error of a Deferred: at once, but down the chain.
	{"backlog limit", func(r *recorder) {
		q := deferred.NewQueue(deferred.Unlimited, 1)
		r.probe(q.Get(), "a")
		r.probe(q.Get(), "b")
	}, []string{"b:eb(QueueUnderflow)"}},
	{"size=0: put only straight to a waiting get", func(r *recorder) {
		q := deferred.NewQueue(0, deferred.Unlimited)
		r.put(q, 1)
		r.probe(q.Get(), "g")
		r.put(q, 2)
	}, []string{"error QueueOverflow", "g:cb(2)"}},
	{"backlog=0", func(r *recorder) {
		q := deferred.NewQueue(deferred.Unlimited, 0)
		r.probe(q.Get(), "f")
		r.put(q, 1)
		r.probe(q.Get(), "g")
	}, []string{"f:eb(QueueUnderflow)", "g:cb(1)"}},
	{"cancel a waiting get: CancelledError, and the next put goes to the next get", func(r *recorder) {
		q := unbounded()
		a := r.probe(q.Get(), "a")
		r.probe(q.Get(), "b")
		a.Cancel()
		r.put(q, 1)
	}, []string{"a:eb(Cancelled)", "b:cb(1)"}},
	// DIFFER: there is no Failure. An error that is put is a value.
	{"put(None), put(Failure)", func(r *recorder) {
		q := unbounded()
		r.probe(q.Get(), "a")
		r.probe(q.Get(), "b")
		r.put(q, nil)
		r.put(q, errV)
	}, []string{"a:cb(<nil>)", "b:cb(v)"}},
	{"put of a Deferred", func(r *recorder) {
		q := unbounded()
		r.raised(func() { r.put(q, deferred.New()) })
		r.note("pending %d", q.Pending())
	}, []string{"raised DeferredResult", "pending 0"}},
}
