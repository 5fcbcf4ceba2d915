//go:build darwin || freebsd

package kernel

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// This file holds the calls of every event, through the ordinary wrappers.

// translate turns a kqueue filter and its flags into Events. The end of input
// and a reset come as one flag of the filter, and the error that tells them apart
// does not come this far: so both say that there may be one to collect.
func translate(filter int16, flags uint16) (e Events) {
	switch filter {
	case unix.EVFILT_READ:
		e = Readable
	case unix.EVFILT_WRITE:
		e = Writable
	}
	if flags&unix.EV_EOF != 0 {
		e |= Readable | Hangup | Failed
	}
	if flags&unix.EV_ERROR != 0 {
		e |= Readable | Writable | Hangup | Failed
	}
	return e
}

// calls has no scratch space here.
type calls struct{}

// open has nothing to prepare.
func (*calls) open() {}

// gives reports whether the system may choose a port: any one, here.
func (*calls) gives(uint16) bool { return true }

// retry repeats a call that a signal interrupted.
func retry(f func() (int, error)) (int, syscall.Errno) {
	for {
		n, err := f()
		if err == nil {
			return n, 0
		}
		if err != unix.EINTR {
			return 0, errnoOf(err)
		}
	}
}

// Read reads into p, which is not empty.
func (*calls) Read(fd int, p []byte) (int, syscall.Errno) {
	return retry(func() (int, error) { return unix.Read(fd, p) })
}

// Write writes p, which is not empty. The end goes in a packet of its own.
func (*calls) Write(fd int, p []byte, _ bool) (int, syscall.Errno) {
	return retry(func() (int, error) { return unix.Write(fd, p) })
}

// Writev writes the slices one after the other until one does not fit: not
// every BSD has a wrapper for writev.
func (c *calls) Writev(fd int, bufs [][]byte, last bool) (total int, errno syscall.Errno) {
	for _, b := range bufs[:min(len(bufs), maxSlices)] {
		n, errno := c.Write(fd, b, last)
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

// connect begins to connect.
func (*calls) connect(fd int, a Addr) syscall.Errno { return errnoOf(unix.Connect(fd, sockaddr(a))) }

// ShutdownWrite sends the end of output.
func (*calls) ShutdownWrite(fd int) syscall.Errno { return errnoOf(unix.Shutdown(fd, unix.SHUT_WR)) }

// closeSocket closes a socket.
func closeSocket(fd int) { _ = unix.Close(fd) } // after EINTR, too, the descriptor is gone

// Pending asks poll(2), with no wait.
func (*calls) Pending(fd int) Events {
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN | unix.POLLOUT}}
	if n, err := unix.Poll(fds, 0); err != nil || n == 0 {
		return 0
	}
	return pending(fds[0].Revents)
}

// Accept takes a connection, non-blocking and closed on exec.
func (*calls) Accept(fd int) (int, Addr, syscall.Errno) {
	var from unix.Sockaddr
	nfd, errno := retry(func() (n int, err error) {
		n, from, err = unix.Accept(fd)
		return n, err
	})
	if errno != 0 {
		return -1, Addr{}, errno
	}
	if errno := nonblocking(nfd); errno != 0 {
		_ = unix.Close(nfd)
		return -1, Addr{}, syscall.ECONNABORTED // the client has gone again
	}
	return nfd, fromSockaddr(from), 0
}

// ReadFrom reads one datagram.
func (*calls) ReadFrom(fd int, p []byte) (int, Addr, syscall.Errno) {
	var from unix.Sockaddr
	n, errno := retry(func() (n int, err error) {
		n, from, err = unix.Recvfrom(fd, p, 0)
		return n, err
	})
	if errno != 0 {
		return 0, Addr{}, errno
	}
	return n, fromSockaddr(from), 0
}

// socket makes a non-blocking socket that is closed on exec and whose broken
// pipe is an error and not a signal.
func socket(family, kind int) (int, syscall.Errno) {
	fd, err := unix.Socket(family, kind, 0)
	if err != nil {
		return -1, errnoOf(err)
	}
	if errno := nonblocking(fd); errno != 0 {
		_ = unix.Close(fd)
		return -1, errno
	}
	return fd, 0
}

// nonblocking prepares a new descriptor.
func nonblocking(fd int) syscall.Errno {
	unix.CloseOnExec(fd)
	if err := unix.SetNonblock(fd, true); err != nil {
		return errnoOf(err)
	}
	return errnoOf(unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_NOSIGPIPE, 1))
}

// portAtConnect does nothing: here bind chooses the port.
func portAtConnect(int) {}

// LocalAddr returns the socket's own name.
func (*calls) LocalAddr(fd int) (Addr, syscall.Errno) {
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return Addr{}, errnoOf(err)
	}
	return fromSockaddr(sa), 0
}

// Connected asks for the name of the peer.
func (*calls) Connected(fd int) syscall.Errno {
	_, err := unix.Getpeername(fd)
	return errnoOf(err)
}
