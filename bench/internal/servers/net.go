package servers

import (
	"context"
	"errors"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// netServer serves with Go's net package, a goroutine for each connection.
type netServer struct {
	listener *net.TCPListener
	handle   func(c *net.TCPConn) // closes nothing
}

// listenNet makes a server on Go's net package. The package's own defaults are
// the largest backlog and TCP_NODELAY.
func listenNet(o options) (server, error) {
	config := net.ListenConfig{KeepAlive: -1} // else each connection costs four calls more
	if o.shared {
		config.Control = func(_, _ string, c syscall.RawConn) error {
			var failed error
			err := c.Control(func(fd uintptr) {
				failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
			})
			return errors.Join(err, failed)
		}
	}
	l, err := config.Listen(context.Background(), "tcp", o.addr)
	if err != nil {
		return nil, err
	}
	return &netServer{listener: l.(*net.TCPListener), handle: netWork(o)}, nil
}

// address is where it listens.
func (s *netServer) address() string { return s.listener.Addr().String() }

// serve accepts. The connections end with their peers, or with the process.
func (s *netServer) serve() error {
	for {
		c, err := s.listener.AcceptTCP()
		switch {
		case errors.Is(err, net.ErrClosed):
			return nil
		case err != nil:
			return err
		}
		go func() {
			s.handle(c)
			_ = c.Close()
		}()
	}
}

// stop ends the accepting.
func (s *netServer) stop() { _ = s.listener.Close() }
