package reactor

import (
	"syscall"

	"skein/protocol"
)

// takeInput reads once, which is a connection's share, but for the end that is known to
// stand right behind it: to put the connection behind the others for that would find
// it out of the cache.
//
// The system calls that serve most events are made from here and from answer, and what
// follows from them is done by functions that are called behind them. The other way
// round costs: behind a system call the processor guesses wrong where a function that
// was called before it returns to. See BenchmarkReturns.
func (c *conn) takeInput() {
	r := c.r
	r.current = c
	if c.has(isReadable) && c.wantsInput() {
		if c.took(r.kernel.Read(int(c.fd), r.readBuf)) && c.wantsInput() {
			_ = c.took(r.kernel.Read(int(c.fd), r.readBuf))
		}
	}
	r.current = nil
}

// wantsInput reports whether to read: for the protocol, or, once the connection
// is being closed, to discard. Discarding while output is still being flushed
// keeps two ends that both write from waiting for each other for ever.
func (c *conn) wantsInput() bool {
	if c.has(isDead | isReadShut) {
		return false
	}
	return c.has(isDisconnecting) || !c.has(isPaused)
}

// took deals with what a read has brought: mostly, it delivers. It reports whether that
// was the last of the input, and only its end is left.
//
// A read that comes back short has emptied the kernel's buffer, so readiness is
// over until the next edge; asking again to hear EAGAIN costs a tenth of an
// echo. Only after the peer's end is there something behind a short read: the
// end itself. (Of a peer that sends urgent data, which cuts reads short, that may be
// more bytes, or nothing yet: then the next read says so.)
func (c *conn) took(n int, errno syscall.Errno) (last bool) {
	r := c.r
	switch {
	case errno == syscall.EAGAIN:
		c.flags &^= isReadable
	case errno != 0:
		c.fail(errno)
	case n == 0:
		c.endOfInput()
	default:
		short := n < len(r.readBuf)
		last = short && c.has(isHungUp)
		if short && !last {
			c.flags &^= isReadable
		}
		r.stats.BytesRead += uint64(n)
		if !c.has(isDisconnecting) {
			c.deliver(r.readBuf[:n])
		}
	}
	return last
}

// deliver passes input to the protocol. It is a do without the function: of all calls
// of user code this is the most frequent.
func (c *conn) deliver(data []byte) {
	r := c.r
	if r.opts.timing || r.opts.debug {
		c.deliverWatched(data)
		return
	}
	outer, returned := r.owner, false
	r.owner = c
	r.stats.Callbacks++
	defer func() {
		if !returned {
			if v := recover(); v != nil {
				c.fail(r.panicked("DataReceived", v))
			}
		}
		r.owner = outer
	}()
	c.proto.DataReceived(data)
	returned = true
}

// deliverWatched is deliver under WithTiming or WithDebug.
func (c *conn) deliverWatched(data []byte) {
	r := c.r
	if failure := r.do(c, "DataReceived", func() { c.proto.DataReceived(data) }); failure != nil {
		c.fail(failure)
	}
	if r.opts.debug {
		for i := range data {
			data[i] = 0xDB // whoever kept the slice shall see it
		}
	}
}

// endOfInput deals with the peer's end. A protocol that knows of half-closed
// connections goes on; for any other this is a LoseConnection, so what has been
// written is still delivered. (Twisted drops it.)
func (c *conn) endOfInput() {
	c.flags |= isReadShut
	c.flags &^= isReadable
	if c.has(isDisconnecting) {
		c.end.byPeer = true
		if c.has(isLingering) {
			c.die(c.end.reason, false)
		}
		return
	}
	h, ok := protocol.AsHalfCloser(c.proto)
	if !ok {
		c.disconnect(nil)
		c.end.byPeer = true
		return
	}
	if failure := c.r.do(c, "ReadConnectionLost", h.ReadConnectionLost); failure != nil {
		c.fail(failure)
		return
	}
	if c.has(isWriteShut) {
		c.disconnect(nil)
	}
}
