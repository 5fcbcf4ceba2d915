package drive

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// sources is how many addresses of this machine the connections to it come
// from, in turns: a server that closes first keeps the pair of addresses and
// ports for a minute, and one address has no more than some 28,000 ports.
const sources = 64

// A dialer makes connections to a server.
type dialer struct {
	addr   unix.SockaddrInet4
	source unix.SockaddrInet4
	turns  bool // the server is on this machine
	turn   byte
}

// newDialer reads the server's address, an IPv4 address and a port.
func newDialer(addr string) (*dialer, error) {
	ap, err := netip.ParseAddrPort(addr)
	if err != nil || !ap.Addr().Is4() {
		return nil, fmt.Errorf("drive: %q is not an IPv4 address with a port", addr)
	}
	d := &dialer{turns: ap.Addr().IsLoopback()}
	d.addr = unix.SockaddrInet4{Addr: ap.Addr().As4(), Port: int(ap.Port())}
	d.source = unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
	return d, nil
}

// socket makes a socket of a kind, with a source address.
func (d *dialer) socket(flags int) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|flags, 0)
	if err != nil {
		if errors.Is(err, unix.EMFILE) {
			return -1, fmt.Errorf("socket: %w: raise the limit (ulimit -n)", err)
		}
		return -1, fmt.Errorf("socket: %w", err)
	}
	if !d.turns {
		return fd, nil
	}
	d.turn = (d.turn + 1) % sources
	d.source.Addr[3] = 1 + d.turn
	// The port is chosen with the connection, when both ends are known.
	err = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
	if err == nil {
		err = unix.Bind(fd, &d.source)
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, fmt.Errorf("bind: %w", err)
	}
	return fd, nil
}

// begin starts to connect a non-blocking socket.
func (d *dialer) begin() (int, error) {
	fd, err := d.socket(unix.SOCK_NONBLOCK)
	if err != nil {
		return -1, err
	}
	if err := unix.Connect(fd, &d.addr); err != nil && err != unix.EINPROGRESS {
		_ = unix.Close(fd)
		return -1, fmt.Errorf("connect: %w", err)
	}
	return fd, nil
}

// dial connects a socket that sends at once, and makes it non-blocking. A
// receive buffer of 0 bytes stands for the system's choice.
func (d *dialer) dial(receive int) (int, error) {
	fd, err := d.socket(0)
	if err != nil {
		return -1, err
	}
	limit := unix.NsecToTimeval(int64(Patience))
	err = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	if err == nil && receive > 0 {
		err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, receive)
	}
	if err == nil {
		err = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &limit) // of connect, too
	}
	if err == nil {
		for err = unix.Connect(fd, &d.addr); errors.Is(err, unix.EINTR); {
			err = connected(fd)
		}
	}
	if err == nil {
		err = unix.SetNonblock(fd, true)
	}
	if err != nil {
		_ = unix.Close(fd)
		if errors.Is(err, unix.EINPROGRESS) {
			err = ErrSilent
		}
		return -1, fmt.Errorf("connect: %w", err)
	}
	return fd, nil
}

// connected waits for a connect that a signal has interrupted, which goes on.
func connected(fd int) error {
	poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
	n, err := unix.Poll(poll, int(Patience.Milliseconds()))
	if err != nil {
		return err
	}
	if n == 0 {
		return ErrSilent
	}
	errno, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && errno != 0 {
		err = unix.Errno(errno)
	}
	return err
}
