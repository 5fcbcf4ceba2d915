package reactor_test

import (
	"errors"
	"net"
	"testing"

	"skein/deferred"
	"skein/protocol"
	"skein/reactor"
	"skein/reactor/reactortest"
)

// TestPauseAccepting lets one of three clients in at a time.
func TestPauseAccepting(t *testing.T) {
	reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
		var port *reactor.Port
		open, most, served := 0, 0, 0
		all := deferred.New()
		port, addr := listen(t, r, build(func() protocol.Protocol {
			port.PauseAccepting()
			return &proto{
				made: func(p *proto) {
					open++
					most = max(most, open)
					_, _ = p.Transport.Write([]byte("x"))
					p.Transport.LoseConnection()
				},
				lost: func(*proto, error) {
					open--
					if served++; served == 3 {
						all.Callback(nil)
					}
					port.ResumeAccepting()
					port.ResumeAccepting() // once too often is no harm
				},
			}
		}))
		fetched := r.DeferToThread(func() (any, error) {
			results := make(chan error, 3)
			for range cap(results) {
				go func() {
					results <- fetch(addr, func(c *net.TCPConn) error { return readPoem(c, []byte("x"), 8, func() {}) })
				}()
			}
			return nil, errors.Join(<-results, <-results, <-results)
		})
		return closing(port, deferred.GatherResults([]*deferred.Deferred{fetched, all}).AddCallback(func(any) (any, error) {
			return nil, want("most at once", most, 1)
		}))
	})
}
