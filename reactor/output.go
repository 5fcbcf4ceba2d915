package reactor

import (
	"syscall"

	"skein/protocol"
)

// touch makes sure that a flush follows: behind the connection's own event if that is
// what runs, which gathers its writes and costs nothing, else at the end of the turn.
func (c *conn) touch() {
	if c != c.r.current && !c.has(isDirty|isDead) {
		c.markDirty()
	}
}

// markDirty has the end of the turn flush the connection.
func (c *conn) markDirty() {
	c.flags |= isDirty
	c.r.dirty = append(c.r.dirty, c)
	c.r.wakeTurn()
}

// producerRounds bounds how often a producer is asked in one turn.
const producerRounds = 4

// serveOutput is moveOutput where the connection is not the current one.
func (c *conn) serveOutput() {
	r := c.r
	outer := r.current
	r.current = c
	c.moveOutput()
	r.current = outer
}

// moveOutput gives the kernel what it takes, asks the producer for more, and goes on
// with a close that waited for the last byte.
func (c *conn) moveOutput() {
	if c.has(isDead) {
		return
	}
	c.flush()
	if c.isAtRest() {
		return
	}
	for i := 0; i < producerRounds && c.producing != nil && c.refill(); i++ {
		c.flush()
	}
	for c.out.n == 0 && !c.awaitsProducer() && c.finishOutput() {
		// Half-closing may have called back, and that may have asked for the rest.
	}
	if c.has(isDisconnecting) && !c.has(isDead|isLingering) {
		c.watchProgress()
	}
	c.requeue()
}

// isAtRest reports whether a flush has left nothing to do, as after most events: it
// is that and no more which an echo pays for.
func (c *conn) isAtRest() bool {
	const unrest = isReadable | isDisconnecting | isHalfClosing | isDead
	return c.out.n == 0 && (c.producing == nil || c.has(isFlowing)) && !c.has(unrest)
}

// awaitsProducer reports whether a close has to wait for a producer. After the
// peer's end, one that writes of its own accord and is not being held back may
// never write again: waiting for it would keep what the peer has left for ever.
func (c *conn) awaitsProducer() bool {
	p := c.producing
	return p != nil && !(c.end != nil && c.end.byPeer && c.has(isFlowing))
}

// piece returns what is queued, if it can be written and is one piece, as it is after
// most events; else nil.
func (c *conn) piece() []byte {
	if c.out.n == 0 || !c.has(isWritable) || c.has(isDead|isNagling) {
		return nil
	}
	if first := c.out.head; first.next == nil && len(first.data) <= writeSize {
		return first.data
	}
	return nil
}

// flush writes once: everything that is queued, or a turn's share of it.
func (c *conn) flush() {
	r := c.r
	if c.out.n == 0 || !c.has(isWritable) || c.has(isDead) {
		return
	}
	if c.has(isNagling) { // many clients only listen: they are spared the call
		c.flags &^= isNagling
		_ = r.kernel.SetNoDelay(int(c.fd), true) // if the socket is broken, the write tells
	}
	c.gave(c.write())
}

// gave deals with what the kernel has taken, n bytes of the first ones queued: want
// were offered.
func (c *conn) gave(n, want int, errno syscall.Errno) {
	r := c.r
	switch {
	case errno == syscall.EAGAIN:
		c.full()
	case errno == syscall.ENOBUFS:
		c.flags &^= isWritable
		r.timers.Add(busyPause, c.tryAgain)
	case errno != 0:
		c.fail(errno)
	default:
		r.stats.BytesWritten += uint64(n)
		r.pool.consume(&c.out, n)
		if c.has(isDisconnecting) {
			c.end.sent += n
		}
		if n < want {
			c.full()
		}
	}
}

// write gives the kernel what is queued, at most a turn's share: want bytes, of
// which it takes n. Most of the time that is one piece.
func (c *conn) write() (n, want int, errno syscall.Errno) {
	r := c.r
	if first := c.out.head; first.next == nil || len(first.data) >= writeSize {
		b := first.data[:min(len(first.data), writeSize)]
		n, errno = r.kernel.Write(int(c.fd), b, c.isLast(len(b)))
		return n, len(b), errno
	}
	bufs := c.out.peek(r.slices[:0], writeSize)
	for _, b := range bufs {
		want += len(b)
	}
	n, errno = r.kernel.Writev(int(c.fd), bufs, c.isLast(want))
	clear(bufs)
	r.slices = bufs[:0]
	return n, want, errno
}

// isLast reports whether the end follows right behind the next n bytes.
func (c *conn) isLast(n int) bool {
	return n == c.out.n && c.producing == nil && c.has(isDisconnecting|isHalfClosing)
}

// full notes that the kernel's buffer is full: an edge will tell when there is room.
func (c *conn) full() {
	c.flags &^= isWritable
	switch {
	case c.has(isFull):
		return
	case !c.has(isWatched): // it opens, or is parked
		c.watch() // in both directions
		return
	}
	c.flags |= isFull
	if errno := c.r.kernel.AddOutput(int(c.fd)); errno != 0 {
		c.r.log.Error().Err(errno).Msg("the kernel does not watch a connection's output")
		c.fail(errno)
	}
}

// tryAgain writes after the kernel was short of memory: it tells when a socket's
// own buffer has room, but not when that shortage is over.
func (c *conn) tryAgain() {
	if !c.has(isDead) {
		c.flags |= isWritable
		c.touch()
	}
}

// producing is a registered producer.
type producing struct {
	protocol.Producer
	push  protocol.PushProducer // nil for a pull producer
	asked bool                  // a pull producer, and nothing has been written since
}

// refill asks the producer for more if there is room, and reports whether it
// wrote any.
func (c *conn) refill() bool {
	if c.has(isDead) || !c.wantsMore() {
		return false
	}
	p, before := c.producing, c.out.n
	if p.asked = true; p.push != nil {
		c.flags |= isFlowing
	}
	if failure := c.r.do(c, "ResumeProducing", p.ResumeProducing); failure != nil {
		c.fail(failure)
		return false
	}
	return c.out.n > before || c.wantsMore() // another producer may have taken over
}

// wantsMore reports whether it is time to call the producer's ResumeProducing.
func (c *conn) wantsMore() bool {
	p := c.producing
	switch {
	case p == nil || c.has(isFlowing):
		return false
	case p.push != nil:
		return c.out.n <= c.r.opts.low
	}
	return !p.asked && c.out.n == 0
}

// holdBack pauses a push producer that has filled the queue.
func (c *conn) holdBack() {
	c.flags &^= isFlowing
	if failure := c.r.do(c, "PauseProducing", c.producing.push.PauseProducing); failure != nil {
		c.fail(failure)
	}
}

// dropProducer forgets the producer.
func (c *conn) dropProducer() {
	c.producing = nil
	c.flags &^= isFlowing
}
