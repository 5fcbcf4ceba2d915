package clock

import (
	"math"
	"time"
)

// Queue orders delayed calls by time, and calls of equal time by the order in
// which they were made. It is the one heap under every clock of skein; those
// who only want to wait use a [Scheduler].
//
// A Queue belongs to one goroutine. It keeps times as nanoseconds since its
// epoch, so comparing two of them is one machine instruction, and it removes a
// cancelled call at once in O(log n), so that a cancelled timer holds nothing. A
// call that is put off, as an idle timeout is with every message, stays where it is
// in the heap until its old time has come: that is O(1), and a busy connection's
// timer is moved once in a timeout and not once a message. Calls of one delay form a
// train, of which the heap holds the first: to set, put off or cancel one of the
// others is O(1), too.
//
// Twisted: ReactorBase._pendingTimedCalls, but FIFO for equal times and
// without the O(n) removal.
type Queue struct {
	// Guard, if not nil, is called first by every method of a DelayedCall and
	// by Add. A reactor uses it to catch calls from a foreign goroutine.
	Guard func()

	epoch time.Time
	since func() time.Duration
	seq   uint64
	heap  []slot

	last    [trains]*DelayedCall // see train.go
	coupled int                  // how many stand behind another

	made   *[madeAtOnce]DelayedCall // see take
	unused int
}

// slot is a place in the heap. Its call is due at that time; or it was put off since,
// or has the place of one that is gone: then the call's number is another, and its own
// time no earlier.
type slot struct {
	at   int64
	seq  uint64
	call *DelayedCall
}

// NewQueue returns an empty queue. since tells how much time has passed since the
// epoch, and never runs backwards: that is all a queue asks of a clock. To know the
// time of day, too, would take another reading of the system's.
func NewQueue(epoch time.Time, since func() time.Duration) *Queue {
	return &Queue{epoch: epoch, since: since}
}

// Add files f to run d from now. It panics as [Scheduler].CallLater does.
func (q *Queue) Add(d time.Duration, f func()) *DelayedCall {
	if q.Guard != nil {
		q.Guard()
	}
	if d < 0 {
		panic(negativeDelay("CallLater", d))
	}
	if f == nil {
		panic(ErrNilCall)
	}
	c := q.take()
	c.queue, c.f, c.at = q, f, saturate(q.Now(), d)
	if !q.couple(c, d) {
		q.insert(c)
	}
	return c
}

// madeAtOnce is how many calls are made by one allocation.
const madeAtOnce = 16

// take returns a new call. Sixteen are made at a time, which costs a server that
// sets a timer for each of its short connections less than one by one. A call that
// is kept keeps the memory of its neighbours, and nothing else of them: what is over
// has let go of its function, and of those in front of it and behind.
func (q *Queue) take() *DelayedCall {
	if q.unused == 0 {
		q.made, q.unused = new([madeAtOnce]DelayedCall), madeAtOnce
	}
	q.unused--
	return &q.made[q.unused]
}

// Len returns the number of calls that wait. Those that PopDue has handed out
// no longer count.
func (q *Queue) Len() int { return len(q.heap) + q.coupled }

// Next returns the time of the earliest call, in nanoseconds since the epoch;
// ok is false if none waits.
func (q *Queue) Next() (at int64, ok bool) {
	if len(q.heap) == 0 {
		return 0, false
	}
	q.settle()
	return q.heap[0].at, true
}

// NotBefore is Next for those who only want to know until when they may sleep:
// nothing is due earlier, and perhaps not then either, if a call was put off or
// cancelled. It moves nothing.
func (q *Queue) NotBefore() (at int64, ok bool) {
	if len(q.heap) == 0 {
		return 0, false
	}
	return q.heap[0].at, true
}

// Now returns the time by the queue's clock, in nanoseconds since its epoch.
func (q *Queue) Now() int64 { return int64(q.since()) }

// Mark returns what tells the calls made so far from those made later. A loop
// takes it at the beginning of a turn and passes it to [Queue.PopDue].
func (q *Queue) Mark() uint64 { return q.seq }

// PopDue moves every call that is due at now (nanoseconds since the epoch) and
// was made before mark was taken from the queue to batch, earliest first, and
// returns the extended batch. Calls made, or moved, since then wait for the next
// time: that is what keeps a timer that re-arms itself at 0 from starving
// everybody else. Run each one with [DelayedCall.Begin].
func (q *Queue) PopDue(now int64, mark uint64, batch []*DelayedCall) []*DelayedCall {
	var young []*DelayedCall // due, but made since
	for len(q.heap) > 0 && q.heap[0].at <= now {
		q.settle()
		c := q.heap[0].call
		if c.at > now {
			break
		}
		q.remove(c)
		if c.seq > mark {
			young = append(young, c)
			continue
		}
		c.index = inBatch
		batch = append(batch, c)
	}
	for _, c := range young {
		q.insert(c)
	}
	return batch
}

// Begin marks a call of a PopDue batch as called and returns its function. It
// returns nil if an earlier call of the batch has cancelled or moved it.
func (c *DelayedCall) Begin() func() {
	if c.index != inBatch || c.state != statePending {
		return nil
	}
	f := c.f
	c.index, c.state, c.f = notQueued, stateCalled, nil
	return f
}

// move re-files a call at another time, d from now or from its old one, behind those
// already set for it.
func (q *Queue) move(c *DelayedCall, at int64, d time.Duration) {
	if c.index < 0 || c.next != nil { // not in the heap, or not alone there
		q.remove(c)
		if c.at = at; !q.couple(c, d) {
			q.insert(c)
		}
		return
	}
	q.seq++
	c.at, c.seq = at, q.seq
	if s := &q.heap[c.index]; at < s.at {
		s.at, s.seq = c.at, c.seq
		q.up(int(c.index))
	} // else settle will find it
}

// settle brings calls whose slots are out of date to their places, until there is one
// in front that is due when its slot says. The queue is not empty.
func (q *Queue) settle() {
	for s := &q.heap[0]; s.seq != s.call.seq; s = &q.heap[0] {
		s.at, s.seq = s.call.at, s.call.seq
		q.down(0)
	}
}

// insert puts a call that has its sequence number into the heap.
func (q *Queue) insert(c *DelayedCall) {
	q.heap = append(q.heap, slot{c.at, c.seq, c})
	q.up(len(q.heap) - 1)
}

// remove takes a call out, wherever it stands; it does nothing to one that does not
// wait.
func (q *Queue) remove(c *DelayedCall) {
	i := int(c.index)
	c.index = notQueued
	if i < 0 && i != inTrain || q.uncouple(c, i) {
		return
	}
	last := len(q.heap) - 1
	moved := q.heap[last]
	q.heap[last] = slot{}
	q.heap = q.heap[:last]
	if i == last {
		return
	}
	q.heap[i] = moved
	if !q.down(i) {
		q.up(i)
	}
}

// arity is the number of children of a node. Four keep the heap half as deep
// as two would and put siblings side by side in the cache.
const arity = 4

// up moves the slot at i towards the root until its parent is not later.
func (q *Queue) up(i int) {
	s := q.heap[i]
	for i > 0 {
		parent := (i - 1) / arity
		p := q.heap[parent]
		if !s.before(p) {
			break
		}
		q.heap[i], p.call.index = p, int32(i)
		i = parent
	}
	q.heap[i], s.call.index = s, int32(i)
}

// down moves the slot at i towards the leaves until no child is earlier, and
// reports whether it moved.
func (q *Queue) down(i int) bool {
	start, s := i, q.heap[i]
	for {
		first := i*arity + 1
		if first >= len(q.heap) {
			break
		}
		least := first
		for j := first + 1; j < min(first+arity, len(q.heap)); j++ {
			if q.heap[j].before(q.heap[least]) {
				least = j
			}
		}
		child := q.heap[least]
		if !child.before(s) {
			break
		}
		q.heap[i], child.call.index = child, int32(i)
		i = least
	}
	q.heap[i], s.call.index = s, int32(i)
	return i != start
}

// before orders slots: by time, then by sequence.
func (s slot) before(o slot) bool { return s.at < o.at || s.at == o.at && s.seq < o.seq }

// saturate adds d to a time without overflow, in either direction: "in 300
// years" must not become "at once", nor "long ago" become "in 300 years".
func saturate(at int64, d time.Duration) int64 {
	sum := at + int64(d)
	if d > 0 && sum < at {
		return math.MaxInt64
	}
	if d < 0 && sum > at {
		return math.MinInt64
	}
	return sum
}
