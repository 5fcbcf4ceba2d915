package reactor

import (
	"fmt"
	"net"
	"net/netip"

	"skein/protocol"
	"skein/reactor/internal/kernel"
)

// conn is one connection: the transport of its protocol, and the source of its
// descriptor. A server has many, so it is kept small, and what an event needs
// stands in its first 64 bytes: with ten thousand connections each event finds
// its conn out of the cache, and one line of it is fetched instead of three. What
// only a busy or a closing connection needs hangs on a pointer.
type conn struct {
	r         *Reactor
	proto     protocol.Protocol
	fd        int32
	flags     connFlags
	port      uint16     // the peer's
	out       queue      // bytes that the kernel has not taken
	producing *producing // a registered producer

	end   *ending // how and why it ends, once that is so
	owner connOwner
	peer  netip.Addr // not valid for a UNIX socket
	local net.Addr   // nil until somebody asks
}

// connOwner is the port or connector that a connection came from.
type connOwner interface {
	owner
	// network is "tcp" or "unix".
	network() string
	// peerPath is the path that a UNIX connection leads to, "" if none is known.
	peerPath() string
	// localAddr is this side's address as far as the owner knows it.
	localAddr() net.Addr
	// lostConn is called after the protocol's ConnectionLost.
	lostConn(c *conn, reason error)
}

// connFlags are the states of a connection that are yes or no.
type connFlags uint16

const (
	// What the kernel said, in its own bits, which are the lowest. Readiness is
	// remembered here because it is told by edges: once, when it changes.
	isReadable = connFlags(kernel.Readable)
	isWritable = connFlags(kernel.Writable)
	isHungUp   = connFlags(kernel.Hangup) // of the peer, or urgent data: a short read is not the last
	told       = isReadable | isWritable | isHungUp
)

const (
	// What the protocol asked for.
	isPaused        connFlags = (told + 1) << iota // PauseProducing
	isDisconnecting                                // LoseConnection, or the peer's end: no more DataReceived
	isHalfClosing                                  // LoseWriteConnection

	// How far it has come.
	isReadShut  // the end of input has been read
	isWriteShut // the end of output has been sent
	isLingering // all is sent; waiting for the peer's end
	isDead      // gone from the kernel; ConnectionLost is due or done
	isWatched   // the poller knows it
	isFull      // it tells of room for output, too: there was none once

	// Where it is queued.
	isDirty   // in Reactor.dirty, or in Reactor.served
	isBacklog // in Reactor.backlog

	isFlowing // a push producer is registered, and not held back

	isNagling // nothing was written to this client, so TCP_NODELAY is not set yet
)

// has reports whether any of the flags is up.
func (c *conn) has(f connFlags) bool { return c.flags&f != 0 }

const (
	// readSize is the most that one read of a connection takes: in a turn there is one,
	// and a second where the first was short and the peer's end was known.
	readSize = 64 << 10
	// writeSize is the most that one write of a connection gives the kernel: in a turn
	// there is one, and as many more as producerRounds says if a producer goes on.
	writeSize = 256 << 10
)

// newConn returns the connection of a connected descriptor; open brings it to
// life.
func (r *Reactor) newConn(fd int, remote netip.AddrPort, o connOwner) *conn {
	c := r.conns.take()
	c.r, c.fd, c.owner = r, int32(fd), o
	c.peer, c.port = remote.Addr(), remote.Port()
	c.flags = isWritable
	r.opened()
	r.stats.Connections++
	r.stats.Open++
	return c
}

// open builds the protocol and makes the connection known to it. A factory that
// panics or refuses costs this connection. from is c.owner: to make the one interface
// of the other takes a search.
func (c *conn) open(from owner, f protocol.Factory) {
	r := c.r
	addr, outer := c.peerAddr(), r.current
	failure := r.do(from, "BuildProtocol", func() {
		if c.proto = f.BuildProtocol(addr); c.proto != nil {
			c.begin()
		}
	})
	r.current = outer
	switch {
	case failure != nil:
		c.fail(failure)
	case c.proto == nil:
		c.die(protocol.ErrConnectionDone, false)
	}
	c.serveOutput()
}

// peerAddr is RemoteAddr for the loop's own use: an address of the slab.
func (c *conn) peerAddr() net.Addr {
	if !c.peer.IsValid() {
		return c.RemoteAddr()
	}
	return c.r.addrs.take().set(netip.AddrPortFrom(c.peer, c.port))
}

// begin introduces the transport and the protocol to each other. It is user code
// already: what panics here, open hears of.
func (c *conn) begin() {
	r := c.r
	r.current = c
	r.next("BuildProtocol", c, "MakeConnection")
	c.proto.MakeConnection(c)
	if !c.has(isDead) {
		r.next("MakeConnection", c, "ConnectionMade")
		c.proto.ConnectionMade()
	}
}

// note remembers an edge.
func (c *conn) note(ev kernel.Events) { c.flags |= connFlags(ev) & told }

// shortAnswer is how many bytes of output may wait for Served. Of more, the copies would
// have left the cache by then, and the pool has few chunks of that size: see
// TestManyLongAnswersDoNotAllocate.
const shortAnswer = 8 << 10

// ready takes an edge: it reads, and leaves for answer what follows from that. A batch
// of epoll's has one event of a descriptor at most, so a connection that ends by its
// own is finished by ready or by answer: nothing in the rest of the batch can be meant
// for its number any more, and no turn is needed. (A batch of kqueue's may have another,
// which is a hint, and taken as one.)
func (c *conn) ready(ev kernel.Events, _ uint32) {
	r := c.r
	r.serving = c
	c.note(ev)
	if ev&kernel.Failed != 0 {
		c.lookForError()
	}
	c.takeInput()
	r.serving = nil
	switch {
	case c.has(isDead):
		c.finish()
	case c.has(isDirty): // its flush will come, since somebody has written to it, or this is its second event
	case c.out.n > shortAnswer:
		c.answer()
	case c.out.n > 0 || !c.isAtRest(): // the first alone says most of the time
		c.flags |= isDirty
		r.served = append(r.served, c)
	}
}

// answer moves what the connection's own event has left to do. It comes behind the
// events of a few others, see Served, unless there is much to send. Its own event is
// over, so to close its descriptor is as safe here as it is in ready.
func (c *conn) answer() {
	r := c.r
	c.flags &^= isDirty
	if c.has(isDead) {
		return // by another's callback: it is in Reactor.lost
	}
	r.serving, r.current = c, c
	if b := c.piece(); b != nil {
		n, errno := r.kernel.Write(int(c.fd), b, c.isLast(len(b)))
		c.gave(n, len(b), errno)
	}
	if !c.isAtRest() {
		c.moveOutput()
	}
	r.serving, r.current = nil, nil
	if c.has(isDead) {
		c.finish()
	}
}

// lookForError collects an error that nobody would see, since nobody reads. The number
// of the descriptor may have stood for something else: ask.
func (c *conn) lookForError() {
	if c.wantsInput() {
		return
	}
	if errno := c.r.kernel.SocketError(int(c.fd)); errno != 0 {
		c.fail(errno)
	}
}

// serve gives the connection its share of a turn: input first, as Twisted does.
func (c *conn) serve() {
	c.flags &^= isBacklog
	c.takeInput()
	c.serveOutput()
}

// requeue puts a connection that could go on behind the others.
func (c *conn) requeue() {
	if c.has(isDead | isBacklog) {
		return
	}
	if c.has(isReadable) && c.wantsInput() || c.has(isWritable) && c.out.n > 0 || c.wantsMore() {
		c.flags |= isBacklog
		c.r.enqueue(c)
	}
}

// logName names the connection for the log.
func (c *conn) logName() string {
	return fmt.Sprintf("%s,%s", protocolName(c.proto), c.RemoteAddr())
}

// protocolName returns the protocol's own name for itself, or its type's. It is
// called to report panics, so it must survive one.
func protocolName(p protocol.Protocol) (name string) {
	defer func() {
		if recover() != nil {
			name = fmt.Sprintf("%T", p)
		}
	}()
	if l, ok := p.(protocol.LogPrefixer); ok {
		return l.LogPrefix()
	}
	return fmt.Sprintf("%T", p)
}

// finish gives the descriptor back at once and delivers ConnectionLost. No
// callback may be running.
func (c *conn) finish() {
	r := c.r
	r.table[c.fd] = nil
	r.kernel.CloseSocket(int(c.fd), c.end.reset)
	c.deliverLost()
	if len(r.starved) > 0 {
		r.retryStarved()
	}
}

// deliverLost delivers ConnectionLost, and then tells the owner.
func (c *conn) deliverLost() {
	r, reason := c.r, c.end.reason
	if p := c.producing; p != nil {
		c.dropProducer()
		_ = r.do(c, "StopProducing", p.StopProducing)
	}
	if c.proto != nil { // it knows its transport
		_ = r.do(c, "ConnectionLost", func() { c.proto.ConnectionLost(reason) })
	}
	r.stats.Open--
	c.owner.lostConn(c, reason)
	// Its neighbours in the slab may keep c for long.
	c.proto, c.end = nil, r.epitaph(reason)
	r.ended()
}
