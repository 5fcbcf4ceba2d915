//go:build linux || darwin || freebsd

package kernel

import (
	"errors"
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// This file holds the calls that make, ask and end a socket: through the ordinary
// wrappers, but for those that every connection makes.

// maxSlices is the number of slices that one Writev takes.
const maxSlices = 64

// Listen makes a socket, binds it and listens.
func (*calls) Listen(a Addr, o ListenOptions) (int, syscall.Errno) {
	fd, errno := socket(family(a), unix.SOCK_STREAM)
	if errno != 0 {
		return -1, errno
	}
	if errno := listen(fd, a, o); errno != 0 {
		_ = unix.Close(fd)
		return -1, errno
	}
	return fd, 0
}

// listen makes a listener of a fresh socket.
func listen(fd int, a Addr, o ListenOptions) syscall.Errno {
	if !a.Unix() {
		// So that a restart need not wait for the connections of the last run.
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
			return errnoOf(err)
		}
		if o.ReusePort {
			if errno := reusePort(fd); errno != 0 {
				return errno
			}
		}
	}
	if !a.Unix() {
		// What the listener has, its connections inherit.
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
			return errnoOf(err)
		}
	}
	if errno := bind(fd, a); errno != 0 {
		return errno
	}
	backlog := o.Backlog
	if backlog <= 0 {
		backlog = 1<<16 - 1 // the system lowers it to its own limit
	}
	return errnoOf(unix.Listen(fd, backlog))
}

// reusePort lets a socket share its address with others that ask for it, too.
func reusePort(fd int) syscall.Errno {
	return errnoOf(unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1))
}

// bind binds a socket; the IPv6 wildcard is IPv4's, too, and no other address
// is both.
func bind(fd int, a Addr) syscall.Errno {
	if a.IP.Addr().Is6() {
		only := 1
		if a.IP.Addr().IsUnspecified() {
			only = 0
		}
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, only); err != nil {
			return errnoOf(err)
		}
	}
	return errnoOf(unix.Bind(fd, sockaddr(a)))
}

// Connect makes a socket and begins to connect it.
func (c *calls) Connect(a, local Addr) (int, syscall.Errno) {
	fd, errno := socket(family(a), unix.SOCK_STREAM)
	if errno != 0 {
		return -1, errno
	}
	if !local.Unix() || local.Path != "" {
		if !local.Unix() && local.IP.Port() == 0 {
			portAtConnect(fd)
		}
		if err := unix.Bind(fd, sockaddr(local)); err != nil {
			_ = unix.Close(fd)
			return -1, errnoOf(err)
		}
	}
	if errno := c.connect(fd, a); errno != 0 && errno != syscall.EINPROGRESS && errno != syscall.EINTR {
		closeSocket(fd)
		return -1, errno
	}
	return fd, 0
}

// Itself compares the names of both ends, where they can be the same: the socket's
// own port is either one that was asked for or one that the system gives.
func (c *calls) Itself(fd int, to, from uint16) bool {
	if to == 0 || from != 0 && from != to || from == 0 && !c.gives(to) {
		return false
	}
	own, errno := c.LocalAddr(fd)
	if errno != 0 || own.IP.Port() != to {
		return false
	}
	peer, err := unix.Getpeername(fd)
	return err == nil && fromSockaddr(peer).IP == own.IP
}

// SocketError collects the pending error.
func (*calls) SocketError(fd int) syscall.Errno {
	n, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil {
		return errnoOf(err)
	}
	return syscall.Errno(n)
}

// SetNoDelay sets TCP_NODELAY.
func (*calls) SetNoDelay(fd int, on bool) syscall.Errno {
	v := 0
	if on {
		v = 1
	}
	return errnoOf(unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, v))
}

// SetKeepAlive sets SO_KEEPALIVE and the two periods, in whole seconds.
func (*calls) SetKeepAlive(fd int, period time.Duration) syscall.Errno {
	if period <= 0 {
		return errnoOf(unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 0))
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1); err != nil {
		return errnoOf(err)
	}
	seconds := int(max((period+time.Second-1)/time.Second, 1))
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, keepAliveIdle, seconds); err != nil {
		return errnoOf(err)
	}
	return errnoOf(unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, seconds))
}

// CloseSocket closes a descriptor. A linger time of 0 makes the close a reset.
func (*calls) CloseSocket(fd int, reset bool) {
	if reset {
		_ = unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	}
	closeSocket(fd)
}

// pending turns what poll has found into Events.
func pending(got int16) (e Events) {
	if got&(unix.POLLIN|unix.POLLHUP|unix.POLLERR|unix.POLLNVAL) != 0 {
		e |= Readable
	}
	if got&(unix.POLLOUT|unix.POLLHUP|unix.POLLERR|unix.POLLNVAL) != 0 {
		e |= Writable
	}
	return e
}

// family returns the address family of a.
func family(a Addr) int {
	switch {
	case a.Unix():
		return unix.AF_UNIX
	case a.IP.Addr().Is4():
		return unix.AF_INET
	}
	return unix.AF_INET6
}

// sockaddr translates an address for a call.
func sockaddr(a Addr) unix.Sockaddr {
	switch family(a) {
	case unix.AF_UNIX:
		return &unix.SockaddrUnix{Name: a.Path}
	case unix.AF_INET:
		return &unix.SockaddrInet4{Addr: a.IP.Addr().As4(), Port: int(a.IP.Port())}
	}
	return &unix.SockaddrInet6{Addr: a.IP.Addr().As16(), Port: int(a.IP.Port()), ZoneId: zoneID(a.IP.Addr().Zone())}
}

// fromSockaddr translates an address from a call.
func fromSockaddr(sa unix.Sockaddr) Addr {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return inet4(sa.Addr, sa.Port)
	case *unix.SockaddrInet6:
		return inet6(sa.Addr, sa.Port, sa.ZoneId)
	case *unix.SockaddrUnix:
		if sa.Name == "@" { // x/sys' word for a socket without a name
			return Addr{}
		}
		return Addr{Path: sa.Name}
	}
	return Addr{}
}

// inet4 makes an address of an IPv4 name.
func inet4(ip [4]byte, port int) Addr {
	return Addr{IP: netip.AddrPortFrom(netip.AddrFrom4(ip), uint16(port))}
}

// inet6 makes an address of an IPv6 name; an IPv4 client of a dual-stack socket
// is shown by its IPv4 address, as Go's net does.
func inet6(ip [16]byte, port int, scope uint32) Addr {
	addr := netip.AddrFrom16(ip).Unmap()
	if scope != 0 && addr.Is6() {
		addr = addr.WithZone(zoneName(scope))
	}
	return Addr{IP: netip.AddrPortFrom(addr, uint16(port))}
}

// zoneID returns the interface number of an IPv6 zone.
func zoneID(zone string) uint32 {
	if zone == "" {
		return 0
	}
	if ifi, err := net.InterfaceByName(zone); err == nil {
		return uint32(ifi.Index)
	}
	n, _ := strconv.ParseUint(zone, 10, 32)
	return uint32(n)
}

// zoneName returns the IPv6 zone of an interface number.
func zoneName(id uint32) string {
	if ifi, err := net.InterfaceByIndex(int(id)); err == nil {
		return ifi.Name
	}
	return strconv.FormatUint(uint64(id), 10)
}

// errnoOf digs the errno out of an error of x/sys.
func errnoOf(err error) syscall.Errno {
	if err == nil {
		return 0
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return syscall.EINVAL
}
