//go:build linux || darwin || freebsd

package process_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"

	"skein/apps/skein/internal/process"
	"skein/protocol"
	"skein/reactor"
)

// nobody refuses everybody.
var nobody = protocol.FactoryFunc(func(net.Addr) protocol.Protocol { return nil })

// bound returns the sockets of a reactor that has opened these TCP ports, with or
// without SO_REUSEPORT, with their real addresses.
func bound(t *testing.T, reuse bool, addrs ...string) (sockets []process.Socket, real []string) {
	t.Helper()
	opts := []reactor.Option{reactor.WithLogger(zerolog.Nop())}
	if reuse {
		opts = append(opts, reactor.WithReusePort())
	}
	r, err := reactor.New(opts...)
	must(t, err)
	defer func() { must(t, r.Close()) }()
	for _, addr := range addrs {
		p, err := r.ListenTCP(addr, nobody)
		if errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT) {
			t.Skipf("%s: there is no IPv6 here", addr)
		}
		must(t, err)
		real = append(real, p.Addr().String())
	}
	sockets, err = r.Sockets()
	must(t, err)
	return sockets, real
}

// closeSets closes all sockets of all sets.
func closeSets(sets [][]process.Socket) {
	for _, set := range sets {
		process.CloseSockets(set)
	}
}

func TestShareTCP(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:0", "[::1]:0", ":0"} {
		t.Run(addr, func(t *testing.T) {
			set, real := bound(t, true, addr)
			sets, err := process.ShareSockets(set, 3)
			must(t, err)
			defer closeSets(sets)
			want(t, "sets", len(sets), 3)
			accepted := make(chan int)
			for i, set := range sets {
				want(t, "the address", set[0].Address, addr)
				want(t, "it does not block", nonblocking(t, set[0].File), true)
				ln, err := net.FileListener(set[0].File)
				must(t, err)
				defer ln.Close()
				_, port, _ := net.SplitHostPort(ln.Addr().String())
				if !strings.HasSuffix(real[0], ":"+port) {
					t.Errorf("set %d listens on %s, not on %s", i, ln.Addr(), real[0])
				}
				go func() {
					for {
						conn, err := ln.Accept()
						if err != nil {
							return
						}
						_ = conn.Close()
						accepted <- i
					}
				}()
			}
			// Each of the sockets gets some, where the kernel spreads them.
			seen := map[int]bool{}
			for n := 0; n < 300 && len(seen) < 3; n++ {
				conn, err := net.Dial("tcp", strings.Replace(real[0], "[::]", "localhost", 1))
				must(t, err)
				seen[<-accepted] = true
				_ = conn.Close()
			}
			if runtime.GOOS == "linux" && len(seen) < 3 {
				t.Errorf("of three sockets, only %v get connections", seen)
			}
			if addr == ":0" { // both families still
				conn, err := net.Dial("tcp4", strings.Replace(real[0], "[::]", "127.0.0.1", 1))
				must(t, err)
				<-accepted
				_ = conn.Close()
			}
		})
	}
}

// TestShareOthers shares what cannot be opened twice, and datagram sockets.
func TestShareOthers(t *testing.T) {
	h := newHome(t)
	reuse := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) (err error) {
		_ = raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) })
		return err
	}}
	udp, err := reuse.ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	must(t, err)
	defer udp.Close()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer tcp.Close()
	stream, err := net.Listen("unix", h.path+"2")
	must(t, err)
	defer stream.Close()
	sets, err := process.ShareSockets([]process.Socket{
		{Network: "udp", Address: "u", File: fileOf(t, udp)},
		{Network: "tcp", Address: "t", File: fileOf(t, tcp)},
		{Network: "unix", Address: "s", File: fileOf(t, stream)},
	}, 2)
	must(t, err)
	defer closeSets(sets)
	for i, s := range sets[1] {
		one, other := inode(t, sets[0][i].File), inode(t, s.File)
		apart := s.Network == "udp" && runtime.GOOS == "linux"
		want(t, s.Network+" is another socket", one != other, apart)
		want(t, s.Network+" has the same name", nameOf(t, s.File), nameOf(t, sets[0][i].File))
	}
}

// TestShareIPv6 shares a socket for every address of IPv6 alone, as systemd may
// make them.
func TestShareIPv6(t *testing.T) {
	only := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) (err error) {
		_ = raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) })
		return err
	}}
	ln, err := only.Listen(t.Context(), "tcp6", "[::]:0") // tcp6: not IPv4
	if err != nil {
		t.Skipf("there is no IPv6 here: %v", err)
	}
	defer ln.Close()
	sets, err := process.ShareSockets([]process.Socket{{Network: "tcp", File: fileOf(t, ln)}}, 2)
	must(t, err)
	defer closeSets(sets)
	for i, set := range sets {
		value, err := unix.GetsockoptInt(int(set[0].File.Fd()), unix.IPPROTO_IPV6, unix.IPV6_V6ONLY)
		must(t, err)
		want(t, fmt.Sprintf("set %d is for IPv6 alone", i), value, 1)
	}
}

// inode tells sockets from each other.
func inode(t *testing.T, f *os.File) string {
	t.Helper()
	var st unix.Stat_t
	must(t, unix.Fstat(int(f.Fd()), &st))
	return fmt.Sprint(st.Dev, st.Ino)
}

// nameOf returns the address that a socket is bound to.
func nameOf(t *testing.T, f *os.File) string {
	t.Helper()
	sa, err := unix.Getsockname(int(f.Fd()))
	must(t, err)
	return fmt.Sprintf("%+v", sa)
}

func TestShareFails(t *testing.T) {
	set, _ := bound(t, true, "127.0.0.1:0")
	defer process.CloseSockets(set)
	before := len(openDescriptors())
	_, err := process.ShareSockets(append(set, process.Socket{Network: "tcp", Address: "localhost:7"}), 3)
	if err == nil || err.Error() != "cannot open tcp localhost:7 once more for worker 2: the socket has no file" {
		t.Errorf("the error is %v", err)
	}
	want(t, "open descriptors", len(openDescriptors()), before)
	must(t, set[0].File.Close()) // it was left open
}

func TestSplitSockets(t *testing.T) {
	s := func(network, address string) process.Socket {
		return process.Socket{Network: network, Address: address}
	}
	a, b := s("tcp", ":1"), s("udp", ":1")
	cases := []struct {
		name    string
		sockets []process.Socket
		n       int
		want    string
	}{
		{"two of two", []process.Socket{a, b, a, b}, 2, "2 2"},
		{"one set", []process.Socket{a, b}, 1, "2"},
		{"none", nil, 2, "0 0"},
		{"one too few", []process.Socket{a, b, a}, 2, ""},
		{"another order", []process.Socket{a, b, b, a}, 2, ""},
		{"no worker", nil, 0, ""},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			sets, err := process.SplitSockets(tc.sockets, tc.n)
			if errors.Is(err, process.ErrSets) != (tc.want == "") {
				t.Errorf("the error is %v", err)
			}
			var sizes []string
			for _, set := range sets {
				sizes = append(sizes, fmt.Sprint(len(set)))
			}
			want(t, "the sizes", strings.Join(sizes, " "), tc.want)
		})
	}
}
