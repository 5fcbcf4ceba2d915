package load

import (
	"math"
	"time"
)

// schedule knows when the operations of a load with a rate are due, in
// nanoseconds since the measurement began. What is due and has not begun needs
// no place: it is the numbers from next on.
type schedule struct {
	period float64 // between two operations of this part; 0: no rate
	phase  float64 // when the first is due
	end    int64   // what is due later is not begun
	next   int64   // the number of the next operation
}

// newSchedule returns the schedule of one part of a load: the parts take turns.
func newSchedule(o Options) schedule {
	if o.Rate <= 0 {
		return schedule{}
	}
	each := float64(time.Second) / o.Rate
	return schedule{period: each * float64(o.Of), phase: each * float64(o.Index), end: int64(o.For)}
}

// due returns when the next operation is due, or the end of time.
func (s *schedule) due() int64 {
	at := int64(s.phase + s.period*float64(s.next))
	if s.period == 0 || at >= s.end {
		return math.MaxInt64
	}
	return at
}

// pending reports whether an operation is due.
func (s *schedule) pending(now int64) bool { return s.due() <= now }

// take takes the next operation if it is due.
func (s *schedule) take(now int64) (due int64, ok bool) {
	due = s.due()
	if due > now {
		return 0, false
	}
	s.next++
	return due, true
}

// rest takes all that is due, in a few lots of operations that were due one after
// the other; each is told the number of operations and when the middle one was
// due. There may be more of them than anyone can count one by one.
func (s *schedule) rest(now int64, each func(n, due int64)) {
	if s.due() > now {
		return
	}
	last := min(now, s.end-1)
	all := int64((float64(last)-s.phase)/s.period) + 1 - s.next
	const lots = 1000
	for lot := max(all/lots, 1); all > 0; all -= lot {
		lot = min(lot, all)
		each(lot, int64(s.phase+s.period*float64(s.next+lot/2)))
		s.next += lot
	}
}

// free gives a client that may be available its next operation; with a rate,
// when one is due.
func (g *Generator) free(c *client) {
	if g.phase != Measuring || g.opts.Mode == Idle {
		return
	}
	if g.opts.Rate > 0 {
		if !c.queued && c.available() {
			c.queued = true
			g.queue.add(c)
		}
		g.pump()
		return
	}
	for !g.timeUp && c.available() {
		now := g.now()
		c.begin(now, now)
	}
}

// pump begins what is due, as far as there are clients for it. Those that have
// waited longest come first, so that all connections are used.
func (g *Generator) pump() {
	if g.phase != Measuring || g.opts.Rate == 0 {
		return
	}
	for g.sched.pending(g.since()) {
		c := g.queue.take()
		if c == nil {
			return // the next that is free comes back here
		}
		c.queued = false
		if !c.available() {
			continue
		}
		now := g.now()
		due, _ := g.sched.take(now - g.began)
		c.begin(g.began+due, now)
		if c.available() {
			c.queued = true
			g.queue.add(c)
		}
	}
	if due := g.sched.due(); due != math.MaxInt64 {
		g.set(dueTimer, time.Duration(due-g.since()), g.pump)
	}
}
