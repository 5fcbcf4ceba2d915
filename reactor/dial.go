package reactor

import (
	"context"
	"net/netip"
	"syscall"
	"time"

	"skein/deferred/clock"
	"skein/protocol"
	"skein/reactor/internal/kernel"
)

// headStart is how long an address has to itself before the next one is tried,
// too (RFC 8305, section 5).
const headStart = 250 * time.Millisecond

// busyPause is how long to wait before asking again where the kernel gives no
// sign: of a UNIX listener whose queue is full, of memory for output.
const busyPause = 10 * time.Millisecond

// dialing is the part of an attempt that looks up and tries addresses.
type dialing struct {
	begun   bool // step has been called
	started bool // the factory has heard that the attempt began
	over    bool
	failure error // why it failed, or why the last address did

	local   *kernel.Addr  // to connect from, nil: any
	waiting []kernel.Addr // not tried yet
	dials   *dial         // being tried, the latest first
	next    *clock.DelayedCall

	// Most attempts have one address, and one socket.
	one   [1]kernel.Addr
	first dial
}

// dial is one socket on its way, and the source of its descriptor.
type dial struct {
	a     *attempt
	fd    int
	tag   uint32       // of its edges, never 0
	addr  *kernel.Addr // one of the attempt's
	older *dial        // the next of dialing.dials
}

// resolve finds the addresses, off the loop if it may take long.
func (a *attempt) resolve() {
	if a.c.net == "unix" {
		a.tryOne(kernel.Addr{Path: a.c.dest})
		return
	}
	err := a.c.r.target.set(a.c.dest)
	if err == nil {
		err = a.bindTo(a.c.opts.local)
	}
	if err != nil {
		a.finish(err)
		return
	}
	host, port := a.c.r.target.host, a.c.r.target.port
	if ip := a.c.r.target.ip; ip.IsValid() {
		a.tryOne(kernel.Addr{IP: netip.AddrPortFrom(ip, port)})
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	a.cancel = cancel
	a.c.r.lookups++
	go func() {
		ips, err := lookup(ctx, host)
		a.c.r.CallFromThread(func() {
			cancel()
			a.c.r.lookups--
			a.resolved(ips, port, err)
		})
	}()
}

// target is what a destination's text says. The reactor keeps the last one: a
// proxy connects to the same again and again, and reading the text takes longer
// than the rest of the way to the system call.
type target struct {
	text string
	host string
	port uint16
	ip   netip.Addr // not valid if the host is a name
}

// set reads a text, unless it is the one that was read last.
func (t *target) set(text string) error {
	if text == t.text && text != "" {
		return nil
	}
	host, port, err := splitPort(text)
	if err != nil {
		return err
	}
	if host == "" {
		host = "localhost" // as in Go's net
	}
	ip, _ := literal(host)
	*t = target{text, host, port, ip}
	return nil
}

// bindTo notes the address to connect from.
func (a *attempt) bindTo(addr string) error {
	if addr == "" {
		return nil
	}
	host, port, err := splitPort(addr)
	if err != nil {
		return err
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return err
	}
	a.local = &kernel.Addr{IP: netip.AddrPortFrom(ip.Unmap(), port)}
	return nil
}

// localPort returns the port to connect from, or 0: any.
func (a *attempt) localPort() uint16 {
	if a.local == nil {
		return 0
	}
	return a.local.IP.Port()
}

// resolved takes the result of the lookup.
func (a *attempt) resolved(ips []netip.Addr, port uint16, err error) {
	switch {
	case a.over:
	case err != nil:
		a.finish(err)
	default:
		addrs := make([]kernel.Addr, len(ips))
		for i, ip := range ips {
			addrs[i] = kernel.Addr{IP: netip.AddrPortFrom(ip, port)}
		}
		a.try(addrs)
	}
}

// tryOne begins with the one address there is.
func (a *attempt) tryOne(addr kernel.Addr) {
	a.one[0] = addr
	a.try(a.one[:])
}

// try begins with the first of the addresses.
func (a *attempt) try(addrs []kernel.Addr) {
	a.waiting = addrs
	a.tryNext()
}

// tryNext dials the next address, and sets the time for the one after it. With
// no address left and none being tried, the attempt has failed.
func (a *attempt) tryNext() {
	if a.next != nil && a.next.Active() {
		_ = a.next.Cancel()
	}
	for len(a.waiting) > 0 {
		addr := &a.waiting[0]
		errno := a.dial(addr)
		if errno == syscall.EAGAIN && addr.Unix() {
			a.next = a.c.r.timers.Add(busyPause, a.tryNext)
			return
		}
		a.waiting = a.waiting[1:]
		if errno == 0 {
			break
		}
		a.failure = errno
	}
	switch {
	case len(a.waiting) > 0:
		a.next = a.c.r.timers.Add(headStart, a.tryNext)
	case a.dials == nil:
		a.finish(a.failure)
	}
}

// dial begins to connect to one address.
func (a *attempt) dial(addr *kernel.Addr) syscall.Errno {
	r := a.c.r
	var local kernel.Addr
	if a.local != nil {
		local = *a.local
	}
	fd, errno := r.kernel.Connect(*addr, local)
	if errno != 0 {
		return errno
	}
	tag := r.nextTag()
	if errno := r.kernel.AddTagged(fd, tag); errno != 0 {
		r.kernel.CloseSocket(fd, false)
		return errno
	}
	d := &a.first
	if d.a != nil { // in use, or has been
		d = new(dial)
	}
	*d = dial{a: a, fd: fd, tag: tag, addr: addr, older: a.dials}
	r.setSource(fd, d)
	a.dials = d
	return 0
}

// nextTag returns the tag of the next dial.
func (r *Reactor) nextTag() uint32 {
	r.dialed++
	if r.dialed == 0 { // which no tag is
		r.dialed++
	}
	return r.dialed
}

// ready takes an edge: the socket is connected, or is not going to be. The edge
// may be another socket's, which had the number before: one that its user has
// closed in this batch, or one that is closed here and not yet in a child that
// stands between fork and exec. So only one that has the dial's tag and tells of no
// error is believed at once; without a tag, the socket itself has to say that it has
// a peer.
func (d *dial) ready(ev kernel.Events, tag uint32) {
	if ev&kernel.Writable == 0 || tag != 0 && tag != d.tag {
		return
	}
	a, k := d.a, d.a.c.r.kernel
	if tag == 0 || ev&kernel.Failed != 0 {
		if errno := k.Connected(d.fd); errno != 0 {
			if failure := k.SocketError(d.fd); failure != 0 {
				errno = failure // macOS has words of its own for a refusal; this one is the reason
			} else if errno == syscall.ENOTCONN {
				return // not over yet
			}
			d.failed(errno)
			return
		}
	}
	if k.Itself(d.fd, d.addr.IP.Port(), a.localPort()) {
		d.failed(syscall.ECONNREFUSED) // nobody else listens there
		return
	}
	a.forget(d)
	a.succeed(d.fd, d.addr, ev)
}

// serve is for the backlog, where no dial ever is.
func (d *dial) serve() {}

// failed gives up one address and goes on with the next.
func (d *dial) failed(errno syscall.Errno) {
	a := d.a
	a.failure = errno
	a.forget(d)
	a.c.r.release(d.fd, false)
	a.tryNext()
}

// closeDials gives back the sockets of an attempt that is over.
func (a *attempt) closeDials() {
	if a.next != nil && a.next.Active() {
		_ = a.next.Cancel()
	}
	for d := a.dials; d != nil; d = d.older {
		a.c.r.release(d.fd, true)
	}
	a.dials, a.waiting = nil, nil
}

// forget takes a dial off the list.
func (a *attempt) forget(d *dial) {
	at := &a.dials
	for *at != d {
		at = &(*at).older
	}
	*at = d.older
}

var _ protocol.Connector = (*connector)(nil)
