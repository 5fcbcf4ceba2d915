package servers

import (
	"errors"
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// epollServer is a bare loop: what the reactor is measured by. It is
// edge-triggered, so that a connection is registered once; it has one buffer to
// read into, and none to write but for what the system did not take. It keeps
// no contract beyond the works'.
type epollServer struct {
	work     epollWork
	epoll    int
	listener int
	waker    int // an eventfd
	stopped  bool

	conns  []*epollConn // by descriptor; kept for the next connection of that number
	events [256]unix.EpollEvent
	input  []byte
}

// epollConn is one connection.
type epollConn struct {
	fd      int
	open    bool
	closing bool   // when out is gone
	out     []byte // what the system has not taken

	in   []byte     // a work's: what has come so far
	left int64      // stream: the bytes to send
	peer *epollConn // relay: the client of a connection to the origin
}

// epollWork is what is done with connections.
type epollWork interface {
	// opened says that a client has come.
	opened(c *epollConn)
	// received delivers bytes, which are overwritten when it returns.
	received(c *epollConn, data []byte)
	// writable says that nothing is queued and that there is room.
	writable(c *epollConn)
	// ended says that nothing more will come: the peer has ended in good order, or
	// it is gone.
	ended(c *epollConn, orderly bool)
}

// epollFlags are for the one registration of a connection.
const epollFlags = unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET

// listenEpoll makes a server on a bare loop.
func listenEpoll(o options) (server, error) {
	s := &epollServer{epoll: -1, listener: -1, waker: -1, input: make([]byte, pieceSize)}
	err := s.open(o)
	if err == nil {
		s.work, err = epollWorkOf(s, o)
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// open makes the descriptors.
func (s *epollServer) open(o options) (err error) {
	if s.listener, err = epollListen(o.addr, o.shared); err != nil {
		return fmt.Errorf("listen on %s: %w", o.addr, err)
	}
	if s.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return fmt.Errorf("epoll_create1: %w", err)
	}
	if s.waker, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		return fmt.Errorf("eventfd: %w", err)
	}
	for _, fd := range []int{s.listener, s.waker} {
		if err := unix.EpollCtl(s.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}); err != nil {
			return fmt.Errorf("epoll_ctl: %w", err)
		}
	}
	return nil
}

// epollListen makes a listening socket. What it has, its connections inherit.
func epollListen(addr string, shared bool) (int, error) {
	family, to, err := epollAddress(addr)
	if err != nil {
		return -1, err
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	err = errors.Join(
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1),
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1))
	if shared {
		err = errors.Join(err, unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1))
	}
	if err == nil {
		err = unix.Bind(fd, to)
	}
	if err == nil {
		err = unix.Listen(fd, 1<<16-1) // the system lowers it to its own limit
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// epollAddress translates HOST:PORT for a call.
func epollAddress(addr string) (family int, to unix.Sockaddr, err error) {
	a, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return 0, nil, err
	}
	if ip := a.IP.To4(); ip != nil {
		return unix.AF_INET, &unix.SockaddrInet4{Port: a.Port, Addr: [4]byte(ip)}, nil
	}
	six := &unix.SockaddrInet6{Port: a.Port}
	copy(six.Addr[:], a.IP) // none: the wildcard
	return unix.AF_INET6, six, nil
}

// address is where it listens.
func (s *epollServer) address() string {
	name, err := unix.Getsockname(s.listener)
	if err != nil {
		return err.Error()
	}
	switch name := name.(type) {
	case *unix.SockaddrInet4:
		return (&net.TCPAddr{IP: name.Addr[:], Port: name.Port}).String()
	case *unix.SockaddrInet6:
		return (&net.TCPAddr{IP: name.Addr[:], Port: name.Port}).String()
	}
	return "an unknown kind of address"
}

// stop wakes the loop for the last time.
func (s *epollServer) stop() { _, _ = unix.Write(s.waker, []byte{1, 0, 0, 0, 0, 0, 0, 0}) }

// serve is the loop.
func (s *epollServer) serve() error {
	for !s.stopped {
		n, err := unix.EpollWait(s.epoll, s.events[:], -1)
		if err != nil && err != unix.EINTR {
			return fmt.Errorf("epoll_wait: %w", err)
		}
		for i := range max(n, 0) {
			e := &s.events[i]
			switch int(e.Fd) {
			case s.listener:
				if err := s.accept(); err != nil {
					return err
				}
			case s.waker:
				s.stopped = true
			default:
				s.event(s.conns[e.Fd], e.Events)
			}
		}
	}
	s.close()
	return nil
}

// accept takes all who wait.
func (s *epollServer) accept() error {
	for {
		fd, err := accept(s.listener)
		switch err {
		case nil:
			c := s.attach(fd)
			if s.watch(c) {
				s.work.opened(c)
			} else {
				s.end(c)
			}
		case unix.EAGAIN:
			return nil
		case unix.EINTR, unix.ECONNABORTED:
		case unix.EMFILE, unix.ENFILE:
			return fmt.Errorf("accept: %w: raise the limit of open files", err)
		default:
			return fmt.Errorf("accept: %w", err)
		}
	}
}

// attach returns the connection of a new descriptor.
func (s *epollServer) attach(fd int) *epollConn {
	for fd >= len(s.conns) {
		s.conns = append(s.conns, nil)
	}
	c := s.conns[fd]
	if c == nil {
		c = new(epollConn)
		s.conns[fd] = c
	}
	*c = epollConn{fd: fd, open: true}
	return c
}

// watch registers a connection, before anything is known of what becomes of it,
// and reports whether that worked.
func (s *epollServer) watch(c *epollConn) bool {
	return unix.EpollCtl(s.epoll, unix.EPOLL_CTL_ADD, c.fd, &unix.EpollEvent{Events: epollFlags, Fd: int32(c.fd)}) == nil
}

// rearm has a connection's readiness told again, after that of the others: for
// one that would not end of itself.
func (s *epollServer) rearm(c *epollConn) {
	_ = unix.EpollCtl(s.epoll, unix.EPOLL_CTL_MOD, c.fd, &unix.EpollEvent{Events: epollFlags, Fd: int32(c.fd)})
}

// event serves one connection. An event tells all that the connection is ready
// for, not only what is new: so what was not read because output waited is read
// when there is room for output. It may be a former connection's of this number:
// that costs a call that finds nothing.
func (s *epollServer) event(c *epollConn, ev uint32) {
	const over = unix.EPOLLRDHUP | unix.EPOLLHUP | unix.EPOLLERR
	if ev&(unix.EPOLLOUT|unix.EPOLLHUP|unix.EPOLLERR) != 0 && c.open {
		s.flush(c)
	}
	if ev&(unix.EPOLLIN|over) != 0 {
		s.read(c, ev&over != 0)
	}
}

// flush sends what was queued, and asks for more.
func (s *epollServer) flush(c *epollConn) {
	if len(c.out) > 0 {
		rest := c.out
		c.out = nil
		s.queue(c, rest[s.write(c, rest):])
	}
	switch {
	case !c.open || len(c.out) > 0:
	case c.closing:
		s.end(c)
	default:
		s.work.writable(c)
	}
}

// read reads what there is, unless output waits for the peer. A piece that does
// not fill the buffer is the last, so there is no call to hear that; unless the
// end, which is told once, may follow.
func (s *epollServer) read(c *epollConn, toTheEnd bool) {
	for c.open && !c.closing && len(c.out) == 0 {
		n, err := recv(c.fd, s.input)
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			return
		case err == nil && n == 0:
			s.work.ended(c, true)
			return
		case err != nil:
			s.work.ended(c, false)
			return
		}
		s.work.received(c, s.input[:n])
		if n < len(s.input) && !toTheEnd {
			return
		}
	}
}

// send sends data, which nobody changes later if it is lasting, and queues what
// the system does not take. Nothing may be queued already.
func (s *epollServer) send(c *epollConn, data []byte, lasting bool) {
	rest := data[s.write(c, data):]
	if len(rest) > 0 && !lasting {
		rest = append([]byte(nil), rest...)
	}
	s.queue(c, rest)
}

// queue keeps what the system did not take.
func (s *epollServer) queue(c *epollConn, rest []byte) {
	if c.open && len(rest) > 0 {
		c.out = rest
	}
}

// write writes once and returns how much the system has taken. It ends a
// connection that cannot be written to.
func (s *epollServer) write(c *epollConn, data []byte) int {
	for {
		n, err := send(c.fd, data)
		switch err {
		case nil:
			return n
		case unix.EAGAIN:
			return 0
		case unix.EINTR:
		default:
			s.end(c)
			return 0
		}
	}
}

// finish ends a connection when its peer has been sent all.
func (s *epollServer) finish(c *epollConn) {
	if len(c.out) > 0 {
		c.closing = true
		return
	}
	s.end(c)
}

// end closes a connection. Its struct serves the next one with its number.
func (s *epollServer) end(c *epollConn) {
	if c.open {
		_ = unix.Close(c.fd)
		*c = epollConn{}
	}
}

// close closes everything.
func (s *epollServer) close() {
	for _, c := range s.conns {
		if c != nil {
			s.end(c)
		}
	}
	for _, fd := range []int{s.listener, s.waker, s.epoll} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
}
