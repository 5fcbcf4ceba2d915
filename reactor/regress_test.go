package reactor_test

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"

	"skein/deferred"
	"skein/deferred/clock"
	"skein/protocol"
	"skein/reactor"
	"skein/reactor/reactortest"
)

// This file holds what was once wrong, found by those who tried to break it.

// TestTimerAfterAnAlarmInVain sets a timer after the kernel's has rung for one
// that had been cancelled, with no other waiting.
func TestTimerAfterAnAlarmInVain(t *testing.T) {
	m := reactortest.NewMemory()
	ran := false
	_, addr := listen(t, m.Reactor, build(func() protocol.Protocol {
		return &proto{data: func(*proto, []byte) { m.CallLater(time.Second, func() { ran = true }) }}
	}))
	c := &proto{}
	m.ConnectTCP(addr, &client{t: t, p: c}) // its timeout is cancelled when it connects
	m.Advance(time.Second)
	m.Advance(time.Minute) // the timeout's alarm rings in vain
	m.CallFromThread(func() { _, _ = c.Transport.Write([]byte("x")) })
	m.Advance(time.Minute)
	if !ran {
		t.Error("a timer of 1 s has not run within a minute")
	}
}

// eager is a client that always tries again.
type eager struct {
	protocol.ClientFactoryBase
	tries, refused int
}

func (e *eager) BuildProtocol(net.Addr) protocol.Protocol { return &proto{} }

func (e *eager) again(c protocol.Connector) {
	if e.tries++; e.tries < 1000 && c.Connect() != nil {
		e.refused++
	}
}

func (e *eager) ClientConnectionFailed(c protocol.Connector, _ error) { e.again(c) }
func (e *eager) ClientConnectionLost(c protocol.Connector, _ error)   { e.again(c) }

// TestShutdownWithAnEagerClient stops a reactor whose client reconnects at once.
func TestShutdownWithAnEagerClient(t *testing.T) {
	m := reactortest.NewMemory()
	e := &eager{}
	_, addr := listen(t, m.Reactor, build(func() protocol.Protocol { return &proto{} }))
	m.ConnectTCP(addr, e)
	m.CallLater(time.Second, func() { _ = m.Stop() })
	if err := m.Run(); err != nil {
		t.Fatal(err)
	}
	if e.refused != 1 || e.tries != 1 {
		t.Errorf("it tried %d times and was refused %d times while the reactor stopped, want 1 and 1", e.tries, e.refused)
	}
}

// TestBlockingCallAfterClose asks a reactor that never ran.
func TestBlockingCallAfterClose(t *testing.T) {
	r, err := reactor.New()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "socket")
	if _, err := r.ListenUNIX(path, build(echo)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(r.Close(), r.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := r.BlockingCallFromThread(func() (any, error) { return nil, nil }); !errors.Is(err, reactor.ErrStopped) {
		t.Errorf("the call ended with %v", err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the UNIX socket's path after Close: %v", err)
	}
}

// puller is a pull producer made of a function.
type puller struct {
	asked int
	on    func()
}

func (p *puller) StopProducing() {}
func (p *puller) ResumeProducing() {
	if p.asked++; p.on != nil {
		p.on()
	}
}

// TestPullProducerTakesOver registers a producer in the call of one that has
// written nothing.
func TestPullProducerTakesOver(t *testing.T) {
	m := reactortest.NewMemory()
	second := &puller{}
	_, addr := listen(t, m.Reactor, build(func() protocol.Protocol {
		return &proto{made: func(p *proto) {
			first := &puller{on: func() {
				p.Transport.UnregisterProducer()
				_ = p.Transport.RegisterProducer(second, false)
			}}
			m.CallLater(time.Second, func() { _ = p.Transport.RegisterProducer(first, false) })
		}}
	}))
	m.ConnectTCP(addr, &client{t: t, p: &proto{}})
	m.Advance(time.Minute)
	if second.asked != 1 {
		t.Errorf("the second producer was asked %d times, want once", second.asked)
	}
}

// TestPullProducerIsAskedOncePerPiece lets input arrive before a producer has
// written what it was asked for.
func TestPullProducerIsAskedOncePerPiece(t *testing.T) {
	m := reactortest.NewMemory()
	slow := &puller{}
	_, addr := listen(t, m.Reactor, build(func() protocol.Protocol {
		return &proto{made: func(p *proto) { _ = p.Transport.RegisterProducer(slow, false) }}
	}))
	c := &proto{}
	m.ConnectTCP(addr, &client{t: t, p: c})
	m.Advance(time.Second)
	for range 5 {
		_, _ = c.Transport.Write([]byte("x"))
		m.Advance(time.Second)
	}
	if slow.asked != 1 {
		t.Errorf("asked %d times for a first piece that it has not written yet", slow.asked)
	}
}

// unspeakable is an error that cannot say what it is.
type unspeakable struct{ text string }

func (u *unspeakable) Error() string { return u.text } // panics for nil

// TestPanicThatCannotBeLogged panics with a value whose methods panic.
func TestPanicThatCannotBeLogged(t *testing.T) {
	m := reactortest.NewMemory(reactor.WithLogger(zerolog.New(io.Discard)))
	after := false
	m.CallFromThread(func() { panic((*unspeakable)(nil)) })
	m.CallFromThread(func() { after = true })
	m.Advance(0)
	if !after || m.Stats().Panics != 1 {
		t.Errorf("after the panic the next call ran: %v; %d panics", after, m.Stats().Panics)
	}
}

// TestCloseTimeoutIsExact aborts a peer that takes nothing when the timeout is
// over, and not a look later.
func TestCloseTimeoutIsExact(t *testing.T) {
	m := reactortest.NewMemory(reactor.WithCloseTimeout(10 * time.Second))
	var lost time.Time
	_, addr := listen(t, m.Reactor, build(func() protocol.Protocol {
		return &proto{
			made: func(p *proto) {
				_, _ = p.Transport.Write(make([]byte, 1<<20))
				p.Transport.LoseConnection()
			},
			lost: func(*proto, error) { lost = m.Now() },
		}
	}))
	start := m.Now()
	m.ConnectTCP(addr, &client{t: t, p: &proto{made: func(p *proto) { p.Transport.PauseProducing() }}})
	m.Advance(time.Hour)
	if took := lost.Sub(start); took < 10*time.Second || took > 11*time.Second {
		t.Errorf("aborted after %v, want 10 s", took)
	}
}

// TestNegativeTimes are refused where they are given.
func TestNegativeTimes(t *testing.T) {
	for name, o := range map[string]reactor.Option{
		"WithCloseTimeout":  reactor.WithCloseTimeout(-1),
		"WithLingerTimeout": reactor.WithLingerTimeout(-1),
		"WithShutdownGrace": reactor.WithShutdownGrace(-1),
		"WithWatermarks":    reactor.WithWatermarks(2, 1),
		"WithThreads":       reactor.WithThreads(0),
	} {
		if _, err := reactor.New(o); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	m := reactortest.NewMemory()
	err, _ := misuse(func() { m.ConnectTCP("127.0.0.1:1", &eager{}, reactor.ConnectTimeout(-1)) }).(error)
	if !errors.Is(err, clock.ErrNegativeDelay) {
		t.Errorf("ConnectTimeout: %v", err)
	}
	m.CallLater(time.Second, func() { _ = m.Stop() })
	if err := m.Run(); err != nil { // and nothing is counted that never was
		t.Fatal(err)
	}
}

// TestUrgentData reads on behind a byte that was sent out of band.
func TestUrgentData(t *testing.T) {
	reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
		done := deferred.New()
		got := ""
		var server *proto
		port, addr := listen(t, r, build(func() protocol.Protocol {
			server = &proto{
				made: func(p *proto) { p.Transport.PauseProducing() },
				data: func(p *proto, data []byte) {
					if got += string(data); got == "abcefg" {
						p.Transport.AbortConnection()
						done.Callback(nil)
					}
				},
			}
			return server
		}))
		sent := r.DeferToThread(func() (any, error) {
			return nil, fetch(addr, func(c *net.TCPConn) error {
				raw, err := c.SyscallConn()
				if err != nil {
					return err
				}
				_, err = c.Write([]byte("abc"))
				failed := raw.Control(func(fd uintptr) {
					err = errors.Join(err, unix.Send(int(fd), []byte("d"), unix.MSG_OOB))
				})
				_, last := c.Write([]byte("efg"))
				r.CallFromThread(func() { server.Transport.ResumeProducing() })
				_, _ = io.Copy(io.Discard, c)
				return errors.Join(err, failed, last)
			})
		})
		return closing(port, deferred.GatherResults([]*deferred.Deferred{done, sent}))
	}, reactortest.Timeout(20*time.Second))
}

// TestGraceLeavesToTheKernelWhatItHas stops a reactor with a connection that has
// given everything to the kernel, and whose peer has read nothing.
func TestGraceLeavesToTheKernelWhatItHas(t *testing.T) {
	r, err := reactor.New(reactor.WithoutSignals(), reactor.WithLogger(zerolog.Nop()), reactor.WithShutdownGrace(50*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	const size = 32 << 10 // less than any socket's buffer
	_, addr := listen(t, r, build(func() protocol.Protocol {
		return &proto{made: func(p *proto) {
			_, _ = p.Transport.Write(make([]byte, size))
			p.Transport.LoseConnection()
			r.CallLater(0, func() { _ = r.Stop() })
		}}
	}))
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := r.Run(); err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, c); n != size || err != nil {
		t.Errorf("%d of %d bytes, %v", n, size, err)
	}
}

// TestSilentProducerDelaysACloseForSoLong closes a connection under a producer
// that neither writes nor unregisters.
func TestSilentProducerDelaysACloseForSoLong(t *testing.T) {
	m := reactortest.NewMemory(reactor.WithCloseTimeout(10 * time.Second))
	var lost time.Time
	var reason error
	_, addr := listen(t, m.Reactor, build(func() protocol.Protocol {
		return &proto{
			made: func(p *proto) {
				_ = p.Transport.RegisterProducer(&idle{}, true)
				_, _ = p.Transport.Write([]byte("all that it has"))
				p.Transport.LoseConnection()
			},
			lost: func(_ *proto, err error) { lost, reason = m.Now(), err },
		}
	}))
	start := m.Now()
	m.ConnectTCP(addr, &client{t: t, p: &proto{}})
	m.Advance(time.Hour)
	if took := lost.Sub(start); took < 10*time.Second || took > 21*time.Second || !errors.Is(reason, reactor.ErrProducerTimeout) {
		t.Errorf("after %v: %v", took, reason)
	}
}

// TestStopListeningCallsNobodyBack closes a port in a callback of a reactor that
// is driven by hand, where another port waits for a descriptor.
func TestStopListeningCallsNobodyBack(t *testing.T) {
	m := reactortest.NewMemory()
	m.LimitDescriptors(4)
	inside := false
	f := build(func() protocol.Protocol {
		if inside {
			t.Error("BuildProtocol came from inside StopListening")
		}
		return &proto{}
	})
	_, addr := listen(t, m.Reactor, f)
	other, _ := listen(t, m.Reactor, f)
	m.ConnectTCP(addr, &client{t: t, p: &proto{}})
	m.ConnectTCP(addr, &client{t: t, p: &proto{}})
	m.Advance(10 * time.Millisecond)
	m.CallLater(0, func() {
		inside = true
		other.StopListening()
		inside = false
	})
	m.Advance(10 * time.Millisecond)
}

// TestPeerLeavesAfterLoseConnection closes under an idle push producer; then the
// peer leaves, too.
func TestPeerLeavesAfterLoseConnection(t *testing.T) {
	m := reactortest.NewMemory(reactor.WithCloseTimeout(time.Hour))
	lost := false
	_, addr := listen(t, m.Reactor, build(func() protocol.Protocol {
		return &proto{
			made: func(p *proto) {
				_ = p.Transport.RegisterProducer(&idle{}, true)
				p.Transport.LoseConnection()
			},
			lost: func(*proto, error) { lost = true },
		}
	}))
	c := &proto{}
	m.ConnectTCP(addr, &client{t: t, p: c})
	m.Advance(time.Second)
	c.Transport.LoseConnection()
	m.Advance(time.Minute)
	if !lost {
		t.Error("the peer left a minute ago, and the connection is still there")
	}
}

// late is a client factory that is made while the reactor stops.
type late struct {
	protocol.ClientFactoryBase
	failed func(error)
}

func (*late) BuildProtocol(net.Addr) protocol.Protocol { return nil }

func (l *late) ClientConnectionFailed(_ protocol.Connector, reason error) { l.failed(reason) }

// TestConnectWhileStopping connects in the ConnectionLost that a shutdown
// brings: the factory hears that it cannot be, once, and again as often as it
// asks, but not for ever.
func TestConnectWhileStopping(t *testing.T) {
	for _, stubborn := range []bool{false, true} {
		m := reactortest.NewMemory(reactor.WithShutdownGrace(time.Second))
		var reason error
		l, failures := &late{}, 0
		l.failed = func(err error) {
			reason = err
			if failures++; stubborn {
				m.ConnectTCP("127.0.0.1:1", l)
			}
		}
		_, addr := listen(t, m.Reactor, build(func() protocol.Protocol {
			return &proto{lost: func(*proto, error) { m.ConnectTCP("127.0.0.1:1", l) }}
		}))
		m.ConnectTCP(addr, &client{t: t, p: &proto{}})
		m.CallLater(time.Second, func() { _ = m.Stop() })
		if err := m.Run(); err != nil {
			t.Fatal(err)
		}
		if !errors.Is(reason, reactor.ErrStopped) || !stubborn && failures != 1 {
			t.Errorf("stubborn %v: it heard %d times, last of %v", stubborn, failures, reason)
		}
	}
}
