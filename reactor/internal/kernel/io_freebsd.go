package kernel

import "golang.org/x/sys/unix"

// fionwrite is FIONWRITE of <sys/filio.h>, which x/sys does not name.
const fionwrite = 0x40046677

// Unsent asks for the bytes that the peer has not acknowledged.
func (*calls) Unsent(fd int) int {
	n, err := unix.IoctlGetInt(fd, fionwrite)
	if err != nil {
		return 0
	}
	return n
}

// keepAliveIdle is the option for the silence before the first probe.
const keepAliveIdle = unix.TCP_KEEPIDLE
