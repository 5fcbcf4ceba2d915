package systemd

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"skein/reactor"
)

// The variables by which systemd hands sockets over.
const (
	listenPIDVariable   = "LISTEN_PID"
	listenPIDFDVariable = "LISTEN_PIDFDID" // newer; the number of the process is enough
	listenFDsVariable   = "LISTEN_FDS"
	listenNamesVariable = "LISTEN_FDNAMES"
)

// firstDescriptor is where the sockets begin, behind standard error.
const firstDescriptor = 3

// ErrNotListening is the error of a socket that is a connection.
var ErrNotListening = errors.New("the socket does not listen: the unit needs Accept=no")

// ErrUnsupported is the error of a descriptor that no reactor can listen on.
var ErrUnsupported = errors.New("not a TCP, UDP or UNIX stream socket")

// Sockets returns the sockets that systemd has opened for this process, in the
// order of the unit, for reactor.WithSockets; none if it was not systemd that
// started it. Their Address is empty: what is bound where, the reactor finds out.
// The names of FileDescriptorName= are those of the Files. The variables are
// taken out of the environment and the descriptors are closed on exec, so that no
// child believes that they are for it. It is for the start.
//
// An error is an [ErrVariable], [ErrNotListening], [ErrUnsupported] or that of
// the descriptor, which is in the text; all the descriptors are closed then, so
// far as they have been looked at.
func Sockets() ([]reactor.Socket, error) {
	pid, fds, names := take(listenPIDVariable), take(listenFDsVariable), take(listenNamesVariable)
	take(listenPIDFDVariable)
	if fds == "" || pid != strconv.Itoa(os.Getpid()) {
		return nil, nil
	}
	n, err := strconv.Atoi(fds)
	if err != nil || n < 0 {
		return nil, fmt.Errorf("systemd: %w: %s=%q is no number of sockets", ErrVariable, listenFDsVariable, fds)
	}
	var named []string
	if names != "" {
		if named = strings.Split(names, ":"); len(named) != n {
			return nil, fmt.Errorf("systemd: %w: %s=%q are %d names for %d sockets", ErrVariable, listenNamesVariable, names, len(named), n)
		}
	}
	var sockets []reactor.Socket
	for i := range n {
		s, err := socket(firstDescriptor+i, named)
		if err != nil {
			for _, s := range sockets {
				_ = s.File.Close()
			}
			return nil, fmt.Errorf("systemd: descriptor %d, of the %d that %s promises: %w", firstDescriptor+i, n, listenFDsVariable, err)
		}
		sockets = append(sockets, s)
	}
	return sockets, nil
}

// socket looks at one descriptor and takes it.
func socket(fd int, named []string) (reactor.Socket, error) {
	network, err := networkOf(fd)
	if err != nil {
		return reactor.Socket{}, err
	}
	syscall.CloseOnExec(fd)
	name := "LISTEN_FD_" + strconv.Itoa(fd)
	if named != nil && named[fd-firstDescriptor] != "" {
		name = named[fd-firstDescriptor]
	}
	return reactor.Socket{Network: network, File: os.NewFile(uintptr(fd), name)}, nil
}

// networkOf finds out what a descriptor is.
func networkOf(fd int) (string, error) {
	kind, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_TYPE)
	switch {
	case errors.Is(err, syscall.ENOTSOCK):
		return "", ErrUnsupported
	case err != nil:
		return "", os.NewSyscallError("getsockopt", err)
	}
	addr, err := syscall.Getsockname(fd)
	if err != nil {
		return "", os.NewSyscallError("getsockname", err)
	}
	_, isUNIX := addr.(*syscall.SockaddrUnix)
	_, is4 := addr.(*syscall.SockaddrInet4)
	_, is6 := addr.(*syscall.SockaddrInet6)
	network := ""
	switch {
	case kind == syscall.SOCK_STREAM && (is4 || is6):
		network = "tcp"
	case kind == syscall.SOCK_STREAM && isUNIX:
		network = "unix"
	case kind == syscall.SOCK_DGRAM && (is4 || is6):
		return "udp", nil
	default:
		return "", ErrUnsupported
	}
	if listens, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_ACCEPTCONN); err == nil && listens == 0 {
		return "", ErrNotListening
	}
	return network, nil
}
