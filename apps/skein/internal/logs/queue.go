package logs

import (
	"bytes"
	"sync"
	"sync/atomic"
)

// The bounds of each half of the queue.
const (
	mostBytes = 1 << 20
	mostLines = 8192
	mostAsked = 64 // reopenings, rotations and flushes
)

// task is what the log's goroutine does beside writing.
type task int

const (
	reopen task = iota
	rotate
	flush // nothing: who asks wants to know when it is done
)

// order is a task, at its place among the lines.
type order struct {
	at   int // in the text: it comes before what begins here
	task task
	done chan error // of one place
}

// batch is what was in the queue when the writer took it.
type batch struct {
	text   []byte // lines, each with its newline
	orders []order
	missed uint64 // lines that came after all that and did not fit
}

// queue holds lines until the writer takes them. Nobody waits for its mutex
// longer than copying a line takes.
type queue struct {
	wake chan struct{} // of one place; filled when there is something for a writer that waits
	lost atomic.Uint64 // lines that nobody will see; the writer counts here, too
	told atomic.Uint64 // those of the lost that a line in the log tells of
	done atomic.Uint64 // lines of those in total that the writer is through with

	mu     sync.Mutex
	next   batch
	lines  int    // in next
	total  uint64 // lines that ever were in next
	idle   bool   // the writer waits for wake
	closed bool
}

// put copies lines into the queue, or counts them.
func (q *queue) put(p []byte) {
	if len(p) == 0 {
		return
	}
	n, whole := bytes.Count(p, newline), p[len(p)-1] == '\n'
	if !whole {
		n++
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		q.lost.Add(uint64(n)) // it is the caller who knows
		return
	}
	// After one that did not fit, none does, so that those missing are together.
	if q.next.missed > 0 || len(q.next.text)+len(p)+1 > mostBytes || q.lines+n > mostLines {
		q.next.missed += uint64(n)
		q.lost.Add(uint64(n))
	} else {
		q.next.text = append(q.next.text, p...)
		if !whole {
			q.next.text = append(q.next.text, '\n')
		}
		q.lines += n
		q.total += uint64(n)
	}
	q.rouse()
}

// newline ends each line.
var newline = []byte("\n")

// ask puts a task into the queue.
func (q *queue) ask(t task) <-chan error {
	done := make(chan error, 1)
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
		done <- ErrClosed
	case len(q.next.orders) == mostAsked:
		done <- ErrBusy
	default:
		q.next.orders = append(q.next.orders, order{len(q.next.text), t, done})
		q.rouse()
	}
	return done
}

// close lets nothing more in.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.rouse()
}

// rouse wakes the writer if it waits.
func (q *queue) rouse() {
	if q.idle {
		q.idle = false
		q.wake <- struct{}{} // there is a place: it is filled once for each wait
	}
}

// take waits for something to do, and returns it in exchange for the batch
// before, of which it uses the memory. last says that nothing will follow.
func (q *queue) take(used batch) (b batch, last bool) {
	for {
		q.mu.Lock()
		if q.lines > 0 || len(q.next.orders) > 0 || q.next.missed > 0 || q.closed {
			b, last = q.next, q.closed
			q.next = batch{text: used.text[:0], orders: used.orders[:0]}
			q.lines = 0
			q.mu.Unlock()
			return b, last
		}
		q.idle = true
		q.mu.Unlock()
		<-q.wake
	}
}

// waiting returns how many lines have come and are not done with.
func (q *queue) waiting() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.total - q.done.Load()
}
