package reactor

import (
	"fmt"
	"net"
	"syscall"
	"time"

	"skein/deferred"
	"skein/deferred/clock"
	"skein/protocol"
	"skein/reactor/internal/kernel"
)

// Port is a listening socket with its factory.
//
// Twisted: tcp.Port, unix.Port.
type Port struct {
	r       *Reactor
	fd      int
	addr    net.Addr
	factory protocol.Factory
	cleanup func() // removes the path of a UNIX socket
	request string // the address as it was asked for
	lent    bool   // Socket.Lent
	place   uint64 // in the order of opening

	open   bool
	queued bool // in Reactor.backlog
	held   bool // PauseAccepting
	paused bool // out of descriptors: in Reactor.starved
	single bool // clients have come one at a time of late: see serve
	retry  *clock.DelayedCall
	end    stopping
}

// ListenOption is a choice for one port.
type ListenOption func(*listenOptions)

type listenOptions struct {
	kernel.ListenOptions
	mode  uint32
	exact bool
}

// Backlog sets how many connections may wait to be accepted; the default is as
// many as the system allows.
func Backlog(n int) ListenOption { return func(o *listenOptions) { o.ListenOptions.Backlog = n } }

// ReusePort lets several sockets that all set it, of several processes, share
// the address; the kernel spreads the connections, or the datagrams, over them.
func ReusePort() ListenOption { return func(o *listenOptions) { o.ListenOptions.ReusePort = true } }

// OwnAddress keeps the port from taking a socket of [WithSockets] that is bound to
// another address: it binds its own then. It is for a port that is not what the
// maker of the sockets had in mind, as one that shows statistics.
func OwnAddress() ListenOption { return func(o *listenOptions) { o.exact = true } }

// chooseListen applies the options of a port to the defaults.
func (r *Reactor) chooseListen(opts []ListenOption) listenOptions {
	o := listenOptions{mode: 0o666}
	o.ListenOptions.ReusePort = r.opts.reusePort
	for _, opt := range opts {
		opt(&o)
	}
	return o
}

// ListenTCP listens on addr, "host:port", and makes a protocol by f for each
// connection. The port is bound when ListenTCP returns: [Port.Addr] knows the
// number that port 0 stood for. An empty host is every address of the machine,
// IPv6 and IPv4. A host that is a name is looked up here and now. The error is
// a [*protocol.CannotListenError].
//
// Twisted: reactor.listenTCP.
func (r *Reactor) ListenTCP(addr string, f protocol.Factory, opts ...ListenOption) (*Port, error) {
	if f == nil {
		panic(errNilFunc("ListenTCP"))
	}
	r.check("ListenTCP")
	p, err := r.listenTCP(addr, f, r.chooseListen(opts))
	if err != nil {
		return nil, &protocol.CannotListenError{Addr: addr, Err: err}
	}
	return p, nil
}

// listenTCP is ListenTCP with the bare error.
func (r *Reactor) listenTCP(addr string, f protocol.Factory, o listenOptions) (*Port, error) {
	if r.closed {
		return nil, ErrStopped
	}
	if fd, _, err := r.claim("tcp", addr, o); err != nil {
		return nil, err
	} else if fd >= 0 {
		return r.newPort(fd, "tcp", addr, f, nil)
	}
	addrs, err := listenAddrs(addr)
	if err != nil {
		return nil, err
	}
	for _, ap := range addrs {
		a := kernel.Addr{IP: ap}
		fd, errno := r.kernel.Listen(a, o.ListenOptions)
		if errno == syscall.EAFNOSUPPORT || errno == syscall.EADDRNOTAVAIL && len(addrs) > 1 {
			err = errno // no IPv6 here: try IPv4
			continue
		}
		if errno != 0 {
			return nil, errno
		}
		return r.newPort(fd, "tcp", addr, f, nil)
	}
	return nil, err
}

// newPort watches a listening socket, opened for the address that was asked for.
func (r *Reactor) newPort(fd int, network, request string, f protocol.Factory, cleanup func()) (*Port, error) {
	bound, errno := r.kernel.LocalAddr(fd)
	p := &Port{r: r, fd: fd, addr: netAddr(network, bound), factory: f, cleanup: cleanup, request: request, place: r.place(), open: true}
	var err error
	if errno == 0 {
		err = r.watch(fd, p)
	} else {
		err = errno
	}
	if err != nil {
		r.kernel.CloseSocket(fd, false)
		return nil, err
	}
	r.opened()
	r.startFactory(p, starter(f))
	r.log.Debug().Str("port", p.logName()).Msg("listening")
	return p, nil
}

// Addr returns the address that the port is bound to. Any goroutine may call it.
//
// Twisted: Port.getHost.
func (p *Port) Addr() net.Addr { return p.addr }

// StopListening closes the port and returns a Deferred that fires with nil once
// the socket is closed and new connections are refused. Connections that the
// port has made live on. Calling it again is no error.
//
// Twisted: Port.stopListening.
func (p *Port) StopListening() *deferred.Deferred {
	return p.end.stop(p.r, p.shutdown)
}

// PauseAccepting leaves new connections in the kernel's queue, where they wait
// without cost to this process, until ResumeAccepting. It takes effect at once:
// called while a connection is being made, that one is the last.
//
// Twisted: Port.pauseProducing.
func (p *Port) PauseAccepting() {
	p.r.check("PauseAccepting")
	p.held = true
}

// ResumeAccepting ends what PauseAccepting began. Nobody is accepted from inside
// this call.
//
// Twisted: Port.resumeProducing.
func (p *Port) ResumeAccepting() {
	p.r.check("ResumeAccepting")
	if !p.held {
		return
	}
	p.held = false
	if p.open && !p.queued {
		p.queued = true
		p.r.enqueue(p)
	}
}

// shutdown closes the port. The rest follows when its descriptor is closed.
func (p *Port) shutdown() {
	if !p.open {
		return
	}
	p.open = false
	if p.retry != nil && p.retry.Active() {
		_ = p.retry.Cancel()
	}
	p.removePath()
	p.r.kernel.Remove(p.fd)
	p.r.release(p.fd, false)
	p.r.afterClose = append(p.r.afterClose, p.finish)
}

// finish tells those who wait that the socket is closed.
func (p *Port) finish() {
	p.end.finished = true
	p.r.log.Debug().Str("port", p.logName()).Msg("closed")
	p.r.stopFactory(p, starter(p.factory))
	p.end.tell()
	p.r.ended()
}

// acceptBatch is how many connections a port accepts in one turn.
const acceptBatch = 64

// ready takes an edge.
func (p *Port) ready(kernel.Events, uint32) { p.enqueueOrServe() }

// enqueueOrServe accepts now, unless the port's share of this turn is still to
// come.
func (p *Port) enqueueOrServe() {
	if !p.queued {
		p.serve()
	}
}

// serve accepts until nobody waits, or the port's share is used up. An edge
// tells of the first client, and says nothing of a second, so the end is found by
// asking for one more. Where clients come one at a time, poll is asked and not
// accept, which makes a socket before it looks, and unmakes it: that is 3 to 5 %
// of the CPU time of connect-poem-close.
func (p *Port) serve() {
	p.queued = false
	for i := range acceptBatch {
		if !p.open || p.paused || p.held {
			p.r.watchUnwatched(0) // nobody comes who would see them off
			return
		}
		if i == 1 && p.single && p.r.kernel.Pending(p.fd)&kernel.Readable == 0 {
			return
		}
		fd, from, errno := p.r.kernel.Accept(p.fd)
		switch errno {
		case 0:
			p.single = p.single && i == 0
			p.accepted(fd, from, i == 0)
		case syscall.EAGAIN:
			p.single = i == 1
			return
		case syscall.ECONNABORTED, syscall.EPERM, syscall.EPROTO:
			// This one client is gone; the next may wait.
		case syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM:
			p.starve(errno, "waiting until a connection closes: raise the limit of open files")
			return
		default:
			p.starve(errno, "trying again in a moment")
			return
		}
	}
	p.queued = true
	p.r.enqueue(p)
}

// accepted makes a connection of an accepted descriptor, the first of a batch or
// a later one.
func (p *Port) accepted(fd int, from kernel.Addr, first bool) {
	r := p.r
	r.stats.Accepted++
	c := r.newConn(fd, from.IP, p)
	r.setSource(fd, c)
	r.seeOff() // those who left before this one came
	if first {
		r.seeOffLatest()
	}
	if !p.open {
		c.die(protocol.ErrConnectionAborted, true) // one of them has stopped the port
		return
	}
	c.open(p, p.factory)
	switch {
	case c.has(isDead | isLingering | isWatched):
	case c.has(isPaused) && !c.has(isDisconnecting):
		r.park(c)
	default:
		c.watch()
	}
}

// retryPause is the longest that a starved port waits before it tries again:
// descriptors that something else in the process closes are not announced.
const retryPause = 100 * time.Millisecond

// starvedLogPause is the time between two lines about that: it may go on for
// hours, and each client that leaves ends it for a moment.
const starvedLogPause = 10 * time.Second

// starve stops accepting for want of descriptors or memory. Those who wait
// stay in the kernel's queue, where they cost nothing, until a connection
// closes: an edge is told once, so there is nothing to spin on.
func (p *Port) starve(errno syscall.Errno, remedy string) {
	p.paused = true
	if now := p.r.kernel.Now(); now.After(p.r.quietUntil) {
		p.r.quietUntil = now.Add(starvedLogPause)
		p.r.log.Warn().Err(errno).Str("port", p.logName()).Msg("cannot accept: " + remedy)
	}
	p.r.watchUnwatched(0) // so that their ends are told at once
	p.r.starved = append(p.r.starved, p)
	p.r.stats.Starved++
	p.retry = p.r.timers.Add(retryPause, p.r.retryStarved)
}

// retryStarved lets ports accept again. It is called when descriptors have been
// closed, and by a timer.
func (r *Reactor) retryStarved() {
	ports := r.starved
	r.starved = nil
	for _, p := range ports {
		p.paused = false
		if p.retry.Active() {
			_ = p.retry.Cancel()
		}
		p.enqueueOrServe()
	}
}

// logName names the port for the log.
func (p *Port) logName() string { return fmt.Sprintf("%T on %s", p.factory, p.addr) }

// network is the kind of the port's connections.
func (p *Port) network() string { return p.addr.Network() }

// peerPath is empty: the client end of a UNIX connection has no name.
func (p *Port) peerPath() string { return "" }

// localAddr is the address that the port is bound to.
func (p *Port) localAddr() net.Addr { return p.addr }

// lostConn has nothing to do.
func (p *Port) lostConn(*conn, error) {}
