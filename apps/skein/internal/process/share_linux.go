package process

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// backlog is the queue of a listener; the system lowers it to its own limit.
const backlog = 1<<16 - 1

// shareSocket opens another socket on the address of one, or returns the same
// once more where that cannot be.
func shareSocket(s Socket) (f *os.File, err error) {
	apart := false
	err = control(s.File, func(fd int) error {
		if s.Network == "unix" {
			return nil
		}
		reuse, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT)
		if err != nil || reuse == 0 {
			return err
		}
		apart = true
		f, err = openBeside(fd, s.Network+" "+s.Address)
		return err
	})
	if err == nil && !apart {
		return duplicate(s.File)
	}
	return f, err
}

// openBeside opens a socket like fd, on its address.
func openBeside(fd int, name string) (*os.File, error) {
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil {
		return nil, err
	}
	addr, err := unix.Getsockname(fd)
	if err != nil {
		return nil, err
	}
	family := unix.AF_INET
	if _, ok := addr.(*unix.SockaddrInet6); ok {
		family = unix.AF_INET6
	}
	beside, err := unix.Socket(family, kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err := bindBeside(fd, beside, family, kind, addr); err != nil {
		_ = unix.Close(beside)
		return nil, err
	}
	return os.NewFile(uintptr(beside), name), nil
}

// bindBeside binds a fresh socket as fd is bound.
func bindBeside(fd, beside, family, kind int, addr unix.Sockaddr) error {
	same := []struct{ level, option int }{{unix.SOL_SOCKET, unix.SO_REUSEPORT}, {unix.SOL_SOCKET, unix.SO_REUSEADDR}}
	if family == unix.AF_INET6 {
		same = append(same, struct{ level, option int }{unix.IPPROTO_IPV6, unix.IPV6_V6ONLY})
	}
	if kind == unix.SOCK_STREAM { // what the listener has, its connections inherit
		same = append(same, struct{ level, option int }{unix.IPPROTO_TCP, unix.TCP_NODELAY})
	}
	for _, o := range same {
		value, err := unix.GetsockoptInt(fd, o.level, o.option)
		if err != nil {
			return err
		}
		if err := unix.SetsockoptInt(beside, o.level, o.option, value); err != nil {
			return err
		}
	}
	if err := unix.Bind(beside, addr); err != nil {
		return err
	}
	if kind != unix.SOCK_STREAM {
		return nil
	}
	listens, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, syscall.SO_ACCEPTCONN)
	if err != nil || listens == 0 {
		return err
	}
	return unix.Listen(beside, backlog)
}
