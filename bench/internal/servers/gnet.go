package servers

import (
	"context"
	"errors"
	"net"
	"os"
	"sync/atomic"

	"github.com/panjf2000/gnet/v2"
	"github.com/panjf2000/gnet/v2/pkg/logging"
	"github.com/panjf2000/gnet/v2/pkg/pool/goroutine"
)

// gnetServer serves with gnet's own engine, on one event loop.
type gnetServer struct {
	gnet.BuiltinEventEngine
	work gnetWork

	engine  gnet.Engine
	booted  chan error
	addr    string
	ended   chan error
	stopped atomic.Bool
}

// gnetWork is what is done with connections.
type gnetWork interface {
	// opened says that a client has come.
	opened(c gnet.Conn) gnet.Action
	// traffic says that bytes have come, or that woken was called.
	traffic(c gnet.Conn) gnet.Action
	// closed says that the client is gone.
	closed(c gnet.Conn)
}

// listenGnet makes a server on gnet. With SO_REUSEPORT its one loop accepts for
// itself; else another goroutine would, and hand the connections over.
func listenGnet(o options) (server, error) {
	work, err := gnetWorkOf(o)
	if err != nil {
		return nil, err
	}
	s := &gnetServer{work: work, booted: make(chan error, 1), ended: make(chan error, 1)}
	go func() {
		s.ended <- gnet.Run(s, "tcp://"+o.addr,
			gnet.WithNumEventLoop(1), gnet.WithReusePort(true), gnet.WithReuseAddr(true),
			gnet.WithTCPNoDelay(gnet.TCPNoDelay), gnet.WithLogger(noLog{}))
	}()
	select {
	case err := <-s.booted:
		if err != nil {
			return nil, errors.Join(err, <-s.ended)
		}
		return s, nil
	case err := <-s.ended:
		return nil, err
	}
}

// quietGnet ends the goroutines that the package starts when a program has it,
// and that only the relay needs.
func quietGnet() { goroutine.DefaultWorkerPool.Release() }

// OnBoot finds out where the engine listens: gnet says no more than it was told.
func (s *gnetServer) OnBoot(e gnet.Engine) gnet.Action {
	s.engine = e
	name, err := gnetAddress(e)
	if err != nil {
		s.booted <- err
		return gnet.Shutdown
	}
	s.addr = name
	s.booted <- nil
	return gnet.None
}

// gnetAddress asks a copy of the listener's descriptor.
func gnetAddress(e gnet.Engine) (string, error) {
	fd, err := e.Dup()
	if err != nil {
		return "", err
	}
	f := os.NewFile(uintptr(fd), "listener")
	defer func() { _ = f.Close() }() // a copy
	l, err := net.FileListener(f)    // another one
	if err != nil {
		return "", err
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String(), nil
}

// address is where it listens.
func (s *gnetServer) address() string { return s.addr }

// serve waits for the engine's end.
func (s *gnetServer) serve() error {
	err := <-s.ended
	if err == nil && !s.stopped.Load() {
		err = errors.New("gnet's engine has ended, and does not say why")
	}
	return err
}

// stop ends the engine, without waiting for that: it would look twice a second.
func (s *gnetServer) stop() {
	s.stopped.Store(true)
	over, cancel := context.WithCancel(context.Background())
	cancel()
	_ = s.engine.Stop(over)
	quietGnet()
}

// OnOpen passes the call on.
func (s *gnetServer) OnOpen(c gnet.Conn) ([]byte, gnet.Action) { return nil, s.work.opened(c) }

// OnTraffic passes the call on.
func (s *gnetServer) OnTraffic(c gnet.Conn) gnet.Action { return s.work.traffic(c) }

// OnClose passes the call on.
func (s *gnetServer) OnClose(c gnet.Conn, _ error) gnet.Action {
	s.work.closed(c)
	return gnet.None
}

// noLog drops gnet's log.
type noLog struct{}

var _ logging.Logger = noLog{}

// Debugf drops the line.
func (noLog) Debugf(string, ...any) {}

// Infof drops the line.
func (noLog) Infof(string, ...any) {}

// Warnf drops the line.
func (noLog) Warnf(string, ...any) {}

// Errorf drops the line.
func (noLog) Errorf(string, ...any) {}

// Fatalf drops the line.
func (noLog) Fatalf(string, ...any) {}
