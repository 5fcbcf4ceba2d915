package reactor_test

import (
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"skein/deferred"
	"skein/protocol"
	"skein/reactor"
	"skein/reactor/reactortest"
)

// pingPong sends a byte to and fro over a connection whose both ends are on the
// loop, and fires with the number of turns that a round trip took on average.
func pingPong(t *testing.T, r *reactor.Reactor, trips int) *deferred.Deferred {
	done := deferred.New()
	port, addr := listen(t, r, build(echo))
	var before uint64
	left := trips
	c := &client{t: t, p: &proto{
		made: func(p *proto) {
			before = r.Stats().Turns
			_, _ = p.Transport.Write([]byte("x"))
		},
		data: func(p *proto, _ []byte) {
			if left--; left > 0 {
				_, _ = p.Transport.Write([]byte("x"))
				return
			}
			p.Transport.LoseConnection()
		},
		lost: func(*proto, error) {
			done.Callback(float64(r.Stats().Turns-before) / float64(trips))
		},
	}}
	r.ConnectTCP(addr, c)
	return closing(port, done)
}

// TestNobodyStarves runs something that never gives up beside a connection, and
// bounds how many turns a round trip of that connection takes. Both its ends
// are on the loop: four would do (write, read and write, read, and one for what
// the scheduler does).
func TestNobodyStarves(t *testing.T) {
	const trips, bound = 500, 12
	cases := []struct {
		name   string
		starve func(t *testing.T, r *reactor.Reactor) (begun *deferred.Deferred, stop func() *deferred.Deferred)
	}{
		{"a call that posts itself", func(_ *testing.T, r *reactor.Reactor) (*deferred.Deferred, func() *deferred.Deferred) {
			return deferred.Succeed(nil), again(r.CallFromThread)
		}},
		{"a timer that sets itself for 0", func(_ *testing.T, r *reactor.Reactor) (*deferred.Deferred, func() *deferred.Deferred) {
			return deferred.Succeed(nil), again(func(f func()) { r.CallLater(0, f) })
		}},
		{"a peer that floods", flood},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
				begun, stop := tc.starve(t, r)
				return begun.AddCallback(func(any) (any, error) {
					return pingPong(t, r, trips), nil
				}).AddBoth(func(turns any, err error) (any, error) {
					t.Logf("%.1f turns for a round trip", turns)
					if err == nil && turns.(float64) > bound {
						err = fmt.Errorf("a round trip took %.1f turns, at most %d are allowed", turns, bound)
					}
					return stop().AddCallback(func(any) (any, error) { return nil, err }), nil
				})
			}, reactortest.Timeout(30*time.Second))
		})
	}
}

// again makes a function that calls itself by later, over and over, until it is
// stopped; stopping it tells whether it ran at all.
func again(later func(f func())) (stop func() *deferred.Deferred) {
	stopped := deferred.New()
	runs, ending := 0, false
	var f func()
	f = func() {
		if runs++; ending {
			stopped.Callback(nil)
			return
		}
		later(f)
	}
	later(f)
	return func() *deferred.Deferred {
		ending = true
		if runs < 100 {
			return deferred.Fail(fmt.Errorf("it ran only %d times: the others starved it", runs))
		}
		return stopped
	}
}

// flood lets a peer send as fast as it can.
func flood(t *testing.T, r *reactor.Reactor) (begun *deferred.Deferred, stop func() *deferred.Deferred) {
	got := 0
	begun = deferred.New()
	var transport protocol.Transport
	port, addr := listen(t, r, build(func() protocol.Protocol {
		return &proto{
			made: func(p *proto) { transport = p.Transport },
			data: func(_ *proto, data []byte) {
				if got += len(data); !begun.Called() {
					begun.Callback(nil)
				}
			},
		}
	}))
	sent := r.DeferToThread(func() (any, error) {
		return nil, fetch(addr, func(c *net.TCPConn) error {
			for block := make([]byte, 1<<20); ; {
				if _, err := c.Write(block); err != nil {
					return nil
				}
			}
		})
	})
	return begun, func() *deferred.Deferred {
		transport.AbortConnection()
		return closing(port, sent).AddCallback(func(any) (any, error) {
			t.Logf("%d MiB came meanwhile", got>>20)
			return nil, want("the flood was read at all", got > 64<<10, true)
		})
	}
}

// TestAFullOutputDoesNotStarve sends the big poem to a reader as fast as it can
// take it, beside a round trip.
func TestAFullOutputDoesNotStarve(t *testing.T) {
	reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
		port, addr := listen(t, r, servePoem(bigPoem(), nil))
		read := r.DeferToThread(func() (any, error) {
			return nil, fetch(addr, func(c *net.TCPConn) error {
				n, err := io.Copy(io.Discard, c)
				if err != nil {
					return err
				}
				return want("bytes", n, int64(len(bigPoem())))
			})
		})
		trip := pingPong(t, r, 200).AddCallback(func(turns any) (any, error) {
			return nil, want("a round trip within 12 turns", turns.(float64) <= 12, true)
		})
		return closing(port, deferred.GatherResults([]*deferred.Deferred{read, trip}))
	})
}
