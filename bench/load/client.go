package load

import (
	"errors"
	"net"

	"skein/protocol"
	"skein/reactor"
)

// client is one worker: it has at most one connection at a time, and one after
// the other. It is factory and protocol in one, and all its state, because there
// may be many.
type client struct {
	g         *Generator
	transport protocol.Transport
	connector protocol.Connector

	since  int64 // when the attempt to connect began, the last answer came or the pause began
	sum    uint64
	got    int    // bytes of the answer that is coming
	buf    []byte // the answer that is coming, where there is nothing to compare it with yet
	id     int32
	source int32
	moves  int32 // how many sources have had no port, in a row

	first    int32 // the oldest operation under way, in the ring of this client
	underway int32
	asked    int32 // of these, those that have been asked on this connection
	answered int32 // operations, on this connection
	seq      uint32
	fails    int32 // attempts to connect, in a row

	state   state
	failure Kind // why this side ended the connection
	pausing bool
	queued  bool // in Generator.queue
	settled bool // its first connection stands or is not to be had
}

// state is where a client's connection stands.
type state uint8

const (
	disconnected state = iota
	connecting
	connected
)

var (
	_ protocol.ClientFactory = (*client)(nil)
	_ protocol.Protocol      = (*client)(nil)
)

// available reports whether another operation can begin.
func (c *client) available() bool {
	g := c.g
	switch {
	case c.pausing:
		return false
	case g.mode.perOperation():
		return c.state == disconnected && c.underway == 0
	case g.single:
		return c.underway == 0 && (c.state == disconnected || c.state == connected && c.answered == 0)
	}
	return c.state == connected && int(c.underway) < g.opts.Depth
}

// begin begins an operation that was due at that time.
func (c *client) begin(due, now int64) {
	g := c.g
	n := int32(g.opts.Depth)
	g.ops[c.id*n+(c.first+c.underway)%n] = op{due: due, begun: now}
	c.underway++
	g.underway++
	if c.state == connected {
		c.ask()
	} else {
		c.connect()
	}
}

// ask asks for the operations that have not been asked for; of a server that
// closes after its first answer, for one.
func (c *client) ask() {
	for c.state == connected && c.asked < c.underway {
		if c.g.single && c.asked+c.answered > 0 {
			return
		}
		c.asked++
		c.g.mode.ask(c)
	}
}

// oldest returns the operation that is answered next.
func (c *client) oldest() op { return c.g.ops[c.id*int32(c.g.opts.Depth)+c.first] }

// pop takes the oldest operation off.
func (c *client) pop() op {
	o := c.oldest()
	c.first = (c.first + 1) % int32(c.g.opts.Depth)
	c.underway--
	c.asked = max(c.asked-1, 0)
	c.g.underway--
	return o
}

// succeed counts the oldest operation as done and right.
func (c *client) succeed() {
	g, o := c.g, c.pop()
	now := g.now()
	c.answered++
	if int(c.answered) > g.opts.Depth && !g.single {
		g.keeps = true
	}
	c.since = now
	g.watch.good(now)
	g.report.Operations++
	g.record(now-o.due, 1)
	if g.opts.Rate > 0 {
		g.full.Service.record(now-o.begun, 1)
	}
}

// fail counts the oldest operation as failed. One that took too long counts in the
// latency, too, with what it had waited: without the slowest, a server would seem
// faster the more it leaves undone.
func (c *client) fail(k Kind) {
	o := c.pop()
	c.g.report.Failed++
	if k == TimedOut || k == ConnectTimedOut {
		c.g.record(c.g.now()-o.due, 1) // at least
	}
}

// failAll fails all that is under way.
func (c *client) failAll(k Kind) {
	for c.underway > 0 {
		c.fail(k)
	}
}

// connect begins to connect. A connector is used again unless the addresses
// have changed.
func (c *client) connect() {
	g := c.g
	c.state, c.since, c.failure = connecting, g.now(), ""
	c.sum, c.got, c.buf, c.asked, c.answered = 0, 0, nil, 0, 0
	g.connecting++
	to := g.opts.Addrs[g.server].String()
	if c.connector != nil && c.connector.Destination() == to && c.moves == 0 {
		if c.connector.Connect() == nil {
			return
		}
		// The reactor is stopping: a new attempt fails in the orderly way.
	}
	options := []reactor.ConnectOption{reactor.ConnectTimeout(g.opts.Timeout)}
	if from := g.source.bind(c.source, g.opts.Addrs[g.server]); from != "" {
		options = append(options, reactor.BindAddress(from))
	}
	c.connector = g.r.ConnectTCP(to, c, options...)
}

// StartedConnecting has nothing to do.
func (c *client) StartedConnecting(protocol.Connector) {}

// BuildProtocol returns the client itself.
func (c *client) BuildProtocol(net.Addr) protocol.Protocol { return c }

// MakeConnection keeps the transport.
func (c *client) MakeConnection(t protocol.Transport) { c.transport = t }

// ConnectionMade asks for what is under way, or is there for what will be.
func (c *client) ConnectionMade() {
	g := c.g
	now := g.now()
	c.state, c.fails, c.moves = connected, 0, 0
	g.connecting--
	g.live++
	g.peak = max(g.peak, g.live)
	g.report.Opened++
	g.full.Connect.record(now-c.since, 1)
	g.watch.connected(now)
	if g.phase == Over {
		c.close()
		return
	}
	c.ask()
	g.settle(c)
	g.openMore()
	g.free(c)
}

// DataReceived passes input to the mode.
func (c *client) DataReceived(p []byte) {
	g := c.g
	if g.phase == Over || c.failure != "" {
		return
	}
	g.report.Received += uint64(len(p))
	g.mode.data(c, p)
}

// giveUp ends the connection for a reason of this side's.
func (c *client) giveUp(k Kind, what string) {
	if c.failure != "" || c.state != connected {
		return
	}
	c.failure = k
	c.g.count(k, what)
	c.transport.AbortConnection()
}

// ConnectionLost has nothing to do: the connector is ready to go on only in
// ClientConnectionLost.
func (c *client) ConnectionLost(error) {}

// ClientConnectionLost settles what was under way, and goes on.
func (c *client) ClientConnectionLost(_ protocol.Connector, reason error) {
	g := c.g
	c.state, c.transport = disconnected, nil
	g.live--
	if g.phase == Over {
		g.maybeClosed()
		return
	}
	before := c.underway
	g.mode.ended(c, reason)
	single := c.isSingle()
	bad := true
	switch {
	case c.failure != "": // it is counted
	case single:
		bad = false
	case c.underway > 0 || before == 0 && !g.mode.perOperation():
		g.count(kindOf(reason), reason.Error())
	default:
		bad = before > 0 && c.answered == 0 // a wrong poem
	}
	if !single {
		c.failAll(c.failure)
	}
	if bad && !g.mode.perOperation() {
		g.report.Lost++
	}
	c.next(bad)
}

// isSingle reports whether the connection has ended because the server closes
// after its first answer, or the answers to what came with that. It is no error,
// and what is under way is worth another connection; it is known only when it has
// happened. A server that has answered more on one connection is none of these.
func (c *client) isSingle() bool {
	g := c.g
	if g.opts.Mode != Transform || g.keeps || c.failure != "" || c.answered == 0 || int(c.answered) > g.opts.Depth {
		return false
	}
	g.single = true
	return true
}

// next goes on after the end of a connection or of an attempt, a bad one after
// a pause.
func (c *client) next(bad bool) {
	g := c.g
	if bad {
		g.rest(c)
	} else {
		c.resume()
	}
	g.checkServer()
	g.maybeOver()
}

// resume goes on where there is something to do.
func (c *client) resume() {
	g := c.g
	idle := g.opts.Mode == Idle || g.phase == Opening
	switch {
	case g.phase == Over || c.state != disconnected || c.pausing:
	case c.settled && idle: // one that is lost is not opened again
	case c.underway > 0:
		c.connect()
	case g.mode.perOperation() || g.single || g.timeUp && !g.sched.pending(g.since()):
		g.free(c)
	default:
		c.connect()
	}
}

// triesToOpen is how often a client tries to open its first connection.
const triesToOpen = 3

// ClientConnectionFailed counts an attempt that came to nothing.
func (c *client) ClientConnectionFailed(_ protocol.Connector, reason error) {
	g := c.g
	c.state = disconnected
	g.connecting--
	if g.phase == Over {
		g.maybeClosed()
		return
	}
	if errors.Is(reason, reactor.ErrStopped) {
		return // the load is stopped, too
	}
	kind := kindOf(reason)
	if kind == NoPorts && int(c.moves)+1 < g.source.count(g.opts.Addrs[g.server]) {
		c.moves++
		c.source = g.source.after(c.source)
		c.connect()
		return
	}
	if g.nextServer(c.connector.Destination()) {
		c.connect()
		return
	}
	c.fails++
	c.moves = 0
	g.count(kind, reason.Error())
	c.failAll(kind)
	g.watch.failures++
	c.next(true)
	if c.fails >= triesToOpen {
		g.settle(c)
	}
	g.openMore()
}

// close ends the client in good order.
func (c *client) close() {
	switch c.state {
	case connecting:
		c.connector.Disconnect()
	case connected:
		c.transport.LoseConnection()
	}
}

// abort ends the client.
func (c *client) abort() {
	if c.state == connected {
		c.transport.AbortConnection()
	}
}
