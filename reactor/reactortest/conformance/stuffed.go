//go:build linux || darwin || freebsd

package conformance

import (
	"net"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// stuffed returns the address of a socket that listens and accepts nobody, with
// its queue full: a client that comes now gets no answer.
func stuffed(t testing.TB, network, address string) string {
	t.Helper()
	family, name := unix.AF_UNIX, unix.Sockaddr(&unix.SockaddrUnix{Name: address})
	if network == "tcp" {
		family, name = unix.AF_INET, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
	}
	l := rawSocket(t, family)
	must(t, unix.Bind(l, name))
	must(t, unix.Listen(l, 0))
	bound, err := unix.Getsockname(l)
	must(t, err)
	for range 4 { // the queue of 0 has a place or two
		c := rawSocket(t, family)
		must(t, unix.SetNonblock(c, true))
		if err := unix.Connect(c, bound); err == unix.EAGAIN {
			break
		}
	}
	if in4, ok := bound.(*unix.SockaddrInet4); ok {
		return net.JoinHostPort("127.0.0.1", strconv.Itoa(in4.Port))
	}
	return address
}

// rawSocket returns a socket that is closed when the test is over.
func rawSocket(t testing.TB, family int) int {
	t.Helper()
	fd, err := unix.Socket(family, unix.SOCK_STREAM, 0)
	must(t, err)
	unix.CloseOnExec(fd)
	t.Cleanup(func() { _ = unix.Close(fd) })
	return fd
}

// must ends the test if there is an error.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
