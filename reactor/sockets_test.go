//go:build linux || darwin || freebsd

package reactor_test

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"skein/protocol"
	"skein/reactor"
)

// filer is a socket of Go's net.
type filer interface {
	File() (*os.File, error)
	Close() error
}

// fileOf returns the file of a socket, which is closed otherwise.
func fileOf(t *testing.T, s any, err error) *os.File {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if u, ok := s.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false)
	}
	f, err := s.(filer).File()
	if err != nil {
		t.Fatal(err)
	}
	_ = s.(filer).Close()
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// listenFile returns the file of a listening socket.
func listenFile(t *testing.T, network, addr string) *os.File {
	t.Helper()
	l, err := net.Listen(network, addr)
	return fileOf(t, l, err)
}

// udpFile returns the file of a UDP socket.
func udpFile(t *testing.T, addr string) *os.File {
	t.Helper()
	c, err := net.ListenPacket("udp", addr)
	return fileOf(t, c, err)
}

// rawFile returns the file of a bare socket.
func rawFile(t *testing.T, family, kind int) *os.File {
	t.Helper()
	fd, err := unix.Socket(family, kind, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), "raw")
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// boundName returns the address of a socket in a file.
func boundName(t *testing.T, f *os.File) string {
	t.Helper()
	if l, err := net.FileListener(f); err == nil {
		defer l.Close()
		if u, ok := l.(*net.UnixListener); ok {
			u.SetUnlinkOnClose(false)
		}
		return l.Addr().String()
	}
	c, err := net.FilePacketConn(f)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.LocalAddr().String()
}

// isClosed reports whether a file is closed.
func isClosed(f *os.File) bool {
	_, err := f.Stat()
	return errors.Is(err, os.ErrClosed)
}

// TestWhichSocketIsTaken asks for ports, one after the other, and looks which of
// the sockets each has got; -1 is none of them.
func TestWhichSocketIsTaken(t *testing.T) {
	dir := filepath.Dir(shortPath(t))
	path, other := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	type ask struct {
		addr string // {n} is the port of socket n
		want int
		opts []reactor.ListenOption
	}
	own := []reactor.ListenOption{reactor.OwnAddress()}
	tests := []struct {
		name, network string
		addresses     []string // what they were opened for
		bound         []string // what they are bound to, the same if it is empty
		asks          []ask
	}{
		{"exactly what is asked for", "tcp", []string{"localhost:0", "127.0.0.1:0", "localhost:0"}, nil,
			[]ask{{"localhost:0", 0, nil}, {"localhost:0", 2, nil}, {"localhost:0", -1, nil}, {"127.0.0.1:0", 1, nil}}},
		{"another's is not taken", "tcp", []string{"127.0.0.1:0"}, nil, []ask{{"localhost:0", -1, nil}}},
		{"nameless, by what it is bound to", "tcp", []string{"", "", ""}, []string{"127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"},
			[]ask{{"localhost:{2}", 2, nil}, {"127.0.0.1:{1}", 1, nil}}},
		{"nameless, in order", "tcp", []string{"", ""}, []string{"127.0.0.1:0", "127.0.0.1:0"},
			[]ask{{"localhost:0", 0, nil}, {"localhost:0", 1, nil}, {"localhost:0", -1, nil}}},
		{"nameless on every address", "tcp", []string{"", ""}, []string{"127.0.0.1:0", "0.0.0.0:0"}, []ask{{"localhost:{1}", 1, nil}}},
		{"every address is asked for", "tcp", []string{"", ""}, []string{"127.0.0.1:0", "127.0.0.1:0"}, []ask{{":{1}", 1, nil}}},
		{"another address of the same number does not count", "tcp", []string{"", ""}, []string{"127.0.0.1:0", "127.0.0.1:0"},
			[]ask{{"127.0.0.2:{1}", 0, nil}}},
		{"the exact one before a nameless one", "tcp", []string{"", "localhost:0"}, []string{"127.0.0.1:0", "127.0.0.1:0"},
			[]ask{{"localhost:0", 1, nil}, {"localhost:0", 0, nil}}},
		{"UNIX, by its path", "unix", []string{"", ""}, []string{path, other}, []ask{{other, 1, nil}, {path, 0, nil}}},
		{"UNIX, by another name of its path", "unix", []string{"", ""}, []string{path, other}, []ask{{dir + "/./b", 1, nil}}},
		{"UNIX, in order", "unix", []string{"", ""}, []string{path, other}, []ask{{filepath.Join(dir, "c"), 0, nil}}},
		{"its own address only", "tcp", []string{"", ""}, []string{"127.0.0.1:0", "127.0.0.1:0"},
			[]ask{{"localhost:0", -1, own}, {"localhost:{1}", 1, own}, {"localhost:0", -1, own}, {"localhost:0", 0, nil}}},
		{"its own path only", "unix", []string{"", ""}, []string{path, other},
			[]ask{{filepath.Join(dir, "c"), -1, own}, {other, 1, own}, {filepath.Join(dir, "d"), 0, nil}}},
		{"UDP, its own address only", "udp", []string{"", ""}, []string{"127.0.0.1:0", "127.0.0.1:0"}, []ask{{"localhost:0", -1, own}, {"localhost:{1}", 1, own}}},
		{"UDP", "udp", []string{"localhost:0", ""}, []string{"127.0.0.1:0", "127.0.0.1:0"}, []ask{{"localhost:{1}", 1, nil}, {"localhost:0", 0, nil}, {"localhost:0", -1, nil}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var sockets []reactor.Socket
			var names []string
			for i, addr := range test.addresses {
				at := addr
				if test.bound != nil {
					at = test.bound[i]
				}
				f := udpOrListen(t, test.network, at)
				sockets = append(sockets, reactor.Socket{Network: test.network, Address: addr, File: f})
				names = append(names, boundName(t, f))
			}
			t.Cleanup(func() { _, _ = os.Remove(path), os.Remove(other) })
			r := mustNew(t, reactor.WithSockets(sockets...))
			left := len(sockets)
			for _, a := range test.asks {
				for i, name := range names {
					_, port, _ := net.SplitHostPort(name)
					a.addr = strings.ReplaceAll(a.addr, fmt.Sprintf("{%d}", i), port)
				}
				got, err := listenAny(r, test.network, a.addr, a.opts...)
				if err != nil {
					t.Fatal(err)
				}
				taken := -1
				for i, name := range names {
					if got == name {
						taken = i
					}
				}
				if taken != a.want {
					t.Errorf("%s has got number %d (%s), want %d", a.addr, taken, got, a.want)
				}
				if a.want >= 0 {
					left--
					if !isClosed(sockets[a.want].File) {
						t.Error("the file of a socket that was taken is open")
					}
				}
				if n := len(r.UnclaimedSockets()); n != left {
					t.Errorf("%d are unclaimed, want %d", n, left)
				}
			}
			again, err := r.Sockets()
			if err != nil || len(again) != len(test.asks) || again[0].Network != test.network || again[0].Address == "" {
				t.Errorf("Sockets: %+v, %v", again, err)
			}
			for _, s := range again {
				_ = s.File.Close()
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
			for i, s := range sockets {
				if !isClosed(s.File) {
					t.Errorf("the file of socket %d is open after the end", i)
				}
			}
		})
	}
}

// udpOrListen returns the file of a socket of any network.
func udpOrListen(t *testing.T, network, addr string) *os.File {
	if network == "udp" {
		return udpFile(t, addr)
	}
	return listenFile(t, network, addr)
}

// listenAny opens a port of any network and returns its address.
func listenAny(r *reactor.Reactor, network, addr string, opts ...reactor.ListenOption) (string, error) {
	switch network {
	case "udp":
		d, err := r.ListenUDP(addr, &datagrams{}, opts...)
		if err != nil {
			return "", err
		}
		return d.Addr().String(), nil
	case "unix":
		p, err := r.ListenUNIX(addr, build(echo), opts...)
		if err != nil {
			return "", err
		}
		return p.Addr().String(), nil
	}
	p, err := r.ListenTCP(addr, build(echo), opts...)
	if err != nil {
		return "", err
	}
	return p.Addr().String(), nil
}

// TestBadAddressesTakeNothing asks for what is no address.
func TestBadAddressesTakeNothing(t *testing.T) {
	r := mustNew(t, reactor.WithSockets(reactor.Socket{Network: "tcp", File: listenFile(t, "tcp", "127.0.0.1:0")}))
	for _, addr := range []string{"", "nonsense", "localhost:http"} {
		var e *protocol.CannotListenError
		if _, err := r.ListenTCP(addr, build(echo)); !errors.As(err, &e) {
			t.Errorf("%q: %v", addr, err)
		}
	}
	if n := len(r.UnclaimedSockets()); n != 1 {
		t.Errorf("%d are unclaimed", n)
	}
}

// TestPathsOfGivenSockets looks who removes the path of a UNIX socket.
func TestPathsOfGivenSockets(t *testing.T) {
	tests := []struct {
		name  string
		named bool // the socket has its address
		lent  bool
		over  bool // HandOver
		back  bool // TakeOver
		run   bool
		gone  bool
	}{
		{"its own", true, false, false, false, true, true},
		{"its own, without having run", true, false, false, false, false, true},
		{"handed over", true, false, true, false, true, false},
		{"handed over, without having run", true, false, true, false, false, false},
		{"taken over", true, false, true, true, true, true},
		{"taken over, without having run", true, false, true, true, false, true},
		{"systemd's", false, false, false, false, true, false},
		{"systemd's, taken over", false, false, true, true, true, false},
		{"systemd's, through another process", true, true, false, false, true, false},
		{"systemd's, through another process, taken over", true, true, true, true, true, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := shortPath(t)
			s := reactor.Socket{Network: "unix", Lent: test.lent, File: listenFile(t, "unix", path)}
			if test.named {
				s.Address = path
			}
			r := mustNew(t, reactor.WithSockets(s))
			if _, err := r.ListenUNIX(path, build(echo)); err != nil {
				t.Fatal(err)
			}
			again, err := r.Sockets()
			if err != nil || len(again) != 1 || again[0].Address != path || again[0].Lent != (test.lent || !test.named) {
				t.Errorf("Sockets: %+v, %v", again, err)
			}
			_ = again[0].File.Close()
			if test.over {
				r.HandOver()
			}
			if test.back {
				r.TakeOver()
			}
			if test.run {
				r.CallLater(0, func() { _ = r.Stop() })
				if err := r.Run(); err != nil {
					t.Fatal(err)
				}
			} else if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Lstat(path); errors.Is(err, os.ErrNotExist) != test.gone {
				t.Errorf("the path is gone: %v, want %v", err, test.gone)
			}
		})
	}
}

// TestBlockingSocketsDoNotBlockTheLoop gives sockets in blocking mode. A reactor
// that left them so would wait in accept for the next client, and in recvfrom.
func TestBlockingSocketsDoNotBlockTheLoop(t *testing.T) {
	tcp, udp, adopted := listenFile(t, "tcp", "127.0.0.1:0"), udpFile(t, "127.0.0.1:0"), listenFile(t, "tcp", "127.0.0.1:0")
	addr, mail, third := boundName(t, tcp), boundName(t, udp), boundName(t, adopted)
	for _, f := range []*os.File{tcp, udp, adopted} {
		if err := unix.SetNonblock(int(f.Fd()), false); err != nil {
			t.Fatal(err)
		}
	}
	r := mustNew(t, reactor.WithSockets(reactor.Socket{Network: "tcp", File: tcp}, reactor.Socket{Network: "udp", File: udp}))
	left := 3
	one := func() {
		if left--; left == 0 {
			_ = r.Stop()
		}
	}
	greeter := build(func() protocol.Protocol { return &proto{made: func(*proto) { one() }} })
	if _, err := r.ListenTCP(addr, greeter); err != nil {
		t.Fatal(err)
	}
	if _, err := r.AdoptStreamPort(adopted, greeter); err != nil {
		t.Fatal(err)
	}
	if _, err := listenUDPFunc(r, mail, one); err != nil {
		t.Fatal(err)
	}
	for network, to := range map[string][]string{"tcp": {addr, third}, "udp": {mail}} {
		for _, a := range to {
			c, err := net.Dial(network, a)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			_, _ = c.Write([]byte("hello"))
		}
	}
	limit := time.AfterFunc(20*time.Second, func() { panic("the loop hangs in a call that blocks") })
	defer limit.Stop()
	if err := r.Run(); err != nil || left != 0 {
		t.Errorf("%v, %d have not come", err, left)
	}
}

// listenUDPFunc opens a UDP socket that calls f for each datagram.
func listenUDPFunc(r *reactor.Reactor, addr string, f func()) (*reactor.DatagramPort, error) {
	return r.ListenUDP(addr, &datagrams{data: func(*datagrams, []byte, netip.AddrPort) { f() }})
}

// TestWithReusePort opens ports twice.
func TestWithReusePort(t *testing.T) {
	one, two, plain := mustNew(t, reactor.WithReusePort()), mustNew(t, reactor.WithReusePort()), mustNew(t)
	for _, network := range []string{"tcp", "udp"} {
		addr, err := listenAny(one, network, "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := listenAny(two, network, addr); err != nil {
			t.Errorf("%s, both share: %v", network, err)
		}
		if _, err := listenAny(plain, network, addr); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("%s, one does not share: %v", network, err)
		}
	}
	d, err := plain.ListenUDP("127.0.0.1:0", &datagrams{}, reactor.ReusePort())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := one.ListenUDP(d.Addr().String(), &datagrams{}); err != nil {
		t.Errorf("by an option of the port: %v", err)
	}
}

// TestSocketsAfterTheEnd asks a reactor that has nothing any more.
func TestSocketsAfterTheEnd(t *testing.T) {
	r := mustNew(t)
	p, err := r.ListenTCP("127.0.0.1:0", build(echo))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Sockets(); !errors.Is(err, reactor.ErrStopped) {
		t.Errorf("Sockets: %v", err)
	}
	if _, err := p.File(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("File: %v", err)
	}
	f := listenFile(t, "tcp", "127.0.0.1:0")
	if _, err := r.AdoptStreamPort(f, build(echo)); !errors.Is(err, reactor.ErrStopped) {
		t.Errorf("AdoptStreamPort: %v", err)
	}
}
