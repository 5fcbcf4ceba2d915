package reactor

import (
	"context"
	"fmt"
	"net"
	"time"

	"skein/deferred/clock"
	"skein/protocol"
	"skein/reactor/internal/kernel"
)

// connector is one outgoing connection through all its attempts.
type connector struct {
	r       *Reactor
	dest    string
	net     string // "tcp" or "unix"
	factory protocol.ClientFactory
	starter protocol.StartStopper // the factory, if it is one
	opts    connectOptions

	state   protocol.ConnectorState
	counted bool     // StartFactory has been told of it
	place   int      // in Reactor.attempts, while connecting
	attempt *attempt // while connecting
	conn    *conn    // while connected
}

// attempt is what one Connect has under way.
type attempt struct {
	stepping func() // step as a function, made once
	c        *connector
	timeout  *clock.DelayedCall
	cancel   context.CancelFunc // ends the name lookup
	dialing                     // see dial.go
}

// ConnectOption is a choice for one connector.
type ConnectOption func(*connectOptions)

type connectOptions struct {
	timeout time.Duration
	local   string
}

// ConnectTimeout sets how long an attempt may take, name lookup included; 30 s
// by default. It must not be negative.
func ConnectTimeout(d time.Duration) ConnectOption {
	return func(o *connectOptions) { o.timeout = d }
}

// BindAddress sets the address to connect from, "host:port" with a literal
// host; port 0 is any.
func BindAddress(addr string) ConnectOption { return func(o *connectOptions) { o.local = addr } }

// ConnectTCP begins to connect to addr, "host:port", and returns the connector
// that stands for the connection. It never fails and calls nothing back: first,
// in a later turn, f.StartedConnecting; then f.BuildProtocol and the protocol's
// methods, or f.ClientConnectionFailed with a [*protocol.ConnectError]; on a
// reactor that is stopping, only the latter. Names
// are looked up off the loop; if they have several addresses, of both
// families, the next attempt starts 250 ms after the one before, and the first
// that succeeds counts (RFC 8305).
//
// Twisted: reactor.connectTCP, and HostnameEndpoint for the addresses.
func (r *Reactor) ConnectTCP(addr string, f protocol.ClientFactory, opts ...ConnectOption) protocol.Connector {
	return r.newConnector("tcp", addr, f, opts)
}

// newConnector makes a connector and its first attempt.
func (r *Reactor) newConnector(network, dest string, f protocol.ClientFactory, opts []ConnectOption) *connector {
	if f == nil {
		panic(errNilFunc("Connect" + network))
	}
	r.check("Connect")
	c := &connector{r: r, net: network, dest: dest, factory: f, starter: starter(f), opts: connectOptions{timeout: 30 * time.Second}}
	for _, o := range opts {
		o(&c.opts)
	}
	if c.Connect() != nil { // a new one is disconnected, so the reactor is stopping
		c.failStopping()
	}
	return c
}

// failStopping tells the factory, in a turn of its own, that nothing is begun
// any more. The shutdown waits for that, until the grace is over: else one that
// answers with another ConnectTCP would keep it from coming to its end.
func (c *connector) failStopping() {
	r, awaited := c.r, !c.r.graceOver
	if awaited {
		r.opened()
	}
	r.soon(func() {
		reason := &protocol.ConnectError{Addr: c.dest, Err: ErrStopped}
		_ = r.do(c, "ClientConnectionFailed", func() { c.factory.ClientConnectionFailed(c, reason) })
		if awaited {
			r.ended()
		}
	})
}

// Connect begins an attempt.
func (c *connector) Connect() error {
	c.r.check("Connector.Connect")
	switch {
	case c.r.closed:
		return ErrStopped // else one that always tries again would keep it from stopping
	case c.state != protocol.Disconnected:
		return protocol.ErrNotDisconnected
	}
	a := c.r.takeAttempt(c)
	a.timeout = c.r.timers.Add(c.opts.timeout, a.stepping)
	c.state, c.attempt = protocol.Connecting, a
	c.r.addAttempt(c)
	c.r.opened()
	c.r.soon(a.stepping)
	return nil
}

// attemptsKept is how many attempts are kept to be used again.
const attemptsKept = 64

// takeAttempt returns a fresh attempt, or one that is as good: most are over within
// a few turns, and neither they nor their functions need be made for each connection.
func (r *Reactor) takeAttempt(c *connector) *attempt {
	last := len(r.unused) - 1
	if last < 0 {
		a := &attempt{c: c}
		a.stepping = a.step
		return a
	}
	a := r.unused[last]
	r.unused[last], r.unused = nil, r.unused[:last]
	a.c = c
	return a
}

// giveBack keeps an attempt that is over, and has told so, for the next Connect; but
// for one that has looked up a name: a lookup that comes too late still asks whether
// it is over.
func (a *attempt) giveBack() {
	r := a.c.r
	if a.cancel == nil && len(r.unused) < attemptsKept {
		*a = attempt{stepping: a.stepping}
		r.unused = append(r.unused, a)
	}
}

// addAttempt notes that a connector connects, so that the shutdown finds it.
func (r *Reactor) addAttempt(c *connector) {
	c.place = len(r.attempts)
	r.attempts = append(r.attempts, c)
}

// removeAttempt forgets it. The last takes its place.
func (r *Reactor) removeAttempt(c *connector) {
	last := len(r.attempts) - 1
	moved := r.attempts[last]
	r.attempts[c.place], moved.place = moved, c.place
	r.attempts[last] = nil
	r.attempts = r.attempts[:last]
}

// step is called in the turn after Connect, to start, and again when the time is
// over: a turn's timers come after its calls, so that is never first.
func (a *attempt) step() {
	if a.begun {
		a.finish(protocol.ErrConnectTimeout)
		return
	}
	a.begun = true
	a.start()
}

// start tells the factory, in a turn of its own, and then really begins.
func (a *attempt) start() {
	c := a.c
	if !c.counted {
		c.counted = true
		c.r.startFactory(c, c.starter)
	}
	_ = c.r.do(c, "StartedConnecting", func() { c.factory.StartedConnecting(c) })
	if a.over { // stopped meanwhile
		a.tellFailed()
		return
	}
	a.started = true
	a.resolve()
}

// StopConnecting ends the attempt.
func (c *connector) StopConnecting() error {
	c.r.check("Connector.StopConnecting")
	if c.state != protocol.Connecting {
		return protocol.ErrNotConnecting
	}
	c.fail(protocol.ErrConnectStopped)
	return nil
}

// fail ends the attempt that is under way.
func (c *connector) fail(cause error) {
	if c.attempt != nil {
		c.attempt.finish(cause)
	}
}

// Disconnect does what the state calls for.
func (c *connector) Disconnect() {
	c.r.check("Connector.Disconnect")
	switch c.state {
	case protocol.Connecting:
		c.fail(protocol.ErrConnectStopped)
	case protocol.Connected:
		c.conn.disconnect(nil)
	}
}

// State tells where the connector stands.
func (c *connector) State() protocol.ConnectorState {
	c.r.check("Connector.State")
	return c.state
}

// Destination returns the address as it was given.
func (c *connector) Destination() string { return c.dest }

// finish ends an attempt without a connection, unless it is over. The factory
// hears of it in a later turn.
func (a *attempt) finish(cause error) {
	if a.over {
		return
	}
	a.failure = cause
	a.close()
	if a.started {
		a.c.r.soon(a.tellFailed)
	}
}

// close gives back all that an attempt has under way.
func (a *attempt) close() {
	a.over = true
	if a.timeout.Active() {
		_ = a.timeout.Cancel()
	}
	if a.cancel != nil {
		a.cancel()
	}
	a.closeDials()
}

// tellFailed tells the factory, which may try again at once.
func (a *attempt) tellFailed() {
	c, r := a.c, a.c.r
	c.state, c.attempt = protocol.Disconnected, nil
	r.removeAttempt(c)
	reason := &protocol.ConnectError{Addr: c.dest, Err: a.failure}
	_ = r.do(c, "ClientConnectionFailed", func() { c.factory.ClientConnectionFailed(c, reason) })
	c.rest()
	r.ended()
	a.giveBack()
}

// succeed makes a connection of a connected descriptor.
func (a *attempt) succeed(fd int, remote *kernel.Addr, ev kernel.Events) {
	c, r := a.c, a.c.r
	a.close()
	r.removeAttempt(c)
	c.state, c.attempt = protocol.Connected, nil
	conn := r.newConn(fd, remote.IP, c)
	conn.flags |= isWatched | isFull // both directions, since it began to connect
	if !remote.Unix() {
		conn.flags |= isNagling // accepted ones inherit the option from their port
	}
	c.conn = conn
	r.setSource(fd, conn)
	conn.open(c, c.factory)
	r.ended()
	a.giveBack()
	if !conn.has(isDead) {
		conn.ready(ev, 0) // what a quick peer has sent already
	}
}

// lostConn tells the factory that its connection is over.
func (c *connector) lostConn(_ *conn, reason error) {
	c.state, c.conn = protocol.Disconnected, nil
	_ = c.r.do(c, "ClientConnectionLost", func() { c.factory.ClientConnectionLost(c, reason) })
	c.rest()
}

// rest counts the connector off its factory, unless it has been asked to try
// again.
func (c *connector) rest() {
	if c.state == protocol.Disconnected && c.counted {
		c.counted = false
		c.r.stopFactory(c, c.starter)
	}
}

// soon runs f, which belongs to the reactor and not to the user, in the next
// turn's calls.
func (r *Reactor) soon(f func()) { r.CallFromThread(f) }

// logName names the connector for the log.
func (c *connector) logName() string { return fmt.Sprintf("%T to %s", c.factory, c.dest) }

// network is the kind of the connection.
func (c *connector) network() string { return c.net }

// peerPath is where a UNIX connection leads.
func (c *connector) peerPath() string {
	if c.net == "unix" {
		return c.dest
	}
	return ""
}

// localAddr is not known any more.
func (c *connector) localAddr() net.Addr { return netAddr(c.net, kernel.Addr{}) }
