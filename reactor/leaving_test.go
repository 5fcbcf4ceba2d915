package reactor_test

import (
	"net"
	"testing"
	"time"

	"skein/deferred"
	"skein/protocol"
	"skein/reactor"
	"skein/reactor/reactortest"
)

// TestOneAfterTheOther fetches poems in turn. Each client has left when the next
// one is accepted, so who counts them, as a limit does, never counts two.
func TestOneAfterTheOther(t *testing.T) {
	poem := []byte("Tyger Tyger, burning bright")
	reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
		open, most := 0, 0
		port, addr := listen(t, r, build(func() protocol.Protocol {
			open++
			most = max(most, open)
			return &proto{
				made: func(p *proto) {
					_ = p.Transport.WriteShared(poem)
					p.Transport.LoseConnection()
				},
				lost: func(*proto, error) { open-- },
			}
		}))
		return closing(port, r.DeferToThread(func() (any, error) {
			for range 300 {
				err := fetch(addr, func(c *net.TCPConn) error { return readPoem(c, poem, 1000, func() {}) })
				if err != nil {
					return nil, err
				}
			}
			return nil, nil
		}).AddCallback(func(any) (any, error) { return nil, want("clients at once", most, 1) }))
	})
}

// TestLeavingSlowly serves clients that take their time to leave: one for good,
// one that still talks, one that resets, and one that is aborted meanwhile.
func TestLeavingSlowly(t *testing.T) {
	cases := []struct {
		name   string
		client func(c *net.TCPConn, lost <-chan error) error
		abort  bool          // once the client has the poem: before that, it could miss it
		linger time.Duration // how long a client may stay
		reason error
	}{
		{name: "stays", linger: 100 * time.Millisecond, reason: protocol.ErrConnectionDone, client: func(_ *net.TCPConn, lost <-chan error) error {
			return <-lost
		}},
		{name: "talks on", linger: 100 * time.Millisecond, reason: protocol.ErrConnectionDone, client: func(c *net.TCPConn, _ <-chan error) error {
			for range 20 {
				nap()
				if _, err := c.Write([]byte("more!")); err != nil {
					return err
				}
			}
			return nil
		}},
		{name: "resets", linger: 100 * time.Millisecond, reason: protocol.ErrConnectionLost, client: func(c *net.TCPConn, _ <-chan error) error {
			return c.SetLinger(0)
		}},
		{name: "is aborted", abort: true, linger: time.Minute, reason: protocol.ErrConnectionAborted, client: func(_ *net.TCPConn, lost <-chan error) error {
			return <-lost
		}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			poem := []byte("Tyger Tyger, burning bright")
			reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
				var leaving protocol.Transport
				lost, reasons := make(chan error, 1), deferred.New()
				port, addr := listen(t, r, build(func() protocol.Protocol {
					return &proto{
						made: func(p *proto) {
							_ = p.Transport.WriteShared(poem)
							p.Transport.LoseConnection()
							leaving = p.Transport
						},
						lost: func(_ *proto, reason error) {
							lost <- nil
							reasons.Callback(reason)
						},
					}
				}))
				client := r.DeferToThread(func() (any, error) {
					return nil, fetch(addr, func(c *net.TCPConn) error {
						if err := readPoem(c, poem, 1000, func() {}); err != nil {
							return err
						}
						if tc.abort {
							r.CallFromThread(func() { leaving.AbortConnection() })
						}
						return tc.client(c, lost)
					})
				})
				return closing(port, deferred.GatherResults([]*deferred.Deferred{client, wantReason(reasons, tc.reason)}).AddCallback(func(any) (any, error) {
					return nil, want("connections that are leaving still", reactor.Leaving(r), 0)
				}))
			}, reactortest.With(reactor.WithLingerTimeout(tc.linger)))
		})
	}
}
