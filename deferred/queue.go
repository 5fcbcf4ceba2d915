package deferred

import (
	"container/list"
	"errors"
)

// The errors of a [Queue]. Match them with [errors.Is].
var (
	// ErrQueueOverflow is returned by Put when the queue holds all it may.
	//
	// Twisted: defer.QueueOverflow.
	ErrQueueOverflow = errors.New("deferred: the queue is full")

	// ErrQueueUnderflow is what Get fails with when as many wait as may.
	//
	// Twisted: defer.QueueUnderflow.
	ErrQueueUnderflow = errors.New("deferred: too many wait for the queue")
)

// Unlimited is the bound of a [Queue] that has none.
const Unlimited = -1

// Queue passes values from those who put to those who get, in order; a getter
// may come before its value. Like a Deferred it belongs to one goroutine.
//
// Twisted: defer.DeferredQueue.
type Queue struct {
	size, backlog int
	values        []any     // put, and not got; empty if somebody waits
	getters       list.List // of *Deferred
}

// NewQueue returns a queue which holds at most size values that nobody has
// got, and lets at most backlog getters wait for one. Either may be 0, and
// [Unlimited] (or any negative number) for no bound.
//
// Twisted: DeferredQueue(size, backlog), with None for no bound.
func NewQueue(size, backlog int) *Queue { return &Queue{size: size, backlog: backlog} }

// Put gives v to the getter that has waited longest, whose callbacks run
// before Put returns, or else keeps it. It returns [ErrQueueOverflow] if the
// queue is full; a waiting getter is served whatever the size. An error value
// is a value like any other. It panics with [ErrDeferredResult] if v is a
// *Deferred.
//
// Twisted: DeferredQueue.put.
func (q *Queue) Put(v any) error {
	if _, ok := v.(*Deferred); ok {
		panic(ErrDeferredResult)
	}
	if first := q.getters.Front(); first != nil {
		q.getters.Remove(first).(*Deferred).Callback(v)
		return nil
	}
	if q.size >= 0 && len(q.values) >= q.size {
		return ErrQueueOverflow
	}
	q.values = append(q.values, v)
	return nil
}

// Get returns a Deferred that fires with the next value; at once, if there is
// one. It has failed with [ErrQueueUnderflow] if too many wait already.
// Cancelling a Deferred that waits gives up the place in line.
//
// Twisted: DeferredQueue.get, which raises QueueUnderflow.
func (q *Queue) Get() *Deferred {
	if len(q.values) > 0 {
		v := q.values[0]
		q.values[0] = nil
		q.values = q.values[1:]
		return Succeed(v)
	}
	if q.backlog >= 0 && q.getters.Len() >= q.backlog {
		return Fail(ErrQueueUnderflow)
	}
	d := New()
	place := q.getters.PushBack(d)
	d.canceller = func(*Deferred) { q.getters.Remove(place) }
	return d
}

// Pending returns how many values nobody has got.
//
// Twisted: len of the attribute DeferredQueue.pending.
func (q *Queue) Pending() int { return len(q.values) }

// Waiting returns how many getters wait.
//
// Twisted: len of the attribute DeferredQueue.waiting.
func (q *Queue) Waiting() int { return q.getters.Len() }
