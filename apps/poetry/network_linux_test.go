package poetry_test

import (
	"errors"
	"net"
	"syscall"
	"testing"
	"time"

	"skein/apps/poetry"
	"skein/deferred"
	"skein/protocol"
	"skein/reactor"
	"skein/reactor/reactortest"
)

// deaf opens a port that answers nobody: its queue of clients to accept is full,
// and then the kernel drops what comes. Only Linux does so.
func deaf(t *testing.T) (addr string) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	bound, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	a := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: bound.(*syscall.SockaddrInet4).Port}
	for range 100 {
		c, err := net.DialTimeout("tcp", a.String(), 200*time.Millisecond)
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			return a.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
	}
	t.Fatal("the queue does not fill")
	return ""
}

func TestGetPoemConnectTimeout(t *testing.T) {
	addr := deaf(t)
	reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
		d := poetry.GetPoem(r, addr, poetry.Options{ConnectTimeout: 50 * time.Millisecond})
		return wantsError(d, protocol.ErrConnectTimeout, 0)
	})
}

func TestGetPoemCancelledWhileConnecting(t *testing.T) {
	addr := deaf(t)
	reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
		// Without any limit of its own: only the cancellation can end it.
		d := poetry.GetPoem(r, addr, poetry.Options{ConnectTimeout: -1})
		r.CallLater(10*time.Millisecond, d.Cancel)
		return wantsError(d, deferred.ErrCancelled, 0)
	})
}
