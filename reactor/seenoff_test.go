package reactor_test

import (
	"errors"
	"net"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"skein/deferred"
	"skein/protocol"
	"skein/protocol/policies"
	"skein/reactor"
	"skein/reactor/internal/kernel"
	"skein/reactor/reactortest"
)

// fetchInTurn connects n times, each time when the one before has ended, and
// returns a Deferred that fires behind the last.
func fetchInTurn(t *testing.T, r *reactor.Reactor, addr string, n int, made func(*proto)) *deferred.Deferred {
	done := deferred.New()
	var next func()
	next = func() {
		if n--; n < 0 {
			done.Callback(nil)
			return
		}
		r.ConnectTCP(addr, &client{t: t, p: &proto{made: made, lost: func(*proto, error) { next() }}})
	}
	next()
	return done
}

// TestOneWhoStaysHidesNobody fetches poems in turn while another client takes
// its time to leave. Those who have left must not count as open because they
// came behind it, whether they said something before or not.
func TestOneWhoStaysHidesNobody(t *testing.T) {
	made := map[string]func(*proto){
		"silent": nil,
		"talks":  func(p *proto) { _, _ = p.Transport.Write([]byte("a poem, please")) },
	}
	for name, made := range made {
		t.Run(name, func(t *testing.T) {
			reactortest.RunMemory(t, func(m *reactortest.MemoryReactor) *deferred.Deferred {
				open, most := 0, 0
				port, addr := listen(t, m.Reactor, build(func() protocol.Protocol {
					open++
					most = max(most, open)
					return &proto{made: send([]byte("x")), lost: func(*proto, error) { open-- }}
				}))
				stays := &proto{made: func(p *proto) { p.Transport.PauseProducing() }}
				m.ConnectTCP(addr, &client{t: t, p: stays})
				return closing(port, fetchInTurn(t, m.Reactor, addr, 100, made).AddCallback(func(any) (any, error) {
					stays.Transport.ResumeProducing()
					return nil, want("clients at once", most, 2)
				}))
			})
		})
	}
}

// TestWhoLeavesIsSeenOffThoughNobodyComes has one client only, which leaves at once:
// a tick sees it off. The timer of the next one, which has nothing to do, does not
// count as a delayed call that waits.
func TestWhoLeavesIsSeenOffThoughNobodyComes(t *testing.T) {
	reactortest.RunMemory(t, func(m *reactortest.MemoryReactor) *deferred.Deferred {
		start, lost := m.Now(), deferred.New()
		port, addr := listen(t, m.Reactor, build(func() protocol.Protocol {
			return &proto{made: send([]byte("x")), lost: func(*proto, error) { lost.Callback(m.Now().Sub(start)) }}
		}))
		stays := &proto{made: func(p *proto) { p.Transport.PauseProducing() }}
		m.ConnectTCP(addr, &client{t: t, p: stays})
		during := 0
		m.CallLater(3*time.Millisecond, func() {
			during = m.PendingCalls()
			stays.Transport.ResumeProducing()
		})
		return closing(port, lost.AddCallback(func(took any) (any, error) {
			return nil, errors.Join(
				want("it took as long as 3 to 6 ms", took.(time.Duration) >= 3*time.Millisecond && took.(time.Duration) < 6*time.Millisecond, true),
				want("delayed calls while it stayed", during, 1),
				want("delayed calls when it has left", m.PendingCalls(), 0))
		}))
	})
}

// TestWhoIsLetInWhenAnotherLeavesNeedNotWait has one client at a time, and looks
// at the clock: nobody is accepted who would see the one before off.
func TestWhoIsLetInWhenAnotherLeavesNeedNotWait(t *testing.T) {
	reactortest.RunMemory(t, func(m *reactortest.MemoryReactor) *deferred.Deferred {
		limit := &policies.TotalLimit{Max: 1, Factory: build(func() protocol.Protocol { return &proto{made: send([]byte("x"))} })}
		port, addr := listen(t, m.Reactor, limit)
		limit.PauseAtLimit(port)
		start := m.Now()
		return closing(port, fetchInTurn(t, m.Reactor, addr, 20, nil).AddCallback(func(any) (any, error) {
			return nil, want("more than 5 ms for 20 clients", m.Now().Sub(start) > 5*time.Millisecond, false)
		}))
	})
}

// TestLingerTimeoutOfZero does not wait for the peer's end at all.
func TestLingerTimeoutOfZero(t *testing.T) {
	reactortest.RunMemory(t, func(m *reactortest.MemoryReactor) *deferred.Deferred {
		start, lost, left := m.Now(), deferred.New(), deferred.New()
		port, addr := listen(t, m.Reactor, build(func() protocol.Protocol {
			return &proto{made: send([]byte("x")), lost: func(*proto, error) { lost.Callback(m.Now().Sub(start)) }}
		}))
		c := &proto{
			made: func(p *proto) { p.Transport.PauseProducing() },
			lost: func(*proto, error) { left.Callback(nil) },
		}
		m.ConnectTCP(addr, &client{t: t, p: c})
		return closing(port, lost.AddCallback(func(took any) (any, error) {
			c.Transport.ResumeProducing()
			return left.AddCallback(func(any) (any, error) {
				return nil, want("it took a millisecond", took.(time.Duration) > time.Millisecond, false)
			}), nil
		}))
	}, reactortest.With(reactor.WithLingerTimeout(0)))
}

// counted is the machine's kernel, which counts the connections that have been
// accepted and not closed.
type counted struct {
	kernel.Kernel
	accepted map[int]bool
	shut     bool // getpeername of a refused socket says EINVAL, as macOS' does
}

func (c *counted) Accept(port int) (int, kernel.Addr, syscall.Errno) {
	fd, from, errno := c.Kernel.Accept(port)
	if errno == 0 {
		c.accepted[fd] = true
	}
	return fd, from, errno
}

func (c *counted) CloseSocket(fd int, reset bool) {
	delete(c.accepted, fd)
	c.Kernel.CloseSocket(fd, reset)
}

func (c *counted) Connected(fd int) syscall.Errno {
	errno := c.Kernel.Connected(fd)
	if errno == syscall.ENOTCONN && c.shut {
		errno = syscall.EINVAL
	}
	return errno
}

// newCounted returns a reactor on such a kernel.
func newCounted(t *testing.T) (*counted, *reactor.Reactor) {
	t.Helper()
	k, err := kernel.Open()
	if err != nil {
		t.Fatal(err)
	}
	c := &counted{Kernel: k, accepted: make(map[int]bool)}
	return c, reactor.NewOn(c, reactor.WithoutSignals(), reactor.WithLogger(zerolog.Nop()))
}

// TestGoexitWhileAnotherIsAccepted ends the loop's goroutine in the
// ConnectionLost of a connection that is seen off, as a t.Fatal there does. The
// one that was being accepted must be closed, too.
func TestGoexitWhileAnotherIsAccepted(t *testing.T) {
	k, r := newCounted(t)
	_, addr := listen(t, r, build(func() protocol.Protocol {
		return &proto{made: send([]byte("x")), lost: func(*proto, error) { runtime.Goexit() }}
	}))
	fetched, ended := make(chan error), make(chan struct{})
	go func() {
		defer close(ended)
		_ = r.Run()
	}()
	go func() {
		_ = fetch(addr, func(c *net.TCPConn) error { return readPoem(c, []byte("x"), 8, func() {}) })
		fetched <- fetch(addr, func(c *net.TCPConn) error { return readPoem(c, []byte("x"), 8, func() {}) })
	}()
	<-ended
	if len(k.accepted) > 0 {
		t.Errorf("%d accepted connections are still open", len(k.accepted))
		for fd := range k.accepted {
			k.Kernel.CloseSocket(fd, true)
		}
	}
	if <-fetched == nil {
		t.Error("the second client got a poem from a loop that has ended")
	}
}

// refused is the factory of a client that expects to be refused.
type refused struct {
	client
	failed func(reason error)
}

func (f *refused) ClientConnectionFailed(_ protocol.Connector, reason error) { f.failed(reason) }

// TestRefusalByItsName has the reason of a refusal be just that on a kernel
// whose getpeername says something else of such a socket.
func TestRefusalByItsName(t *testing.T) {
	k, r := newCounted(t)
	k.shut = true
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	var reason error
	r.ConnectTCP(addr, &refused{failed: func(err error) {
		reason = err
		_ = r.Stop()
	}})
	if err := r.Run(); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(reason, syscall.ECONNREFUSED) {
		t.Errorf("the reason is %v", reason)
	}
}
