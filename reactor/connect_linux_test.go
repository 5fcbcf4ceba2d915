package reactor_test

import (
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"skein/deferred"
	"skein/protocol"
	"skein/reactor"
	"skein/reactor/reactortest"
)

// fullQueue returns the address of a port that answers nobody: its queue is full,
// and then Linux drops what comes.
func fullQueue(t *testing.T) string {
	t.Helper()
	here := &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
	open := func() int {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = unix.Close(fd) })
		return fd
	}
	fd := open()
	if err := unix.Bind(fd, here); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	bound, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	for range 4 {
		if err := unix.Connect(open(), bound); err != unix.EINPROGRESS {
			t.Fatal(err)
		}
	}
	return fmt.Sprintf("127.0.0.1:%d", bound.(*unix.SockaddrInet4).Port)
}

// freeOnly takes every free number below fd, which is free.
func freeOnly(t *testing.T, fd int) {
	for {
		n, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		switch {
		case err != nil || n > fd:
			t.Fatalf("descriptor %d is not free: %d, %v", fd, n, err)
		case n == fd:
			_ = unix.Close(n)
			return
		}
		t.Cleanup(func() { _ = unix.Close(n) })
	}
}

// TestAnEdgeOfTheNumbersPastConnectsNobody has the poller tell an attempt of what
// happens to the socket that had its number before: that one is closed here, but
// not everywhere, which is so while a child that another goroutine starts stands
// between fork and exec. The test's copy stands for the child's.
func TestAnEdgeOfTheNumbersPastConnectsNobody(t *testing.T) {
	silent := fullQueue(t)
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
		done := deferred.New()
		var peer net.Conn
		heir := func(number int) {
			freeOnly(t, number)
			f := &caller{}
			c := r.ConnectTCP(silent, f)
			r.CallFromThread(func() { // it has begun
				if _, err := unix.Getpeername(number); err != unix.ENOTCONN {
					t.Errorf("descriptor %d is not the attempt's: %v", number, err)
				}
				if _, err := peer.Write([]byte("x")); err != nil {
					t.Error(err)
				}
				r.CallLater(10*time.Millisecond, func() {
					if c.State() != protocol.Connecting || f.built != 0 || len(f.failed) != 0 {
						t.Errorf("%v, with %d protocols, failed for %v", c.State(), f.built, f.failed)
					}
					c.Disconnect()
					done.Callback(nil)
				})
			})
		}
		number := 0
		r.ConnectTCP(server.Addr().String(), &client{t: t, p: &proto{
			made: func(p *proto) {
				var err error
				if peer, err = server.Accept(); err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = peer.Close() })
				number = reactor.FD(p.Transport)
				child, err := unix.FcntlInt(uintptr(number), unix.F_DUPFD_CLOEXEC, 0)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = unix.Close(child) })
				p.Transport.AbortConnection()
			},
			lost: func(*proto, error) { heir(number) },
		}})
		return done
	}, reactortest.Timeout(20*time.Second))
}

// TestNobodyIsConnectedToItself connects from the port that it connects to, which
// succeeds, as it does for one whose port the system has chosen in that way.
func TestNobodyIsConnectedToItself(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "[::1]"} {
		t.Run(host, func(t *testing.T) {
			l, err := net.Listen("tcp", host+":0")
			if err != nil {
				t.Skip(err) // a machine without IPv6
			}
			addr := l.Addr().String()
			_ = l.Close() // now nobody listens there
			reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
				done := deferred.New()
				made := func(p *proto) {
					t.Error("connected to itself")
					p.Transport.AbortConnection()
					done.Callback(nil)
				}
				failed := func(err error) {
					if !errors.Is(err, unix.ECONNREFUSED) {
						t.Error(err)
					}
					done.Callback(nil)
				}
				r.ConnectTCP(addr, &refused{client{p: &proto{made: made}}, failed}, reactor.BindAddress(addr))
				return done
			})
		})
	}
}
