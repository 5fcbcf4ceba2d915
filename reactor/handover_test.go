//go:build linux || darwin || freebsd

package reactor_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"skein/protocol"
	"skein/reactor"
)

// generation is a server of poems on a reactor and a goroutine of its own, as one
// process of several that hand a socket on.
type generation struct {
	r      *reactor.Reactor
	port   *reactor.Port
	served atomic.Int64
	enough chan struct{} // closed when a few have been served
	ended  chan error
}

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
		return g.port.StopListening().AddCallback(func(any) (any, error) { return g.r.WhenDrained(), nil }), nil
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
	stop chan struct{}
	wg   sync.WaitGroup
	got  atomic.Int64
	mu   sync.Mutex
	errs []error
}

// gather begins.
func gather(network string, addrs ...string) *crowd {
	c := &crowd{stop: make(chan struct{})}
	for i := range 4 {
		c.wg.Go(func() {
			for {
				select {
				case <-c.stop:
					return
				default:
				}
				if err := fetchHanded(network, addrs[i%len(addrs)]); err != nil {
					c.mu.Lock()
					c.errs = append(c.errs, err)
					c.mu.Unlock()
					return
				}
				c.got.Add(1)
			}
		})
	}
	return c
}

// fetchHanded gets the poem once.
func fetchHanded(network, addr string) error {
	conn, err := net.DialTimeout(network, addr, 20*time.Second)
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

// TestHandOver passes a socket through several reactors while clients come all
// the time: none is refused, none is cut short.
func TestHandOver(t *testing.T) {
	const generations = 8
	for name, place := range places(t) {
		t.Run(name, func(t *testing.T) {
			g, err := newGeneration(place.network, place.addr)
			if errors.Is(err, syscall.EAFNOSUPPORT) || errors.Is(err, syscall.EADDRNOTAVAIL) || name == "abstract" && errors.Is(err, syscall.ENOENT) {
				t.Skipf("not on this machine: %v", err)
			}
			if err != nil {
				t.Fatal(err)
			}
			addr := g.port.Addr().String()
			g.run()
			clients := gather(place.network, dialable(g.port)...)
			for range generations {
				<-g.enough
				sockets, err := g.sockets()
				if err != nil || len(sockets) != 1 || sockets[0].Address != place.addr {
					t.Fatalf("the sockets are %+v, %v", sockets, err)
				}
				next, err := newGeneration(place.network, place.addr, sockets...)
				if err != nil {
					t.Fatal(err)
				}
				if got := next.port.Addr().String(); got != addr {
					t.Errorf("the next one listens on %s, not on %s", got, addr)
				}
				next.run()
				if err := g.retire(); err != nil {
					t.Fatal(err)
				}
				g = next
			}
			<-g.enough
			if err := clients.end(); err != nil {
				t.Errorf("of %d clients: %v", clients.got.Load(), err)
			}
			if err := g.stop(); err != nil {
				t.Error(err)
			}
			if place.network == "unix" && name != "abstract" {
				if _, err := os.Lstat(place.addr); !errors.Is(err, os.ErrNotExist) {
					t.Errorf("the last one has left its path: %v", err)
				}
			}
		})
	}
}

// inheritedVariable tells the child "successor" what it is given.
const inheritedVariable = "SKEIN_REACTOR_TEST_SOCKETS"

// succeed is the child: it serves on the sockets that it inherits.
func succeed() int {
	var sockets []reactor.Socket
	for i, s := range strings.Split(os.Getenv(inheritedVariable), "\n") {
		network, addr, _ := strings.Cut(s, " ")
		sockets = append(sockets, reactor.Socket{Network: network, Address: addr, File: os.NewFile(uintptr(3+i), s)})
	}
	r, err := reactor.New(reactor.WithLogger(zerolog.Nop()), reactor.WithSockets(sockets...))
	if err != nil {
		fmt.Println(err)
		return 1
	}
	factory := build(func() protocol.Protocol {
		return &proto{made: func(p *proto) {
			_ = p.Transport.WriteShared(handedPoem)
			p.Transport.LoseConnection()
		}}
	})
	for _, s := range sockets {
		if s.Network == "unix" {
			_, err = r.ListenUNIX(s.Address, factory)
		} else {
			_, err = r.ListenTCP(s.Address, factory)
		}
		if err != nil {
			fmt.Println(err)
			return 1
		}
	}
	r.AddSystemEventTrigger(reactor.Before, reactor.Shutdown, r.WhenDrained)
	r.CallWhenRunning(func() { fmt.Println("ready") })
	if err := r.Run(); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

// TestHandOverToAnotherProcess is the same with a process of its own, for two
// sockets at once.
func TestHandOverToAnotherProcess(t *testing.T) {
	path := places(t)["UNIX"].addr
	tcp, err := newGeneration("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	unix, err := newGeneration("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	tcp.run()
	unix.run()
	crowds := []*crowd{gather("tcp", tcp.port.Addr().String()), gather("unix", path)}
	<-tcp.enough
	<-unix.enough

	cmd := exec.Command(os.Args[0])
	var names []string
	for _, g := range []*generation{tcp, unix} {
		sockets, err := g.sockets()
		if err != nil || len(sockets) != 1 {
			t.Fatalf("the sockets are %+v, %v", sockets, err)
		}
		defer sockets[0].File.Close()
		cmd.ExtraFiles = append(cmd.ExtraFiles, sockets[0].File)
		names = append(names, sockets[0].Network+" "+sockets[0].Address)
	}
	stop := startInheritor(t, cmd, strings.Join(names, "\n"))
	for _, g := range []*generation{tcp, unix} {
		if err := g.retire(); err != nil {
			t.Fatal(err)
		}
	}
	before := []int64{crowds[0].got.Load(), crowds[1].got.Load()}
	for i, c := range crowds {
		for c.got.Load() < before[i]+aFew {
			if err := fetchHanded("tcp", tcp.port.Addr().String()); err != nil {
				t.Fatal(err) // one more, instead of waiting idly
			}
		}
		if err := c.end(); err != nil {
			t.Errorf("of %d clients: %v", c.got.Load(), err)
		}
	}
	if err := stop(); err != nil {
		t.Errorf("the child: %v", err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the child has left the path: %v", err)
	}
}

// startInheritor starts the child and waits until it serves. stop ends it.
func startInheritor(t *testing.T, cmd *exec.Cmd, names string) (stop func() error) {
	t.Helper()
	cmd.Env = append(os.Environ(), childVariable+"=successor", inheritedVariable+"="+names)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	said := make([]byte, 200)
	if n, err := out.Read(said); err != nil || string(said[:n]) != "ready\n" {
		t.Fatalf("the child said %q: %v", said[:n], err)
	}
	return func() error {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		return cmd.Wait()
	}
}

// TestHandOverOfDatagrams has a UDP socket change hands while datagrams wait in
// it.
func TestHandOverOfDatagrams(t *testing.T) {
	old := mustNew(t)
	p, err := old.ListenUDP("127.0.0.1:0", &datagrams{})
	if err != nil {
		t.Fatal(err)
	}
	sockets, err := old.Sockets()
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("udp", p.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	const many = 20
	for i := range many {
		if i == many/2 {
			if err := old.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := fmt.Fprintf(c, "%d", i); err != nil {
			t.Fatal(err)
		}
	}
	r := mustNew(t, reactor.WithSockets(sockets...))
	var got []string
	all := &datagrams{data: func(_ *datagrams, data []byte, _ netip.AddrPort) {
		if got = append(got, string(data)); len(got) == many {
			_ = r.Stop()
		}
	}}
	if _, err := r.ListenUDP("127.0.0.1:0", all); err != nil {
		t.Fatal(err)
	}
	r.CallLater(20*time.Second, func() { _ = r.Stop() })
	if err := r.Run(); err != nil || len(got) != many {
		t.Errorf("%d of %d came: %q, %v", len(got), many, got, err)
	}
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

// TestWhenDrainedWaitsForPeers has clients elsewhere, who keep their end open
// after they have got the poem.
func TestWhenDrainedWaitsForPeers(t *testing.T) {
	g, err := newGeneration("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g.run()
	var clients []net.Conn
	for range aFew {
		c, err := net.Dial("tcp", g.port.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if got, err := io.ReadAll(c); err != nil || !bytes.Equal(got, handedPoem) {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
		clients = append(clients, c)
	}
	var gone atomic.Int64
	drained := make(chan int64, 1)
	_, _ = g.r.BlockingCallFromThread(func() (any, error) {
		g.r.WhenDrained().AddCallback(func(any) (any, error) {
			drained <- gone.Load()
			return nil, nil
		})
		return nil, nil
	})
	for _, c := range clients {
		if n := len(drained); n > 0 {
			t.Error("it fired while clients were connected")
		}
		gone.Add(1)
		_ = c.Close()
	}
	if n := <-drained; n != aFew {
		t.Errorf("it fired after %d of %d clients", n, aFew)
	}
	if err := g.stop(); err != nil {
		t.Error(err)
	}
}
