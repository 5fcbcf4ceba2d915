package reactor

import (
	"time"

	"skein/deferred/clock"
)

// Many an accepted connection needs nothing of the poller when its ConnectionMade has
// returned, and is over before it does. To have the poller watch it would cost a
// registration, an event and often a wake-up, so it is left alone at first. There are
// two kinds, each with a line of its own.
//
//	accept ─▶ ConnectionMade ─┬─▶ it has closed, and all is sent: leaving.go ─┬─▶ after 10 ms: watched
//	                          ├─▶ it has paused, and waits:       parked.go ──┘   like any other
//	                          └─▶ anything else: watched
//
// These 10 ms are four ticks of 2.5 ms.

// patience returns how long a connection may go unwatched: no longer than the reactor
// waits for the peer's end at all.
func (r *Reactor) patience() time.Duration {
	return min(10*time.Millisecond, r.opts.lingerTimeout, r.opts.closeTimeout)
}

// patienceTicks is how many ticks that patience has. A connection that stands in line
// notes the tick, for which it need not ask what time it is.
const patienceTicks = 4

// ticks is the clock of those who are not watched.
type ticks struct {
	n     uint32             // counts the calls of nextTick
	timer *clock.DelayedCall // until the next one, while there are any
}

// startTicks makes sure that a tick follows.
func (r *Reactor) startTicks() {
	if r.ticks.timer == nil {
		r.setTick()
	}
}

// setTick sets the timer of the next tick. It is not cancelled when the last one is
// gone: on a busy server the next one comes before it rings.
func (r *Reactor) setTick() {
	r.ticks.timer = r.timers.Add(r.patience()/patienceTicks, r.nextTick)
}

// nextTick looks after both lines where nobody else comes.
func (r *Reactor) nextTick() {
	r.ticks.timer = nil
	r.ticks.n++
	r.seeOff()
	r.watchUnwatched(patienceTicks)
	if r.leaving.live > 0 || !r.parked.isEmpty() { // ConnectionLost may have let somebody in
		r.startTicks()
	}
}

// watchUnwatched has the poller watch those who have gone without it for some ticks.
func (r *Reactor) watchUnwatched(ticks uint32) {
	r.watchLeaving(ticks)
	r.watchParked(ticks)
}

// idleTimers returns how many timers do not count as delayed calls: one that waits for
// nothing, or for the parked only. Those wait for a call or for their peer, and not for
// a time.
func (r *Reactor) idleTimers() int {
	if r.ticks.timer != nil && r.leaving.live == 0 {
		return 1
	}
	return 0
}

// line is a queue of connections that are not watched, oldest first. One that has ended
// keeps its place until its turn comes.
type line struct {
	places []place
	head   int // the index of the oldest
}

// place is one of them, and the tick in which it came.
type place struct {
	c     *conn
	since uint32
}

// isEmpty reports whether nobody stands in line.
func (l *line) isEmpty() bool { return l.head == len(l.places) }

// push puts a connection behind the others.
func (l *line) push(c *conn, since uint32) { l.places = append(l.places, place{c, since}) }

// pop forgets the oldest, most often the only one.
func (l *line) pop() {
	l.places[l.head].c = nil
	if l.head++; l.isEmpty() {
		l.places, l.head = l.places[:0], 0
	} else if 2*l.head >= len(l.places) { // half of it is free: use it again
		n := copy(l.places, l.places[l.head:])
		clear(l.places[n:])
		l.places, l.head = l.places[:n], 0
	}
}

// watch has the poller watch the connection, and reports whether it does. One that
// the kernel takes all output of, as most are, is watched for input: else its first
// event would say that there is room, which is no news. That is a tenth of the CPU
// time of a transform request with a connection of its own.
func (c *conn) watch() bool {
	add := c.r.kernel.AddInput
	if !c.has(isWritable) {
		add = c.r.kernel.Add
		c.flags |= isFull
	}
	c.flags |= isWatched
	if errno := add(int(c.fd)); errno != 0 {
		c.r.log.Error().Err(errno).Msg("the kernel does not watch a connection")
		c.fail(errno)
		return false
	}
	return true
}
