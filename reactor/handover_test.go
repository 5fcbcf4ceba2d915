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
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"skein/protocol"
	"skein/reactor"
)

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
				clients.wait(t, g)
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
			clients.wait(t, g)
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
	crowds[0].wait(t, tcp)
	crowds[1].wait(t, unix)

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
		for c.got.Load() < before[i]+aFew && c.sound() {
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
