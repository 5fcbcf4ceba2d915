//go:build linux || darwin || freebsd

package kernel

import (
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// This file holds the calls of UDP sockets; ReadFrom is each platform's.

// ListenUDP makes a UDP socket and binds it.
func (*calls) ListenUDP(a Addr, o ListenOptions) (int, syscall.Errno) {
	fd, errno := socket(family(a), unix.SOCK_DGRAM)
	if errno != 0 {
		return -1, errno
	}
	if o.ReusePort {
		errno = reusePort(fd)
	}
	if errno == 0 {
		errno = bind(fd, a)
	}
	if errno != 0 {
		_ = unix.Close(fd)
		return -1, errno
	}
	return fd, 0
}

// ConnectUDP sets the one peer of a UDP socket.
func (*calls) ConnectUDP(fd int, a Addr) syscall.Errno {
	return errnoOf(unix.Connect(fd, sockaddr(forSocket(fd, a))))
}

// WriteTo sends one datagram.
func (*calls) WriteTo(fd int, p []byte, to Addr) syscall.Errno {
	for {
		var err error
		if to.IP.IsValid() {
			err = unix.Sendto(fd, p, 0, sockaddr(forSocket(fd, to)))
		} else {
			_, err = unix.Write(fd, p)
		}
		if err != unix.EINTR {
			return errnoOf(err)
		}
	}
}

// forSocket returns an IPv4 address in the form that an IPv6 socket wants.
func forSocket(fd int, a Addr) Addr {
	if !a.IP.Addr().Is4() {
		return a
	}
	if sa, err := unix.Getsockname(fd); err == nil {
		if _, ok := sa.(*unix.SockaddrInet6); ok {
			return Addr{IP: netip.AddrPortFrom(netip.AddrFrom16(a.IP.Addr().As16()), a.IP.Port())}
		}
	}
	return a
}
