package kernel

import "golang.org/x/sys/unix"

// Unsent asks for the bytes that the peer has not acknowledged.
func (*calls) Unsent(fd int) int {
	n, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_NWRITE)
	if err != nil {
		return 0
	}
	return n
}

// keepAliveIdle is the option for the silence before the first probe.
const keepAliveIdle = unix.TCP_KEEPALIVE
