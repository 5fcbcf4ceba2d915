package reactor

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"

	"skein/deferred"
	"skein/protocol"
	"skein/reactor/internal/kernel"
)

// DatagramPort is a UDP socket with its protocol: the transport that the
// protocol is given.
//
// Twisted: udp.Port.
type DatagramPort struct {
	r     *Reactor
	fd    int
	addr  net.Addr
	proto protocol.DatagramProtocol

	request   string // the address as it was asked for
	place     uint64 // in the order of opening
	connected bool   // it has a peer

	open     bool
	readable bool // the kernel has said so, and has not been found empty since
	held     bool // PauseProducing
	queued   bool // in Reactor.backlog
	end      stopping
}

var _ protocol.DatagramTransport = (*DatagramPort)(nil)

// ListenUDP binds a UDP socket to addr, "host:port", for p, whose
// MakeConnection and StartProtocol are called before it returns. For a client's
// socket, "localhost:0" or ":0" and then Connect. Of the options, [ReusePort]
// and [OwnAddress] concern it. The error is a [*protocol.CannotListenError].
//
// Twisted: reactor.listenUDP.
func (r *Reactor) ListenUDP(addr string, p protocol.DatagramProtocol, opts ...ListenOption) (*DatagramPort, error) {
	if p == nil {
		panic(errNilFunc("ListenUDP"))
	}
	r.check("ListenUDP")
	d, err := r.listenUDP(addr, p, r.chooseListen(opts))
	if err != nil {
		return nil, &protocol.CannotListenError{Addr: addr, Err: err}
	}
	return d, nil
}

// listenUDP is ListenUDP with the bare error.
func (r *Reactor) listenUDP(addr string, p protocol.DatagramProtocol, o listenOptions) (*DatagramPort, error) {
	if r.closed {
		return nil, ErrStopped
	}
	fd, err := r.bindUDP(addr, o)
	if err != nil {
		return nil, err
	}
	bound, _ := r.kernel.LocalAddr(fd) // no error on an open socket
	d := &DatagramPort{r: r, fd: fd, addr: net.UDPAddrFromAddrPort(bound.IP), proto: p, request: addr, place: r.place(), open: true}
	if err := r.watch(fd, d); err != nil {
		r.kernel.CloseSocket(fd, false)
		return nil, err
	}
	r.opened()
	_ = r.do(d, "MakeConnection", func() { p.MakeConnection(d) })
	_ = r.do(d, "StartProtocol", p.StartProtocol)
	return d, nil
}

// bindUDP returns a UDP socket: one that was given, or a new one.
func (r *Reactor) bindUDP(addr string, o listenOptions) (int, error) {
	if fd, _, err := r.claim("udp", addr, o); fd >= 0 || err != nil {
		return fd, err
	}
	addrs, err := listenAddrs(addr)
	if err != nil {
		return -1, err
	}
	fd, errno := -1, syscall.EINVAL
	for i, ap := range addrs {
		fd, errno = r.kernel.ListenUDP(kernel.Addr{IP: ap}, o.ListenOptions)
		if errno == 0 || i == len(addrs)-1 || errno != syscall.EAFNOSUPPORT && errno != syscall.EADDRNOTAVAIL {
			break // else there is no IPv6 here: try IPv4
		}
	}
	if errno != 0 {
		return -1, errno
	}
	return fd, nil
}

// datagramBatch is how many datagrams a socket delivers in one turn.
const datagramBatch = 32

// ready takes an edge.
func (d *DatagramPort) ready(ev kernel.Events, _ uint32) {
	if ev&kernel.Readable != 0 {
		d.readable = true
	}
	if !d.queued {
		d.serve()
	}
}

// serve delivers until there is nothing, or the socket's share is used up. A
// datagram's length says nothing of the next one, so the end is always an
// EAGAIN.
func (d *DatagramPort) serve() {
	d.queued = false
	for range datagramBatch {
		if !d.wantsInput() {
			return
		}
		n, from, errno := d.r.kernel.ReadFrom(d.fd, d.r.readBuf)
		switch errno {
		case 0:
			d.deliver(d.r.readBuf[:n], from.IP)
		case syscall.EAGAIN:
			d.readable = false
		case syscall.ECONNREFUSED:
			_ = d.r.do(d, "ConnectionRefused", d.proto.ConnectionRefused)
		default:
			d.r.log.Warn().Err(errno).Str("socket", d.logName()).Msg("a datagram could not be read")
		}
	}
	d.requeue()
}

// wantsInput reports whether to read now.
func (d *DatagramPort) wantsInput() bool { return d.open && d.readable && !d.held }

// requeue puts a busy socket behind the others.
func (d *DatagramPort) requeue() {
	if d.wantsInput() && !d.queued {
		d.queued = true
		d.r.enqueue(d)
	}
}

// deliver passes one datagram to the protocol.
func (d *DatagramPort) deliver(data []byte, from netip.AddrPort) {
	d.r.stats.BytesRead += uint64(len(data))
	_ = d.r.do(d, "DatagramReceived", func() { d.proto.DatagramReceived(data, from) })
	if d.r.opts.debug {
		for i := range data {
			data[i] = 0xDB
		}
	}
}

// Write sends p to the connected peer.
func (d *DatagramPort) Write(p []byte) (int, error) { return d.send(p, kernel.Addr{}) }

// WriteTo sends p to an address.
func (d *DatagramPort) WriteTo(p []byte, to netip.AddrPort) (int, error) {
	if !to.IsValid() {
		return 0, os.NewSyscallError("sendto", syscall.EDESTADDRREQ)
	}
	return d.send(p, kernel.Addr{IP: to})
}

// send sends one datagram; a zero address is the connected peer's.
func (d *DatagramPort) send(p []byte, to kernel.Addr) (int, error) {
	d.r.check("Write")
	if !d.open {
		return 0, protocol.ErrConnectionDone
	}
	if errno := d.r.kernel.WriteTo(d.fd, p, to); errno != 0 {
		return 0, os.NewSyscallError("sendto", errno)
	}
	d.r.stats.BytesWritten += uint64(len(p))
	return len(p), nil
}

// Connect makes to the one peer.
func (d *DatagramPort) Connect(to netip.AddrPort) error {
	d.r.check("Connect")
	if !d.open {
		return protocol.ErrConnectionDone
	}
	errno := d.r.kernel.ConnectUDP(d.fd, kernel.Addr{IP: to})
	d.connected = d.connected || errno == 0
	return errnoError("connect", errno)
}

// LocalAddr returns the address that the socket is bound to. Any goroutine may
// call it.
func (d *DatagramPort) LocalAddr() net.Addr { return d.addr }

// Addr is LocalAddr, by the name that [Port] has for it.
func (d *DatagramPort) Addr() net.Addr { return d.addr }

// PauseProducing stops DatagramReceived.
func (d *DatagramPort) PauseProducing() {
	d.r.check("PauseProducing")
	d.held = true
}

// ResumeProducing lets DatagramReceived come again.
func (d *DatagramPort) ResumeProducing() {
	d.r.check("ResumeProducing")
	d.held = false
	d.requeue()
}

// StopListening closes the socket.
func (d *DatagramPort) StopListening() *deferred.Deferred {
	return d.end.stop(d.r, d.shutdown)
}

// shutdown closes the socket. The rest follows when its descriptor is closed.
func (d *DatagramPort) shutdown() {
	if !d.open {
		return
	}
	d.open = false
	d.r.kernel.Remove(d.fd)
	d.r.release(d.fd, false)
	d.r.afterClose = append(d.r.afterClose, d.finish)
}

// finish tells the protocol and those who wait.
func (d *DatagramPort) finish() {
	d.end.finished = true
	_ = d.r.do(d, "StopProtocol", d.proto.StopProtocol)
	d.end.tell()
	d.r.ended()
}

// logName names the socket for the log.
func (d *DatagramPort) logName() string { return fmt.Sprintf("%T on udp %s", d.proto, d.addr) }
