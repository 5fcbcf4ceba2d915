package reactor_test

import (
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"skein/deferred"
	"skein/protocol"
	"skein/protocol/policies"
	"skein/reactor"
	"skein/reactor/reactortest"
)

var _ policies.AcceptPauser = (*reactor.Port)(nil)

// TestTotalLimitLetsClientsWait has a port with room for three serve ten that
// come at once: none is turned away.
func TestTotalLimitLetsClientsWait(t *testing.T) {
	const clients, room = 10, 3
	reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
		limit := &policies.TotalLimit{Max: room}
		most := 0
		limit.Factory = build(func() protocol.Protocol {
			return &proto{
				made: func(*proto) { most = max(most, limit.Open()) },
				data: func(p *proto, data []byte) {
					_, _ = p.Transport.Write(data)
					p.Transport.LoseConnection()
				},
			}
		})
		port, addr := listen(t, r, limit)
		limit.PauseAtLimit(port)
		return closing(port, r.DeferToThread(func() (any, error) {
			results := make(chan error, clients)
			for range clients {
				go func() {
					results <- fetch(addr, func(c *net.TCPConn) error {
						if _, err := c.Write([]byte("me")); err != nil {
							return err
						}
						return readPoem(c, []byte("me"), 8, func() {})
					})
				}()
			}
			var all []error
			for range clients {
				all = append(all, <-results)
			}
			return nil, errors.Join(all...)
		}).AddCallback(func(any) (any, error) {
			return nil, errors.Join(want("most at once", most, room), want("refused", r.Stats().Accepted, clients))
		}))
	})
}

// TestAThrottledReplyReachesAClientThatHasHalfClosed has the transport close
// because of the peer's end while the reply waits for tokens.
func TestAThrottledReplyReachesAClientThatHasHalfClosed(t *testing.T) {
	reactortest.RunMemory(t, func(m *reactortest.MemoryReactor) *deferred.Deferred {
		poem := bigPoem()[:200<<10]
		var got []byte
		done := deferred.New()
		port, addr := listen(t, m.Reactor, &policies.ThrottlingFactory{Clock: m,
			WriteEach: policies.Rate{BytesPerSecond: 10 << 10},
			Factory: build(func() protocol.Protocol {
				return &proto{data: func(p *proto, _ []byte) { _ = p.Transport.WriteShared(poem) }}
			})})
		began := m.Now()
		m.ConnectTCP(addr, &client{t: t, p: &halfProto{&proto{
			made: func(p *proto) {
				_, _ = p.Transport.Write([]byte("poem, please"))
				p.Transport.LoseWriteConnection()
			},
			data: func(_ *proto, data []byte) { got = append(got, data...) },
			lost: func(*proto, error) { done.Callback(nil) },
		}, func(p *proto) { p.Transport.LoseConnection() }}})
		return closing(port, done.AddCallback(func(any) (any, error) {
			took := m.Now().Sub(began).Round(time.Second)
			return nil, errors.Join(want("the poem", string(got) == string(poem), true), want("time taken", took, 20*time.Second))
		}))
	})
}

// TestATimeoutEndsAConnectionWhosePeerDoesNotRead leaves the loop's own close
// deadline out of it.
func TestATimeoutEndsAConnectionWhosePeerDoesNotRead(t *testing.T) {
	reactortest.RunMemory(t, func(m *reactortest.MemoryReactor) *deferred.Deferred {
		lost := deferred.New()
		began := m.Now()
		port, addr := listen(t, m.Reactor, &policies.TimeoutFactory{Clock: m, Idle: time.Minute, Grace: time.Second,
			Factory: build(func() protocol.Protocol {
				return &proto{
					made: func(p *proto) { _ = p.Transport.WriteShared(bigPoem()) },
					lost: func(_ *proto, reason error) { lost.Callback(reason) },
				}
			})})
		m.ConnectTCP(addr, &client{t: t, p: &proto{made: func(p *proto) { p.Transport.PauseProducing() }}})
		return closing(port, lost.AddCallback(func(reason any) (any, error) {
			var cause *policies.TimeoutError
			took := m.Now().Sub(began)
			if !errors.As(reason.(error), &cause) || !errors.Is(reason.(error), protocol.ErrConnectionAborted) ||
				took < 61*time.Second || took > 90*time.Second {
				return nil, fmt.Errorf("after %v: %v", took, reason)
			}
			return nil, nil
		}))
	}, reactortest.With(reactor.WithCloseTimeout(time.Hour)))
}

// faithful is a client factory that tries until there is a server.
type faithful struct {
	policies.ReconnectingClientFactory
	protocol.FactoryFunc
}

// TestReconnecting opens the port when the client has tried for a while, closes
// the connection once, and stops the client.
func TestReconnecting(t *testing.T) {
	reactortest.RunMemory(t, func(m *reactortest.MemoryReactor) *deferred.Deferred {
		const addr = "127.0.0.1:10000"
		twice := deferred.New()
		retries, connected := 0, 0
		f := &faithful{}
		f.Clock, f.Jitter = m, -1
		f.Log = func(r policies.Retry) {
			if r.Abandoned == nil {
				retries++
			}
		}
		f.FactoryFunc = func(net.Addr) protocol.Protocol {
			return &proto{made: func(p *proto) {
				if connected++; connected == 2 {
					f.StopTrying()
					p.Transport.LoseConnection()
					twice.Callback(nil)
					return
				}
				f.ResetDelay()
			}}
		}
		m.ConnectTCP(addr, f)
		var port *reactor.Port
		m.CallLater(20*time.Second, func() {
			var err error
			port, err = m.ListenTCP(addr, build(func() protocol.Protocol {
				return &proto{made: func(p *proto) { p.Transport.LoseConnection() }}
			}))
			if err != nil {
				twice.Errback(err)
			}
		})
		return twice.AddCallback(func(any) (any, error) {
			return port.StopListening(), want("retries", retries, 4) // at 2.7, 10.1 and 30.2 s, and after the close
		})
	})
}
