package reactortest

import (
	"syscall"
	"time"

	"skein/reactor/internal/kernel"
)

// This file is the kernel's calls as the reactor makes them: each finds the
// socket of a number, or a fault that a test has ordered.

// firstNumber is the lowest number of a descriptor: three are always taken.
const firstNumber = 3

// lookup returns the socket of a number.
func (m *memory) lookup(fd int) (*socket, syscall.Errno) {
	if fd < 0 || fd >= len(m.table) || m.table[fd] == nil {
		return nil, syscall.EBADF
	}
	return m.table[fd], 0
}

// free returns the lowest free number, as every kernel does: so numbers are
// used again at once, and a reactor that mixes up the old and the new one shows.
func (m *memory) free() (fd int, errno syscall.Errno) {
	open, lowest := 0, -1
	for fd := firstNumber; fd < len(m.table); fd++ {
		if m.table[fd] != nil {
			open++
		} else if lowest < 0 {
			lowest = fd
		}
	}
	if open >= m.limit {
		return -1, syscall.EMFILE
	}
	if lowest < 0 {
		lowest = max(len(m.table), firstNumber)
		m.table = append(m.table, make([]*socket, lowest+1-len(m.table))...)
	}
	return lowest, 0
}

// install gives a socket its number, which is free.
func (m *memory) install(fd int, s *socket) {
	s.fd = fd
	m.table[fd] = s
}

// Listen returns a listening socket.
func (m *memory) Listen(a kernel.Addr, o kernel.ListenOptions) (int, syscall.Errno) {
	fd, errno := m.free()
	if errno == 0 {
		errno = m.fault(Listen, nil)
	}
	var s *socket
	if errno == 0 {
		s, errno = m.network.listen(a, o)
	}
	if errno != 0 {
		return -1, errno
	}
	s.m = m
	m.install(fd, s)
	return fd, 0
}

// Accept takes a waiting connection. As on Linux, a number is looked for before
// a connection is.
func (m *memory) Accept(port int) (int, kernel.Addr, syscall.Errno) {
	l, errno := m.lookup(port)
	if errno != 0 {
		return -1, kernel.Addr{}, errno
	}
	if l.listener == nil {
		return -1, kernel.Addr{}, syscall.EINVAL
	}
	fd, errno := m.free()
	if errno == 0 {
		errno = m.fault(Accept, l)
	}
	if errno == 0 && len(l.listener.queue) == 0 {
		errno = syscall.EAGAIN
	}
	if errno != 0 {
		return -1, kernel.Addr{}, errno
	}
	s := l.listener.next()
	m.install(fd, s)
	return fd, s.peer, 0
}

// Connect returns a socket that is connected, refused, or on its way.
func (m *memory) Connect(a, local kernel.Addr) (int, syscall.Errno) {
	fd, errno := m.free()
	if errno == 0 {
		errno = m.fault(Connect, nil)
	}
	var s *socket
	if errno == 0 {
		s, errno = m.network.connect(m, a, local)
	}
	if errno != 0 {
		return -1, errno
	}
	m.install(fd, s)
	return fd, 0
}

// CloseSocket closes a descriptor.
func (m *memory) CloseSocket(fd int, reset bool) {
	s, errno := m.lookup(fd)
	if errno != 0 {
		return
	}
	m.table[fd] = nil
	s.watched = false
	s.fd = -1
	s.close(reset)
	m.network.forget(s)
}

// Read reads what has arrived.
func (m *memory) Read(fd int, p []byte) (int, syscall.Errno) {
	s, errno := m.lookup(fd)
	if errno == 0 {
		errno = m.fault(Read, s)
	}
	if errno != 0 {
		return 0, errno
	}
	return s.read(p)
}

// Write writes what there is room for.
func (m *memory) Write(fd int, p []byte, _ bool) (int, syscall.Errno) {
	s, errno := m.lookup(fd)
	if errno == 0 {
		errno = m.fault(Write, s)
	}
	if errno != 0 {
		return 0, errno
	}
	return s.write(p)
}

// Writev writes the slices, until one does not fit.
func (m *memory) Writev(fd int, bufs [][]byte, last bool) (total int, errno syscall.Errno) {
	for _, b := range bufs {
		n, errno := m.Write(fd, b, last)
		total += n
		if total > 0 && (errno != 0 || n < len(b)) {
			return total, 0
		}
		if errno != 0 {
			return 0, errno
		}
	}
	return total, 0
}

// SocketError collects the pending error.
func (m *memory) SocketError(fd int) syscall.Errno {
	s, errno := m.lookup(fd)
	if errno != 0 {
		return errno
	}
	return s.takeError()
}

// LocalAddr returns the socket's name.
func (m *memory) LocalAddr(fd int) (kernel.Addr, syscall.Errno) {
	s, errno := m.lookup(fd)
	if errno != 0 {
		return kernel.Addr{}, errno
	}
	return s.local, 0
}

// Connected tells whether the socket has a peer.
func (m *memory) Connected(fd int) syscall.Errno {
	s, errno := m.lookup(fd)
	switch {
	case errno != 0:
		return errno
	case s.notConnected():
		return syscall.ENOTCONN
	}
	return 0
}

// Itself is true of nobody here: where nobody listens, a connection is refused.
func (m *memory) Itself(int, uint16, uint16) bool { return false }

// ShutdownWrite sends the end of output.
func (m *memory) ShutdownWrite(fd int) syscall.Errno {
	s, errno := m.lookup(fd)
	switch {
	case errno != 0:
		return errno
	case s.notConnected():
		return syscall.ENOTCONN
	}
	s.out.end()
	return 0
}

// Unsent returns the bytes that the peer has not acknowledged.
func (m *memory) Unsent(fd int) int {
	s, errno := m.lookup(fd)
	if errno != 0 || s.out == nil {
		return 0
	}
	return s.out.unsent()
}

// SetNoDelay has no effect: nothing is ever delayed here.
func (m *memory) SetNoDelay(fd int, _ bool) syscall.Errno { return m.tcpOption(fd) }

// SetKeepAlive has no effect: no peer is ever silent for want of a cable.
func (m *memory) SetKeepAlive(fd int, _ time.Duration) syscall.Errno { return m.tcpOption(fd) }

// tcpOption returns what setting an option of TCP returns.
func (m *memory) tcpOption(fd int) syscall.Errno {
	s, errno := m.lookup(fd)
	if errno == 0 && s.local.Unix() {
		return syscall.EOPNOTSUPP
	}
	return errno
}
