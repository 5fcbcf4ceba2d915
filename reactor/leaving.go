package reactor

import (
	"syscall"
	"time"

	"skein/deferred/clock"
)

// A connection whose protocol has written everything and closed by the end of
// ConnectionMade, as a poetry server's has, needs nothing more of the loop than
// to wait for the peer's end. Most often that comes within a millisecond, and to
// have the poller watch for it costs a registration, an event and often a
// wake-up: so such a connection is not watched at first, but seen off.
//
//	accept ─▶ ConnectionMade ─▶ bytes and end sent ─▶ leaving ─┬─▶ the peer's end: close
//	                                                           │   (looked for whenever another is accepted,
//	                                                           │   and every 2.5 ms)
//	                                                           └─▶ after 10 ms: watched like any other
//
// It takes an eighth off the CPU time of connect-poem-close: bench/cmd/compare's row
// "poem" shows it, beside a build in which accepted watches each connection first.

// leavingPatience returns how long a connection may leave unwatched: no longer
// than the reactor waits for the peer's end at all.
func (r *Reactor) leavingPatience() time.Duration {
	return min(10*time.Millisecond, r.opts.lingerTimeout, r.opts.closeTimeout)
}

// leavingTicks is how many ticks that patience has. A connection that begins to leave
// notes the tick, for which it need not ask what time it is.
const leavingTicks = 4

// latestLooks is how many of the latest seeOffLatest looks at, unless more than
// leavingCrowd are leaving: then most looks would be in vain.
const latestLooks, leavingCrowd = 4, 12

// leaving is the queue of the connections that are seen off, oldest first.
type leaving struct {
	conns []*conn
	head  int                // the index of the oldest
	live  int                // how many have not ended
	tick  uint32             // counts the calls of nextTick
	timer *clock.DelayedCall // until the next one, while there are any
}

// leave begins to see a connection off, which lingers and was never watched.
func (r *Reactor) leave(c *conn) {
	l := &r.leaving
	c.end.leftIn = l.tick
	l.conns = append(l.conns, c)
	l.live++
	if l.timer == nil {
		r.setTick()
	}
}

// setTick sets the timer of the next tick. It is not cancelled when the last one has
// left: on a busy server the next one comes before it rings.
func (r *Reactor) setTick() {
	r.leaving.timer = r.timers.Add(r.leavingPatience()/leavingTicks, r.nextTick)
}

// idleTimers returns how many timers wait for nothing, which do not count as delayed
// calls.
func (l *leaving) idleTimers() int {
	if l.timer != nil && l.live == 0 {
		return 1
	}
	return 0
}

// seeOff closes those whose peers have ended, from the oldest to the first that
// has not. No callback may be running: it calls ConnectionLost.
func (r *Reactor) seeOff() {
	for l := &r.leaving; l.head < len(l.conns); {
		switch c := l.conns[l.head]; {
		case c.has(isDead):
			l.pop()
		case !c.hasLeft():
			return
		}
	}
}

// seeOffLatest closes those of the latest few whose peers have ended. They stand
// behind the one at which seeOff stopped: without this, one client that takes its
// time would have all that come and go meanwhile count as open, and a limit turn
// one away that never has two connections. No callback may be running.
func (r *Reactor) seeOffLatest() {
	l := &r.leaving
	if l.live > leavingCrowd {
		return
	}
	for i := 1; i <= latestLooks && len(l.conns)-i > l.head; i++ {
		_ = l.conns[len(l.conns)-i].hasLeft() // the head goes with its turn
	}
}

// nextTick looks at them where nobody else comes, and has the poller watch those who
// take longer.
func (r *Reactor) nextTick() {
	l := &r.leaving
	l.timer = nil
	l.tick++
	r.seeOff()
	r.watchLeaving(leavingTicks)
	if l.live > 0 && l.timer == nil { // ConnectionLost may have let somebody in
		r.setTick()
	}
}

// watchLeaving has the poller watch those who have been leaving for some ticks.
func (r *Reactor) watchLeaving(ticks uint32) {
	l := &r.leaving
	for l.head < len(l.conns) {
		c := l.conns[l.head]
		if !c.has(isDead) {
			if l.tick-c.end.leftIn < ticks {
				return
			}
			l.live--
			if c.watch() {
				c.watchProgress()
			}
		}
		l.pop()
	}
}

// pop forgets the oldest.
func (l *leaving) pop() {
	l.conns[l.head] = nil
	if l.head++; 2*l.head >= len(l.conns) { // half of it is free: use it again
		n := copy(l.conns, l.conns[l.head:])
		clear(l.conns[n:])
		l.conns, l.head = l.conns[:n], 0
	}
}

// hasLeft looks for the peer's end, and ends the connection if that is there. No
// event can be meant for a number that was never watched, so the descriptor is
// closed at once.
func (c *conn) hasLeft() bool {
	if c.has(isDead) {
		return true
	}
	for range 2 {
		n, errno := c.r.kernel.Read(int(c.fd), c.r.readBuf)
		switch {
		case errno == syscall.EAGAIN:
			return false
		case n > 0: // what it still sends is discarded; the end may be behind it
			c.r.stats.BytesRead += uint64(n)
		case errno != 0:
			c.fail(errno)
			return true
		default:
			c.flags |= isReadShut | isDead
			c.r.leaving.live--
			c.finish()
			return true
		}
	}
	return false
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
