//go:build darwin || freebsd

package kernel

import (
	"os"
	"syscall"
)

// Share returns a file of its own for a socket.
func (*calls) Share(fd int) (*os.File, syscall.Errno) {
	n, errno := duplicate(fd)
	if errno != 0 {
		return nil, errno
	}
	return os.NewFile(uintptr(n), "socket"), 0
}
