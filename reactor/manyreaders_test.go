package reactor_test

import (
	"fmt"
	"net"
	"sync"
	"testing"

	"skein/deferred"
	"skein/protocol"
	"skein/reactor"
	"skein/reactor/reactortest"
)

// spring is a protocol that is its own push producer: it writes copies of a
// poem, a piece after the other, whenever it is not held back.
type spring struct {
	protocol.Base
	poem   []byte // what is left of it
	paused bool
	wrote  func() // after each piece
}

// springPiece is what it writes at a time.
const springPiece = 16 << 10

func (s *spring) ConnectionMade() {
	_ = s.Transport.RegisterProducer(s, true) // a new connection has none
	s.run()
}

func (s *spring) DataReceived([]byte) {}

func (s *spring) PauseProducing() { s.paused = true }

func (s *spring) ResumeProducing() { s.paused = false; s.run() }

func (s *spring) StopProducing() { s.paused = true }

func (s *spring) run() {
	for !s.paused && len(s.poem) > 0 {
		n := min(springPiece, len(s.poem))
		_, _ = s.Transport.Write(s.poem[:n])
		s.poem = s.poem[n:]
		s.wrote()
	}
	if len(s.poem) == 0 {
		s.paused = true
		s.Transport.UnregisterProducer()
		s.Transport.LoseConnection()
	}
}

// TestManySlowReadersOfAStream sends 1 GiB in all to 100 readers that take naps.
// What is queued for them is bounded by the watermarks, and what is queued is
// all that it costs.
func TestManySlowReadersOfAStream(t *testing.T) {
	const readers, high, readerBuffer = 100, 64 << 10, 32 << 10
	size := 1 << 30
	if testing.Short() || raceEnabled {
		size = 64 << 20
	}
	poem := bigPoem()[:size/readers]
	reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
		var springs []*spring
		pieces, most, grown, base := 0, 0, uint64(0), heap()
		measure := func() {
			if pieces++; pieces%512 != 0 {
				return
			}
			queued := 0
			for _, s := range springs {
				queued += s.Transport.Buffered()
			}
			most = max(most, queued)
			if now := heap(); now > base {
				grown = max(grown, now-base)
			}
		}
		port, addr := listen(t, r, protocol.FactoryFunc(func(net.Addr) protocol.Protocol {
			s := &spring{poem: poem, wrote: measure}
			springs = append(springs, s)
			return s
		}))
		return closing(port, r.DeferToThread(func() (any, error) {
			return nil, together(readers, func() error {
				return fetch(addr, func(c *net.TCPConn) error { return readPoem(c, poem, readerBuffer, nap) })
			})
		}).AddCallback(func(any) (any, error) {
			t.Logf("%d MiB to %d readers: at most %d bytes queued for one of them on average, the heap grew by at most %d bytes",
				size>>20, readers, most/readers, grown)
			if limit := readers * (high + springPiece); most > limit {
				return nil, fmt.Errorf("%d bytes were queued, at most %d may be", most, limit)
			}
			if limit := uint64(2*readers*(high+springPiece) + readers*readerBuffer); grown > limit {
				return nil, fmt.Errorf("the heap grew by %d bytes, at most %d are allowed", grown, limit)
			}
			return nil, nil
		}))
	})
}

// together runs n of f at once and returns the first error.
func together(n int, f func() error) error {
	var wait sync.WaitGroup
	results := make(chan error, n)
	for range n {
		wait.Go(func() { results <- f() })
	}
	wait.Wait()
	close(results)
	for err := range results {
		if err != nil {
			return err
		}
	}
	return nil
}
