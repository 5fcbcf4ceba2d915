package kernel

import (
	"encoding/binary"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// This file holds the calls of every event and of every connection's life. The
// descriptors are non-blocking, so the calls go straight to the kernel, without
// telling the scheduler that this thread may block: 15 to 20 % of the CPU time of
// an echo. They are the calls for sockets, recv and send, which leave out the file
// layer that read and write go through: another 2 to 4 %. And they are package
// syscall's: those of x/sys reach the same by two jumps more.

// translate turns epoll's event bits into Events.
func translate(ev uint32, _ uint16) (e Events) {
	if ev&(unix.EPOLLIN|unix.EPOLLPRI|unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		e |= Readable
	}
	if ev&(unix.EPOLLOUT|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		e |= Writable
	}
	// A read stops short at urgent data, too, though there is more behind it.
	if ev&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR|unix.EPOLLPRI) != 0 {
		e |= Hangup
	}
	if ev&unix.EPOLLERR != 0 {
		e |= Failed
	}
	return e
}

// calls is the scratch space of the calls that need some.
type calls struct {
	iov     [maxSlices]unix.Iovec
	message unix.Msghdr
	name    unix.RawSockaddrAny
	asked   unix.PollFd
	noTime  unix.Timespec
	ports   portRange // that the system gives, see ports_linux.go
}

// Read reads into p, which is not empty.
func (*calls) Read(fd int, p []byte) (int, syscall.Errno) {
	for {
		n, _, errno := syscall.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), 0, 0, 0)
		if errno == 0 {
			return int(n), 0
		}
		if errno != syscall.EINTR {
			return 0, errno
		}
	}
}

// sendFlags returns the flags of a write. With the last one, MSG_MORE holds the
// last segment back for the end, which rides on it: a packet less, which is an
// eighth of the CPU time of connect-poem-close.
func sendFlags(last bool) uintptr {
	if last {
		return unix.MSG_NOSIGNAL | unix.MSG_MORE
	}
	return unix.MSG_NOSIGNAL
}

// Write writes p, which is not empty.
func (*calls) Write(fd int, p []byte, last bool) (int, syscall.Errno) {
	flags := sendFlags(last)
	for {
		n, _, errno := syscall.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), flags, 0, 0)
		if errno == 0 {
			return int(n), 0
		}
		if errno != syscall.EINTR {
			return 0, errno
		}
	}
}

// Writev writes the first maxSlices of bufs.
func (c *calls) Writev(fd int, bufs [][]byte, last bool) (int, syscall.Errno) {
	bufs = bufs[:min(len(bufs), maxSlices)]
	for i, b := range bufs {
		c.iov[i].Base = unsafe.SliceData(b)
		c.iov[i].SetLen(len(b))
	}
	defer clear(c.iov[:len(bufs)]) // they would keep what is written alive
	c.message = unix.Msghdr{Iov: &c.iov[0]}
	c.message.SetIovlen(len(bufs))
	flags := sendFlags(last)
	for {
		n, _, errno := syscall.RawSyscall(unix.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(&c.message)), flags)
		if errno == 0 {
			return int(n), 0
		}
		if errno != syscall.EINTR {
			return 0, errno
		}
	}
}

// Pending asks ppoll(2), with no wait.
func (c *calls) Pending(fd int) Events {
	c.asked = unix.PollFd{Fd: int32(fd), Events: unix.POLLIN | unix.POLLOUT}
	n, _, errno := syscall.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&c.asked)), 1, uintptr(unsafe.Pointer(&c.noTime)), 0, 0, 0)
	if errno != 0 || n == 0 {
		return 0
	}
	return pending(c.asked.Revents)
}

// Accept takes a connection, non-blocking and closed on exec.
func (c *calls) Accept(fd int) (int, Addr, syscall.Errno) {
	for {
		size := uint32(unix.SizeofSockaddrAny)
		c.name.Addr.Family = unix.AF_UNSPEC // a peer without a name leaves it alone
		n, _, errno := syscall.RawSyscall6(unix.SYS_ACCEPT4, uintptr(fd), uintptr(unsafe.Pointer(&c.name)), uintptr(unsafe.Pointer(&size)),
			unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0, 0)
		if errno == 0 {
			return int(n), c.address(), 0
		}
		if errno != syscall.EINTR {
			return -1, Addr{}, errno
		}
	}
}

// connect begins to connect.
func (c *calls) connect(fd int, a Addr) syscall.Errno {
	size := c.setAddress(a)
	if size == 0 {
		return errnoOf(unix.Connect(fd, sockaddr(a)))
	}
	_, _, errno := syscall.RawSyscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&c.name)), size)
	return errno
}

// ShutdownWrite sends the end of output.
func (*calls) ShutdownWrite(fd int) syscall.Errno {
	_, _, errno := syscall.RawSyscall(unix.SYS_SHUTDOWN, uintptr(fd), unix.SHUT_WR, 0)
	return errno
}

// closeSocket closes a socket, which does not wait for what it has to send.
func closeSocket(fd int) { _, _, _ = syscall.RawSyscall(unix.SYS_CLOSE, uintptr(fd), 0, 0) }

// ReadFrom reads one datagram.
func (c *calls) ReadFrom(fd int, p []byte) (int, Addr, syscall.Errno) {
	for {
		size := uint32(unix.SizeofSockaddrAny)
		n, _, errno := syscall.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), 0,
			uintptr(unsafe.Pointer(&c.name)), uintptr(unsafe.Pointer(&size)))
		if errno == 0 {
			return int(n), c.address(), 0
		}
		if errno != syscall.EINTR {
			return 0, Addr{}, errno
		}
	}
}

// LocalAddr returns the socket's own name, by one call without an allocation if it
// is an IP address; the wrapper needs two and some.
func (c *calls) LocalAddr(fd int) (Addr, syscall.Errno) {
	if errno := c.askName(unix.SYS_GETSOCKNAME, fd); errno != 0 {
		return Addr{}, errno
	}
	if a := c.address(); a.IP.IsValid() {
		return a, 0
	}
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return Addr{}, errnoOf(err)
	}
	return fromSockaddr(sa), 0
}

// Connected asks for the name of the peer.
func (c *calls) Connected(fd int) syscall.Errno { return c.askName(unix.SYS_GETPEERNAME, fd) }

// askName has a call write down the name of one of a socket's ends.
func (c *calls) askName(call uintptr, fd int) syscall.Errno {
	size := uint32(unix.SizeofSockaddrAny)
	_, _, errno := syscall.RawSyscall(call, uintptr(fd), uintptr(unsafe.Pointer(&c.name)), uintptr(unsafe.Pointer(&size)))
	return errno
}

// address decodes the name that a call has left behind, without allocating for
// an IP address.
func (c *calls) address() Addr {
	switch c.name.Addr.Family {
	case unix.AF_INET:
		sa := (*unix.RawSockaddrInet4)(unsafe.Pointer(&c.name))
		return inet4(sa.Addr, ntohs(sa.Port))
	case unix.AF_INET6:
		sa := (*unix.RawSockaddrInet6)(unsafe.Pointer(&c.name))
		return inet6(sa.Addr, ntohs(sa.Port), sa.Scope_id)
	}
	return Addr{}
}

// setAddress is the other direction: it returns the name's size, or 0 if this is no
// IP address that is written down without asking the system for a zone's number.
func (c *calls) setAddress(a Addr) (size uintptr) {
	ip := a.IP.Addr()
	switch {
	case ip.Is4():
		*(*unix.RawSockaddrInet4)(unsafe.Pointer(&c.name)) = unix.RawSockaddrInet4{
			Family: unix.AF_INET, Port: htons(a.IP.Port()), Addr: ip.As4(),
		}
		return unix.SizeofSockaddrInet4
	case ip.Is6() && ip.Zone() == "":
		*(*unix.RawSockaddrInet6)(unsafe.Pointer(&c.name)) = unix.RawSockaddrInet6{
			Family: unix.AF_INET6, Port: htons(a.IP.Port()), Addr: ip.As16(),
		}
		return unix.SizeofSockaddrInet6
	}
	return 0
}

// htons turns a port from host to network order.
func htons(p uint16) (q uint16) {
	binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&q))[:], p)
	return q
}

// ntohs turns a port from network to host order, whatever that is.
func ntohs(p uint16) int {
	return int(binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(&p))[:]))
}

// Unsent asks for the bytes that the peer has not acknowledged.
func (*calls) Unsent(fd int) int {
	n, err := unix.IoctlGetInt(fd, unix.SIOCOUTQ)
	if err != nil {
		return 0
	}
	return n
}

// socket makes a non-blocking socket that is closed on exec.
func socket(family, kind int) (int, syscall.Errno) {
	fd, _, errno := syscall.RawSyscall(unix.SYS_SOCKET, uintptr(family), uintptr(kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC), 0)
	if errno != 0 {
		return -1, errno
	}
	return int(fd), 0
}

// keepAliveIdle is the option for the silence before the first probe.
const keepAliveIdle = unix.TCP_KEEPIDLE

// portAtConnect leaves the choice of a bound socket's port to connect, which
// knows the peer: a port is then taken for this peer only, and not for all. A
// kernel that cannot do it has fewer ports to give.
func portAtConnect(fd int) {
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
}
