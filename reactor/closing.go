package reactor

import (
	"errors"
	"math"

	"skein/deferred/clock"
	"skein/protocol"
)

// A connection ends in one of two ways. die is sudden: the descriptor leaves the
// poller now and ConnectionLost is queued. disconnect is the orderly one:
//
//	disconnect ──▶ flush ──▶ shutdown of the write side ──▶ linger ──▶ die
//	                 │                                         │
//	                 └────── no progress for closeTimeout ─────┴──▶ abort
//
// It lingers because a close with input unread becomes a reset, and a reset
// makes the kernel drop output that the peer has not fetched yet: a client that
// sent six bytes nobody read would lose the tail of its poem. So after its own
// end of output it discards input until the peer's end. If that comes, the peer
// has seen everything.

// ending is the end of a connection, begun or complete.
type ending struct {
	reason error // what ConnectionLost is told
	cause  error // what the protocol gave as its cause
	byPeer bool  // the peer has left, or half of it: the protocol did not ask
	reset  bool  // the peer gets a reset
	timer  *clock.DelayedCall

	sent    int   // bytes given to the kernel since the end began
	taken   int   // of these and what was there before, what the peer had taken
	movedAt int64 // when that was last seen to grow
}

// epitaph returns what a connection keeps of its ending: the reason, for those who
// write to it still. The ending itself, with its neighbours in the slab and their
// timers, goes: sixteen connections that end at sixteen times would keep them all.
func (r *Reactor) epitaph(reason error) *ending {
	if reason == protocol.ErrConnectionDone { //nolint:errorlint // most end so, and share one
		return &r.done
	}
	return &ending{reason: reason}
}

// disconnect begins the orderly end, unless the end has begun.
func (c *conn) disconnect(cause error) {
	if c.has(isDead | isDisconnecting) {
		return
	}
	c.flags |= isDisconnecting
	c.end = c.r.endings.take()
	c.end.reason, c.end.cause = protocol.CloseReason(protocol.ErrConnectionDone, cause), cause
	c.touch()
}

// abort ends the connection with a reset on this side's wish.
func (c *conn) abort(cause error) {
	c.die(protocol.CloseReason(protocol.ErrConnectionAborted, cause), true)
}

// fail ends the connection with a reset because something broke. A clean end
// would let the peer take what it has for the whole.
func (c *conn) fail(cause error) {
	c.die(protocol.CloseReason(protocol.ErrConnectionLost, cause), true)
}

// die ends the connection now, unless it has ended. It calls nobody back:
// ConnectionLost is queued, so it never comes from inside a method of the
// transport.
func (c *conn) die(reason error, reset bool) {
	if c.has(isDead) {
		return
	}
	c.flags |= isDead | isDisconnecting
	if c.end == nil {
		c.end = c.r.endings.take()
	}
	if c.end.cause != nil && !errors.Is(reason, c.end.cause) {
		reason = protocol.CloseReason(reason, c.end.cause)
	}
	c.end.reason = reason
	if c.end.timer != nil && c.end.timer.Active() {
		_ = c.end.timer.Cancel()
	}
	c.r.pool.drop(&c.out)
	if c.has(isLingering) && !c.has(isWatched) {
		c.r.leaving.live-- // its place is free when its turn comes
	}
	if c.end.reset = reset; c == c.r.serving {
		return // ready or answer finishes it
	}
	c.r.release(int(c.fd), reset)
	c.r.lost = append(c.r.lost, c)
}

// finishOutput is called when all output is with the kernel and no producer has
// more. It goes on with what waited for that, and reports whether something did.
func (c *conn) finishOutput() bool {
	switch {
	case c.has(isDead | isLingering):
		return false
	case c.has(isDisconnecting):
		c.linger()
	case c.has(isHalfClosing) && !c.has(isWriteShut):
		c.shutWrite()
	default:
		return false
	}
	return true
}

// linger sends the end of output and waits for the peer's.
func (c *conn) linger() {
	if c.has(isReadShut) {
		c.die(c.end.reason, false) // the close sends it
		return
	}
	if !c.has(isWriteShut) {
		if !c.sendEnd() {
			return
		}
	}
	c.flags |= isLingering
	if !c.has(isWatched) {
		c.r.leave(c)
		return
	}
	c.watchProgress()
}

// shutWrite carries out LoseWriteConnection.
func (c *conn) shutWrite() {
	if !c.sendEnd() {
		return
	}
	if h, ok := c.proto.(protocol.HalfCloser); ok {
		if failure := c.r.do(c, "WriteConnectionLost", h.WriteConnectionLost); failure != nil {
			c.fail(failure)
			return
		}
	}
	if c.has(isReadShut) {
		c.disconnect(nil)
	}
}

// sendEnd sends the end of output. If that fails, the connection was reset and
// the edge that tells so is still to come: the socket knows more than the call.
func (c *conn) sendEnd() bool {
	c.flags |= isWriteShut
	errno := c.r.kernel.ShutdownWrite(int(c.fd))
	if errno == 0 {
		return true
	}
	if pending := c.r.kernel.SocketError(int(c.fd)); pending != 0 {
		errno = pending
	}
	c.fail(errno)
	return false
}

// watchProgress sets the timer that ends a close which does not get on.
func (c *conn) watchProgress() {
	patience := c.r.opts.closeTimeout
	if c.has(isLingering) {
		patience = min(patience, c.r.opts.lingerTimeout)
	}
	if e := c.end; e.timer == nil {
		// While it lingers, the first look sees progress, whenever that was: most
		// never come to a look, so they are spared the calls.
		e.taken = math.MinInt
		if !c.has(isLingering) {
			e.taken, e.movedAt = e.sent-c.r.kernel.Unsent(int(c.fd)), c.r.nanos()
		}
		e.timer = c.r.timers.Add(patience, c.checkProgress)
	} else if !e.timer.Active() {
		e.timer = c.r.timers.Add(patience, c.checkProgress)
	} else if c.has(isLingering) {
		_ = e.timer.Reset(patience)
	}
}

// checkProgress looks whether the peer has taken anything since the last look.
// What the kernel still holds counts as not taken: a slow reader with a large
// window may need minutes before the kernel has room for more.
func (c *conn) checkProgress() {
	if c.has(isDead) {
		return
	}
	e, now := c.end, c.r.nanos()
	unsent := c.r.kernel.Unsent(int(c.fd))
	switch {
	case unsent == 0 && c.has(isLingering):
		// The peer has everything and keeps its side open: that is its business.
		c.die(e.reason, false)
		return
	case e.sent-unsent > e.taken:
		e.taken, e.movedAt = e.sent-unsent, now
	case c.out.n+unsent == 0 && c.producerWaits():
		e.movedAt = now
	case c.out.n+unsent == 0:
		// The peer has everything, and the producer that this waits for has
		// nothing. What is still to come, if anything, may be missed: so no clean
		// end.
		c.abort(ErrProducerTimeout)
		return
	case now-e.movedAt >= int64(c.r.opts.closeTimeout):
		c.abort(ErrCloseTimeout)
		return
	}
	c.watchProgress()
}

// producerWaits reports whether the producer has bytes that it holds back by its
// own clock: it is slow, not silent.
func (c *conn) producerWaits() bool {
	if c.producing == nil {
		return false
	}
	w, ok := c.producing.Producer.(protocol.WaitingProducer)
	return ok && w.Waiting()
}

// giveUp ends a connection for which the reactor waits no longer. What the
// kernel has, it goes on sending by itself; a reset would take it back.
func (c *conn) giveUp() {
	if c.has(isLingering) {
		c.die(c.end.reason, false)
	} else {
		c.fail(ErrStopped)
	}
}

// shutdown ends a connection because the reactor stops. One that its protocol
// has closed may still send what it has.
func (c *conn) shutdown() {
	if !c.has(isDisconnecting) {
		c.fail(ErrStopped)
	}
}
