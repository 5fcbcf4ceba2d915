//go:build linux || darwin || freebsd

package process

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"

	"skein/reactor"
)

// Socket is a bound socket on its way from one process to another.
type Socket = reactor.Socket

// CloseSockets closes the files of sockets.
func CloseSockets(sockets []Socket) {
	for _, s := range sockets {
		_ = s.File.Close()
	}
}

// DuplicateSockets returns further descriptors of the same sockets, which the
// caller closes. When it fails, it leaves none.
func DuplicateSockets(sockets []Socket) ([]Socket, error) {
	all := make([]Socket, 0, len(sockets))
	for _, s := range sockets {
		f, err := duplicate(s.File)
		if err != nil {
			CloseSockets(all)
			return nil, fmt.Errorf("%s %s: %w", s.Network, s.Address, err)
		}
		s.File = f
		all = append(all, s)
	}
	return all, nil
}

// SplitSockets divides the sockets that the successor of a supervisor was given,
// all sets behind each other, into n sets again. The error is [ErrSets].
func SplitSockets(sockets []Socket, n int) ([][]Socket, error) {
	if n < 1 || len(sockets)%n != 0 {
		return nil, fmt.Errorf("%w: %d sockets for %d workers", ErrSets, len(sockets), n)
	}
	sets := make([][]Socket, n)
	size := len(sockets) / n
	for i := range sets {
		sets[i] = slices.Clone(sockets[i*size : (i+1)*size])
		for j, s := range sets[i] {
			if s.Network != sockets[j].Network || s.Address != sockets[j].Address {
				return nil, fmt.Errorf("%w: %s %s is not %s %s", ErrSets, s.Network, s.Address, sockets[j].Network, sockets[j].Address)
			}
		}
	}
	return sets, nil
}

// duplicate returns another descriptor of an open file, closed on exec. It
// leaves alone whether the file blocks, which Fd might not: that belongs to all
// who have it open, the loop that accepts from it among them.
func duplicate(f *os.File) (*os.File, error) {
	fd := -1
	err := control(f, func(old int) (err error) {
		fd, err = unix.FcntlInt(uintptr(old), unix.F_DUPFD_CLOEXEC, firstPassed)
		return err
	})
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}

// control calls f with the number of an open file.
func control(file *os.File, f func(fd int) error) error {
	if file == nil {
		return errNoFile
	}
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var failure error
	if err := raw.Control(func(fd uintptr) { failure = f(int(fd)) }); err != nil {
		return err
	}
	return failure
}

// errNoFile says that a socket came without a descriptor.
var errNoFile = errors.New("the socket has no file")

// newPipe makes a pipe, closed on exec at both ends. os.Pipe would make it
// non-blocking for the child, too, and watch it by the runtime's poller.
func newPipe() (r, w int, err error) {
	var p [2]int
	err = quietly(func() error { return syscall.Pipe(p[:]) }, &p)
	return p[0], p[1], err
}

// newPair makes two connected stream sockets, closed on exec.
func newPair() (ours, theirs int, err error) {
	var p [2]int
	err = quietly(func() (err error) {
		p, err = syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
		return err
	}, &p)
	return p[0], p[1], err
}

// quietly makes two descriptors that no child started meanwhile gets to see.
func quietly(open func() error, p *[2]int) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := open(); err != nil {
		return err
	}
	syscall.CloseOnExec(p[0])
	syscall.CloseOnExec(p[1])
	return nil
}
