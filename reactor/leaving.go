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
//	                                                           │   (looked for whenever another is accepted)
//	                                                           └─▶ after 10 ms: watched like any other
//
// It takes an eighth off the CPU time of connect-poem-close: bench/cmd/compare's row
// "poem" shows it, beside a build in which accepted watches each connection first.

// leavingPatience returns how long a connection may leave unwatched: no longer
// than the reactor waits for the peer's end at all.
func (r *Reactor) leavingPatience() time.Duration {
	return min(10*time.Millisecond, r.opts.lingerTimeout, r.opts.closeTimeout)
}

// latestLooks is how many of the latest seeOffLatest looks at, unless more than
// leavingCrowd are leaving: then most looks would be in vain.
const latestLooks, leavingCrowd = 4, 12

// leaving is the queue of the connections that are seen off, oldest first.
type leaving struct {
	conns []*conn
	head  int                // the index of the oldest
	live  int                // how many have not ended
	check *clock.DelayedCall // active while there are any
}

// leave begins to see a connection off, which lingers and was never watched.
func (r *Reactor) leave(c *conn) {
	c.end.movedAt = r.nanos()
	l := &r.leaving
	l.conns = append(l.conns, c)
	l.live++
	if l.check == nil {
		l.check = r.timers.Add(r.leavingPatience(), r.watchLeaving)
	}
}

// seeOff closes those whose peers have ended, from the oldest to the first that
// has not. No callback may be running: it calls ConnectionLost.
func (r *Reactor) seeOff() {
	for c := r.oldestLeaving(); c != nil && c.hasLeft(); c = r.oldestLeaving() {
		// hasLeft does it.
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

// watchLeaving has the poller watch those who take longer.
func (r *Reactor) watchLeaving() {
	r.leaving.check = nil
	then := r.nanos() - int64(r.leavingPatience())
	if c := r.watchLeavingUntil(then); c != nil {
		r.leaving.check = r.timers.Add(time.Duration(c.end.movedAt-then), r.watchLeaving)
	}
}

// watchLeavingUntil has the poller watch those who began to leave by then, and
// returns the oldest that is left.
func (r *Reactor) watchLeavingUntil(then int64) *conn {
	c := r.oldestLeaving()
	for ; c != nil && c.end.movedAt <= then; c = r.oldestLeaving() {
		r.leaving.pop()
		r.leaving.live--
		if c.watch() {
			c.watchProgress()
		}
	}
	return c
}

// oldestLeaving forgets those that have ended, returns the oldest of the others,
// and lets the timer go with the last.
func (r *Reactor) oldestLeaving() *conn {
	l := &r.leaving
	for l.head < len(l.conns) {
		if c := l.conns[l.head]; !c.has(isDead) {
			return c
		}
		l.pop()
	}
	if l.check != nil {
		_ = l.check.Cancel()
		l.check = nil
	}
	return nil
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
