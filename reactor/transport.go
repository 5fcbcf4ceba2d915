package reactor

import (
	"net"
	"net/netip"
	"time"

	"skein/protocol"
	"skein/reactor/internal/kernel"
)

var (
	_ protocol.Transport  = (*conn)(nil)
	_ protocol.TCPOptions = (*conn)(nil)

	_ protocol.Unacknowledger = (*conn)(nil)
)

// This file is the transport as its protocol sees it: protocol.Transport says
// what each method promises.

// Write queues a copy of p.
func (c *conn) Write(p []byte) (int, error) {
	c.r.check("Write")
	if err := c.writable(); err != nil {
		return 0, err
	}
	if len(p) > 0 {
		c.r.pool.append(&c.out, p)
		c.wrote()
	}
	return len(p), nil
}

// WriteSequence queues copies of the slices.
func (c *conn) WriteSequence(bufs [][]byte) error {
	c.r.check("WriteSequence")
	if err := c.writable(); err != nil {
		return err
	}
	before := c.out.n
	for _, p := range bufs {
		if len(p) > 0 {
			c.r.pool.append(&c.out, p)
		}
	}
	if c.out.n > before {
		c.wrote()
	}
	return nil
}

// WriteShared queues p itself.
func (c *conn) WriteShared(p []byte) error {
	c.r.check("WriteShared")
	if err := c.writable(); err != nil {
		return err
	}
	if len(p) > 0 {
		c.r.pool.appendShared(&c.out, p)
		c.wrote()
	}
	return nil
}

// writable returns the error of writing too late.
func (c *conn) writable() error {
	switch {
	case c.has(isDead):
		return c.end.reason
	case c.producing != nil: // both kinds of close wait for it
		return nil
	case c.has(isDisconnecting):
		return protocol.ErrConnectionDone
	case c.has(isHalfClosing):
		return errWriteShut
	}
	return nil
}

// errWriteShut is the error of writing after LoseWriteConnection.
var errWriteShut error = &net.OpError{Op: "write", Err: net.ErrClosed}

// wrote follows every write.
func (c *conn) wrote() {
	c.touch()
	switch {
	case c.has(isFlowing):
		if c.out.n > c.r.opts.high {
			c.holdBack()
		}
	case c.producing != nil:
		c.producing.asked = false
	}
}

// LoseConnection begins the orderly end.
func (c *conn) LoseConnection() {
	c.r.check("LoseConnection")
	c.disconnect(nil)
}

// LoseConnectionCause begins the orderly end, with its cause.
func (c *conn) LoseConnectionCause(cause error) {
	c.r.check("LoseConnection")
	c.disconnect(cause)
}

// LoseWriteConnection ends output, after what is queued.
func (c *conn) LoseWriteConnection() {
	c.r.check("LoseWriteConnection")
	if !c.has(isDead | isDisconnecting | isHalfClosing) {
		c.flags |= isHalfClosing
		c.touch()
	}
}

// AbortConnection resets the connection.
func (c *conn) AbortConnection() { c.AbortConnectionCause(nil) }

// AbortConnectionCause resets the connection, with the cause.
func (c *conn) AbortConnectionCause(cause error) {
	c.r.check("AbortConnection")
	c.abort(cause)
}

// Disconnecting reports whether the end has begun.
func (c *conn) Disconnecting() bool {
	c.r.check("Disconnecting")
	return c.has(isDisconnecting)
}

// PauseProducing stops DataReceived.
func (c *conn) PauseProducing() {
	c.r.check("PauseProducing")
	c.flags |= isPaused
}

// ResumeProducing lets DataReceived come again.
func (c *conn) ResumeProducing() {
	c.r.check("ResumeProducing")
	if c.has(isPaused) && !c.has(isWatched|isDisconnecting) { // parked, or soon to be: see parked.go
		c.watch()
	}
	c.flags &^= isPaused
	if c != c.r.current {
		c.requeue()
	}
}

// RegisterProducer makes p the source of what is written.
func (c *conn) RegisterProducer(p protocol.Producer, streaming bool) error {
	c.r.check("RegisterProducer")
	if c.producing != nil {
		return protocol.ErrProducerRegistered
	}
	if err := c.writable(); err != nil {
		p.StopProducing()
		return err
	}
	if streaming {
		push, ok := p.(protocol.PushProducer)
		if !ok {
			return protocol.ErrNotPushProducer
		}
		c.producing = &producing{Producer: p, push: push}
		if c.flags |= isFlowing; c.out.n > c.r.opts.high {
			c.holdBack()
		}
		return nil
	}
	c.producing = &producing{Producer: p}
	c.touch() // the flush asks a pull producer for its first piece
	return nil
}

// UnregisterProducer says that the producer has written its last.
func (c *conn) UnregisterProducer() {
	c.r.check("UnregisterProducer")
	if c.producing != nil {
		c.dropProducer()
		c.touch() // a close may have waited for this
	}
}

// Buffered returns the number of queued bytes.
func (c *conn) Buffered() int {
	c.r.check("Buffered")
	return c.out.n
}

// LocalAddr returns this end's address. The kernel is asked once, and only if
// somebody wants to know; asked first after the end, it is the port's address.
func (c *conn) LocalAddr() net.Addr {
	c.r.check("LocalAddr")
	if c.local != nil {
		return c.local
	}
	if c.has(isDead) {
		return c.owner.localAddr()
	}
	a, _ := c.r.kernel.LocalAddr(int(c.fd)) // no error on an open socket
	c.local = netAddr(c.owner.network(), a)
	return c.local
}

// RemoteAddr returns the peer's address.
func (c *conn) RemoteAddr() net.Addr {
	return netAddr(c.owner.network(), kernel.Addr{IP: netip.AddrPortFrom(c.peer, c.port), Path: c.owner.peerPath()})
}

// Unacknowledged returns the number of bytes that the peer has not taken.
func (c *conn) Unacknowledged() int {
	c.r.check("Unacknowledged")
	if c.has(isDead) {
		return 0
	}
	return c.out.n + c.r.kernel.Unsent(int(c.fd))
}

// SetNoDelay turns Nagle's algorithm off or on.
func (c *conn) SetNoDelay(on bool) error {
	c.r.check("SetNoDelay")
	return c.setOption(func() error {
		c.flags &^= isNagling
		return errnoError("set TCP_NODELAY", c.r.kernel.SetNoDelay(int(c.fd), on))
	})
}

// SetKeepAlive sets the period of probes.
func (c *conn) SetKeepAlive(period time.Duration) error {
	c.r.check("SetKeepAlive")
	return c.setOption(func() error {
		return errnoError("set SO_KEEPALIVE", c.r.kernel.SetKeepAlive(int(c.fd), period))
	})
}

// setOption runs set unless the descriptor is no longer the connection's.
func (c *conn) setOption(set func() error) error {
	if c.has(isDead) {
		return c.end.reason
	}
	return set()
}
