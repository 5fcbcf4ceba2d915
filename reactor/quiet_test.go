package reactor_test

import (
	"errors"
	"io"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"skein/deferred"
	"skein/protocol"
	"skein/reactor"
	"skein/reactor/reactortest"
)

// halfCloser goes on whatever closes.
type halfCloser struct{ *proto }

func (halfCloser) ReadConnectionLost()  {}
func (halfCloser) WriteConnectionLost() {}

// stuck are states of a connection in which nothing can happen: what the server
// does when it is made, and what its client does then.
var stuck = []struct {
	name   string
	server func(p *proto)
	client func(c *net.TCPConn)
}{
	{"paused, and the client has half-closed", func(p *proto) { p.Transport.PauseProducing() }, func(c *net.TCPConn) { _ = c.CloseWrite() }},
	{"paused, and the client has left", func(p *proto) { p.Transport.PauseProducing() }, func(c *net.TCPConn) { _, _ = c.Write([]byte("x")); _ = c.Close() }},
	{"paused, and more has come than fits", func(p *proto) { p.Transport.PauseProducing() }, func(c *net.TCPConn) { _, _ = c.Write(make([]byte, 1<<20)) }},
	{"closing, to a client that does not read", func(p *proto) { _ = p.Transport.WriteShared(bigPoem()); p.Transport.LoseConnection() }, func(*net.TCPConn) {}},
	{"full, and the client has half-closed", func(p *proto) { _ = p.Transport.WriteShared(bigPoem()) }, func(c *net.TCPConn) { _ = c.CloseWrite() }},
	{"with a pull producer that has nothing", func(p *proto) { _ = p.Transport.RegisterProducer(&puller{}, false) }, func(c *net.TCPConn) { _ = c.CloseWrite() }},
	{"half-closed, and nobody says anything", func(*proto) {}, func(c *net.TCPConn) { _ = c.CloseWrite() }},
}

// TestNothingToDoIsNoWork counts the turns that the loop takes while all its
// connections are stuck.
func TestNothingToDoIsNoWork(t *testing.T) {
	const limit = 5
	bigPoem() // takes a while to make, and the loop must not wait for it
	reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
		var transports []protocol.Transport
		next, all := 0, deferred.New()
		port, addr := listen(t, r, build(func() protocol.Protocol {
			server := stuck[next].server
			next++
			return halfCloser{&proto{made: func(p *proto) {
				server(p)
				if transports = append(transports, p.Transport); len(transports) == len(stuck) {
					all.Callback(nil)
				}
			}}}
		}))
		clients := r.DeferToThread(func() (any, error) {
			for _, s := range stuck {
				c, err := net.Dial("tcp", addr)
				if err != nil {
					return nil, err
				}
				t.Cleanup(func() { _ = c.Close() })
				_ = c.SetDeadline(time.Now().Add(100 * time.Millisecond))
				s.client(c.(*net.TCPConn))
			}
			return nil, nil
		})
		return closing(port, deferred.GatherResults([]*deferred.Deferred{clients, all}).AddCallback(func(any) (any, error) {
			settled := deferred.New()
			r.CallLater(200*time.Millisecond, func() {
				before := r.Stats().Turns
				r.CallLater(300*time.Millisecond, func() {
					if turns := r.Stats().Turns - before; turns > limit {
						t.Errorf("%d turns while nothing could happen, at most %d are allowed", turns, limit)
					}
					for _, tr := range transports {
						tr.AbortConnection()
					}
					settled.Callback(nil)
				})
			})
			return settled, nil
		}))
	}, reactortest.Timeout(20*time.Second))
}

// TestGoexitEndsRun ends the loop's goroutine in callbacks of each kind, as
// t.FailNow does: Run unwinds, and whoever waits hears of it.
func TestGoexitEndsRun(t *testing.T) {
	for _, where := range []string{"startup", "build", "made", "data", "lost", "timer", "posted", "deferred", "shutdown"} {
		t.Run(where, func(t *testing.T) {
			r, err := reactor.New(reactor.WithoutSignals(), reactor.WithLogger(zerolog.New(io.Discard)))
			if err != nil {
				t.Fatal(err)
			}
			exit := func(at string) {
				if at == where {
					runtime.Goexit()
				}
			}
			reached := make(chan bool)
			go func() {
				ran := false
				defer func() { reached <- ran }()
				goexitWorld(t, r, exit)
				_ = r.Run()
				ran = true
			}()
			if <-reached {
				t.Error("Run returned as if nothing had happened")
			}
			if _, err := r.BlockingCallFromThread(func() (any, error) { return nil, nil }); !errors.Is(err, reactor.ErrStopped) {
				t.Errorf("a call after the end: %v", err)
			}
		})
	}
}

// goexitWorld prepares a reactor that comes through every kind of callback and
// then stops; in each it calls exit.
func goexitWorld(t *testing.T, r *reactor.Reactor, exit func(at string)) {
	port, addr := listen(t, r, build(func() protocol.Protocol {
		exit("build")
		return &proto{
			made: func(p *proto) {
				exit("made")
				_, _ = p.Transport.Write([]byte("x"))
			},
			data: func(p *proto, _ []byte) {
				exit("data")
				p.Transport.LoseConnection()
			},
			lost: func(*proto, error) {
				exit("lost")
				r.CallLater(0, func() { exit("timer") })
			},
		}
	}))
	r.ConnectTCP(addr, &client{t: t, p: &proto{
		data: func(p *proto, _ []byte) { _, _ = p.Transport.Write([]byte("y")) },
		lost: func(*proto, error) {
			r.CallFromThread(func() {
				exit("posted")
				port.StopListening().AddCallback(func(any) (any, error) {
					exit("deferred")
					r.CallLater(20*time.Millisecond, func() { _ = r.Stop() })
					return nil, nil
				})
			})
		},
	}})
	r.AddSystemEventTrigger(reactor.After, reactor.Startup, func() *deferred.Deferred { exit("startup"); return nil })
	r.AddSystemEventTrigger(reactor.During, reactor.Shutdown, func() *deferred.Deferred { exit("shutdown"); return nil })
}
