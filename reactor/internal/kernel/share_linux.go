package kernel

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Share returns a file of its own for a socket.
//
// A file that is made of a non-blocking socket stands in the poller of Go's
// runtime until it is closed, and wakes this process for each connection that
// another process accepts. So the file is made of a socket that blocks, which
// has no place there, and then given the number's new meaning.
func (*calls) Share(fd int) (*os.File, syscall.Errno) {
	n, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, errnoOf(err)
	}
	f := os.NewFile(uintptr(n), "socket")
	if err := unix.Dup3(fd, n, unix.O_CLOEXEC); err != nil {
		_ = f.Close()
		return nil, errnoOf(err)
	}
	return f, 0
}
