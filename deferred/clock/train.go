package clock

import "time"

// Most timers are time-outs: set for the same delay again and again, and cancelled
// long before they are due. Calls of one delay come in the order of their times, and
// so need no heap among themselves. They form a train:
//
//	heap ── slot ──▶ call ⇄ call ⇄ call ◀── last
//	     ── slot ──▶ call
//
// The first stands in the heap for all. When it goes, the next one takes its slot,
// whose time is then too early, as if that call had been put off: settle knows what to
// do. So a server whose connections all wait for the same times keeps a heap of a few
// slots, however many they are.
//
// INVARIANT: no call of a train is due before the one in front of it.

// trains is how many delays are known at a time. If two share a number, the trains are
// shorter, and more of them stand in the heap.
const trains = 16

// trainOf returns the number of a delay's train: the upper bits of a product, which
// depend on all bits of the delay.
func trainOf(d time.Duration) uint8 {
	return uint8(uint64(d) * 0x9e3779b97f4a7c15 >> 60)
}

// couple gives a call that has its time, d from some other, the next number and makes
// it the last of a train. It reports whether that is all: if not, no other stands in
// front, and the call belongs in the heap.
func (q *Queue) couple(c *DelayedCall, d time.Duration) bool {
	q.seq++
	train := trainOf(d)
	c.seq, c.train = q.seq, train
	last := q.last[train]
	q.last[train] = c
	if last == nil || last.at > c.at {
		return false
	}
	last.next, c.prev, c.index = c, last, inTrain
	q.coupled++
	return true
}

// uncouple takes a call out of its train, and reports whether that is all: if not, it
// was the only one, and its slot at i is of no more use.
func (q *Queue) uncouple(c *DelayedCall, i int) bool {
	prev, next := c.prev, c.next
	if q.last[c.train] == c {
		q.last[c.train] = prev
	}
	if next != nil {
		next.prev, c.next = prev, nil
	}
	switch {
	case prev != nil:
		prev.next, c.prev = next, nil
	case next != nil:
		q.heap[i].call, next.index = next, int32(i)
	default:
		return false
	}
	q.coupled--
	return true
}
