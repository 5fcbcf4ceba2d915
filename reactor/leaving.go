package reactor

import "syscall"

// A connection whose protocol has written everything and closed by the end of
// ConnectionMade, as a poetry server's has, needs nothing more of the loop than
// to wait for the peer's end. Most often that comes within a millisecond: so such a
// connection is not watched at first (unwatched.go), but seen off.
//
//	accept ─▶ ConnectionMade ─▶ bytes and end sent ─▶ leaving ─┬─▶ the peer's end: close
//	                                                           │   (looked for whenever another is accepted,
//	                                                           │   and every 2.5 ms)
//	                                                           └─▶ after 10 ms: watched like any other
//
// One that was parked, and closes, goes the same way.
//
// It takes an eighth off the CPU time of connect-poem-close: bench/cmd/compare's row
// "poem" shows it, beside a build in which accepted watches each connection first.

// latestLooks is how many of the latest seeOffLatest looks at, unless more than
// leavingCrowd are leaving: then most looks would be in vain.
const latestLooks, leavingCrowd = 4, 12

// leaving are the connections that are seen off.
type leaving struct {
	line
	live int // how many have not ended
}

// leave begins to see a connection off, which lingers and was never watched. One that
// was parked may have waited for its producer, and the timer of that is not needed: it
// is set anew when the connection is watched.
func (r *Reactor) leave(c *conn) {
	if t := c.end.timer; t != nil && t.Active() {
		_ = t.Cancel()
	}
	r.leaving.push(c, r.ticks.n)
	r.leaving.live++
	r.startTicks()
}

// seeOff closes those whose peers have ended, from the oldest to the first that
// has not. No callback may be running: it calls ConnectionLost.
func (r *Reactor) seeOff() {
	for l := &r.leaving; !l.isEmpty(); {
		switch c := l.places[l.head].c; {
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
	for i := 1; i <= latestLooks && len(l.places)-i > l.head; i++ {
		_ = l.places[len(l.places)-i].c.hasLeft() // the head goes with its turn
	}
}

// watchLeaving has the poller watch those who have been leaving for some ticks.
func (r *Reactor) watchLeaving(ticks uint32) {
	for l := &r.leaving; !l.isEmpty(); l.pop() {
		p := l.places[l.head]
		if p.c.has(isDead) {
			continue
		}
		if r.ticks.n-p.since < ticks {
			return
		}
		l.live--
		if p.c.watch() {
			p.c.watchProgress()
		}
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
