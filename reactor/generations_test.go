//go:build linux || darwin || freebsd

package reactor_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"skein/protocol"
	"skein/reactor"
)

// This file has what the tests of sockets that change hands are made of: servers
// that follow each other, and clients that come all the while.

// generation is a server of poems on a reactor and a goroutine of its own, as one
// process of several that hand a socket on.
type generation struct {
	r      *reactor.Reactor
	port   *reactor.Port
	served atomic.Int64
	enough chan struct{} // closed when a few have been served
	ended  chan error
}

// patience is how long a test waits for what should happen.
const patience = 20 * time.Second

// aFew is how many clients a generation serves, at least, before the next.
const aFew = 5

// handedPoem is what they serve.
var handedPoem = bytes.Repeat([]byte("Two roads diverged in a yellow wood, "), 2000)

// newGeneration returns one that listens.
func newGeneration(network, addr string, sockets ...reactor.Socket) (*generation, error) {
	r, err := reactor.New(reactor.WithoutSignals(), reactor.WithLogger(zerolog.Nop()), reactor.WithSockets(sockets...))
	if err != nil {
		return nil, err
	}
	g := &generation{r: r, enough: make(chan struct{}), ended: make(chan error, 1)}
	factory := build(func() protocol.Protocol {
		return &proto{made: func(p *proto) {
			_ = p.Transport.WriteShared(handedPoem)
			p.Transport.LoseConnection()
			if g.served.Add(1) == aFew {
				close(g.enough)
			}
		}}
	})
	if network == "unix" {
		g.port, err = r.ListenUNIX(addr, factory)
	} else {
		g.port, err = r.ListenTCP(addr, factory)
	}
	if err != nil {
		_ = r.Close()
		return nil, err
	}
	return g, nil
}

// run runs it in the background.
func (g *generation) run() { go func() { g.ended <- g.r.Run() }() }

// sockets returns what the next one is given.
func (g *generation) sockets() ([]reactor.Socket, error) {
	v, err := g.r.BlockingCallFromThread(func() (any, error) { return g.r.Sockets() })
	if err != nil {
		return nil, err
	}
	return v.([]reactor.Socket), nil
}

// retire stops accepting, drains, and ends the reactor.
func (g *generation) retire() error {
	_, err := g.r.BlockingCallFromThread(func() (any, error) {
		g.r.HandOver()
		return g.port.StopListening().AddCallback(func(any) (any, error) { return g.r.WhenDrained().AddTimeout(patience, g.r), nil }), nil
	})
	return errors.Join(err, g.stop())
}

// stop ends the reactor.
func (g *generation) stop() error {
	g.r.CallFromThread(func() { _ = g.r.Stop() })
	return <-g.ended
}

// crowd is clients that come one after the other, several at once, until it is
// told to stop. Each must get the whole poem.
type crowd struct {
	stop   chan struct{}
	failed chan struct{} // closed when one has met an error
	wg     sync.WaitGroup
	got    atomic.Int64
	mu     sync.Mutex
	errs   []error
}

// gather begins.
func gather(network string, addrs ...string) *crowd {
	c := &crowd{stop: make(chan struct{}), failed: make(chan struct{})}
	for i := range 4 {
		c.wg.Go(func() {
			for {
				select {
				case <-c.stop:
					return
				default:
				}
				if err := fetchHanded(network, addrs[i%len(addrs)]); err != nil {
					c.fail(err)
					return
				}
				c.got.Add(1)
			}
		})
	}
	return c
}

// fail notes an error.
func (c *crowd) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.errs = append(c.errs, err); len(c.errs) == 1 {
		close(c.failed)
	}
}

// sound reports whether nobody has met an error.
func (c *crowd) sound() bool {
	select {
	case <-c.failed:
		return false
	default:
		return true
	}
}

// wait waits until a generation has served a few, and ends the test if it does
// not come to that.
func (c *crowd) wait(t *testing.T, g *generation) {
	t.Helper()
	select {
	case <-g.enough:
	case <-c.failed:
		t.Fatalf("after %d clients: %v", c.got.Load(), c.end())
	case <-time.After(patience):
		t.Fatalf("after %d clients nobody is served", c.got.Load())
	}
}

// fetchHanded gets the poem once.
func fetchHanded(network, addr string) error {
	conn, err := net.DialTimeout(network, addr, patience)
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	got, err := io.ReadAll(conn)
	if err == nil && !bytes.Equal(got, handedPoem) {
		err = fmt.Errorf("%d of %d bytes came", len(got), len(handedPoem))
	}
	return err
}

// end waits for all, and returns what went wrong.
func (c *crowd) end() error {
	close(c.stop)
	c.wg.Wait()
	return errors.Join(c.errs...)
}

// places are where to listen, and where to connect to, given the port's address.
func places(t *testing.T) map[string]struct{ network, addr string } {
	dir, err := os.MkdirTemp("", "skein") // t.TempDir's names are too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return map[string]struct{ network, addr string }{
		"IPv4":      {"tcp", "127.0.0.1:0"},
		"IPv6":      {"tcp", "[::1]:0"},
		"localhost": {"tcp", "localhost:0"},
		"all":       {"tcp", ":0"},
		"UNIX":      {"unix", filepath.Join(dir, "s")},
		"abstract":  {"unix", fmt.Sprintf("@skein-handover-%d", os.Getpid())},
	}
}

// dialable returns the addresses by which a port can be reached.
func dialable(p *reactor.Port) []string {
	tcp, ok := p.Addr().(*net.TCPAddr)
	if !ok || !tcp.IP.IsUnspecified() {
		return []string{p.Addr().String()}
	}
	number := fmt.Sprint(tcp.Port)
	if tcp.IP.To4() != nil {
		return []string{"127.0.0.1:" + number}
	}
	return []string{"127.0.0.1:" + number, "[::1]:" + number}
}

// mustNew returns a quiet reactor, closed at the end of the test if it has not
// run.
func mustNew(t testing.TB, opts ...reactor.Option) *reactor.Reactor {
	t.Helper()
	own := []reactor.Option{reactor.WithoutSignals(), reactor.WithLogger(zerolog.Nop())}
	r, err := reactor.New(append(own, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}
