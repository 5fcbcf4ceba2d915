//go:build linux || darwin || freebsd

package process

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// MakeReusable lets further sockets of this user join these on their ports, by
// SO_REUSEPORT. They were bound without it, so that a port that is taken was found
// out.
func MakeReusable(set []Socket) error {
	for _, s := range set {
		if s.Network == "unix" {
			continue
		}
		err := control(s.File, func(fd int) error { return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) })
		if err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	return nil
}

// ShareSockets returns n sets of sockets, one for each worker: the set that it
// is given, and n-1 further ones on the very same addresses. On Linux those are
// sockets of their own, over which the kernel spreads the connections, if the
// first was opened with SO_REUSEPORT. A UNIX socket, one without SO_REUSEPORT
// (systemd's, say), and all sockets elsewhere, where that option does not spread
// them, are one socket in all the sets: its workers take turns. When it fails,
// nothing is open but the given set.
func ShareSockets(set []Socket, n int) ([][]Socket, error) {
	sets := make([][]Socket, 1, max(n, 1))
	sets[0] = set
	for len(sets) < n {
		next := make([]Socket, 0, len(set))
		for _, s := range set {
			f, err := shareSocket(s)
			if err != nil {
				CloseSockets(next)
				for _, opened := range sets[1:] {
					CloseSockets(opened)
				}
				return nil, fmt.Errorf("cannot open %s %s once more for worker %d: %w", s.Network, s.Address, len(sets)+1, err)
			}
			s.File = f
			next = append(next, s)
		}
		sets = append(sets, next)
	}
	return sets, nil
}
