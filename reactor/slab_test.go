package reactor_test

import (
	"net"
	"runtime"
	"testing"
	"weak"

	"skein/deferred"
	"skein/protocol"
	"skein/reactor"
	"skein/reactor/reactortest"
)

// burden is a cause that shows whether anybody still knows it.
type burden [64]byte

func (*burden) Error() string { return "burden" }

// TestNeighboursKeepLittle has one connection outlive the fifteen that were made
// with it. Each of those ends among fifteen strangers: of the strangers, whose
// endings were made with a neighbour's, nothing is left.
func TestNeighboursKeepLittle(t *testing.T) {
	const together = 16
	reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
		var first []*proto // the one that stays, and its neighbours
		var causes []weak.Pointer[burden]
		port, addr := listen(t, r, build(func() protocol.Protocol {
			return &proto{made: func(p *proto) {
				if len(first) < together {
					first = append(first, p)
					_, _ = p.Transport.Write([]byte("x"))
					return
				}
				cause := &burden{}
				causes = append(causes, weak.Make(cause))
				p.Transport.LoseConnectionCause(cause)
			}}
		}))
		var peers []net.Conn
		visit := func() error { // returns when the connection is made, or over
			c, err := net.Dial("tcp", addr)
			if err != nil {
				return err
			}
			if _, err = c.Read(make([]byte, 1)); err == nil {
				peers = append(peers, c)
				return nil
			}
			return c.Close()
		}
		visits := r.DeferToThread(func() (any, error) {
			for range together {
				if err := visit(); err != nil {
					return nil, err
				}
			}
			for i := 1; i < together; i++ {
				for range together - 1 {
					if err := visit(); err != nil {
						return nil, err
					}
				}
				_, err := r.BlockingCallFromThread(func() (any, error) {
					first[i].Transport.AbortConnection()
					return nil, nil
				})
				if err != nil {
					return nil, err
				}
				_, _ = peers[i].Read(make([]byte, 1))
			}
			return nil, nil
		})
		return closing(port, visits.AddCallback(func(any) (any, error) {
			runtime.GC()
			runtime.GC()
			known := 0
			for _, w := range causes {
				if w.Value() != nil {
					known++
				}
			}
			runtime.KeepAlive(first)
			for _, c := range peers {
				_ = c.Close()
			}
			if len(causes) != (together-1)*(together-1) || known > 2*together { // some are new enough
				t.Errorf("%d of %d strangers are remembered", known, len(causes))
			}
			return nil, nil
		}))
	})
}
