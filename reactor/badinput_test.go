package reactor_test

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"skein/deferred"
	"skein/deferred/clock"
	"skein/protocol"
	"skein/reactor"
	"skein/reactor/reactortest"
)

// newReactor returns a reactor that is not run.
func newReactor(t *testing.T) *reactor.Reactor {
	t.Helper()
	r, err := reactor.New(reactor.WithoutSignals())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// TestListenErrors names the value in the error, and keeps the cause.
func TestListenErrors(t *testing.T) {
	r := newReactor(t)
	taken, addr := listen(t, r, build(echo))
	cases := []struct {
		addr, text string
		cause      error
	}{
		{addr, "address already in use", syscall.EADDRINUSE},
		{"localhost:99999", `port "99999" is not a number from 0 to 65535`, nil},
		{"localhost:-1", `port "-1" is not a number from 0 to 65535`, nil},
		{"localhost:http", `port "http" is not a number from 0 to 65535`, nil},
		{"localhost", "write it as host:port", nil},
		{"127.0.0.1:80:80", "write it as host:port", nil},
		{"192.0.2.1:0", "cannot assign requested address", syscall.EADDRNOTAVAIL},
		{"no.such.host.invalid:0", "no.such.host.invalid", nil},
	}
	for _, tc := range cases {
		_, err := r.ListenTCP(tc.addr, build(echo))
		var cannot *protocol.CannotListenError
		if !errors.As(err, &cannot) || !strings.Contains(err.Error(), tc.text) || !strings.Contains(err.Error(), tc.addr) {
			t.Errorf("listening on %q: %v, want %q", tc.addr, err, tc.text)
		}
		if tc.cause != nil && !errors.Is(err, tc.cause) {
			t.Errorf("listening on %q: %v is not %v", tc.addr, err, tc.cause)
		}
	}
	taken.StopListening()
	if _, err := r.ListenTCP(addr, build(echo)); err != nil {
		t.Errorf("a port that was closed before Run is not free: %v", err)
	}
}

// TestListenEverywhere serves IPv4 on the wildcard address, whatever the
// machine has of IPv6, and shows the client's address as an IPv4 one.
func TestListenEverywhere(t *testing.T) {
	reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
		done := deferred.New()
		port, err := r.ListenTCP(":0", build(func() protocol.Protocol {
			return &proto{
				made: func(p *proto) {
					host, _, _ := net.SplitHostPort(p.Transport.RemoteAddr().String())
					done.Callback(host)
					p.Transport.LoseConnection()
				},
			}
		}))
		if err != nil {
			t.Fatal(err)
		}
		_, number, _ := net.SplitHostPort(port.Addr().String())
		r.ConnectTCP("127.0.0.1:"+number, &client{t: t, p: &proto{}})
		return closing(port, done.AddCallback(func(host any) (any, error) {
			return nil, want("the client's address", host.(string), "127.0.0.1")
		}))
	})
}

// TestListenUNIX looks at what is left at a path, and what stands in the way.
func TestListenUNIX(t *testing.T) {
	r := newReactor(t)
	path := filepath.Join(t.TempDir(), "socket")
	p, err := r.ListenUNIX(path, build(echo), reactor.UnixMode(0o600))
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(path)
	if err != nil || info.Mode() != fs.ModeSocket|0o600 {
		t.Errorf("at the path is %v, %v", info, err)
	}
	if _, err := r.ListenUNIX(path, build(echo)); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("listening where somebody listens: %v", err)
	}
	p.StopListening()
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the path of a closed port: %v", err)
	}

	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	_ = dead.Close()
	if p, err = r.ListenUNIX(path, build(echo)); err != nil {
		t.Fatalf("over a dead process's socket: %v", err)
	}
	// Somebody else has taken the path: it is not ours to remove.
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("a poem"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.StopListening()
	if _, err := os.Lstat(path); err != nil {
		t.Errorf("the port removed a file that was not its own: %v", err)
	}
	if _, err := r.ListenUNIX(path, build(echo)); err == nil || !strings.Contains(err.Error(), "not a socket") {
		t.Errorf("listening at the path of a file: %v", err)
	}
	if _, err := r.ListenUNIX("", build(echo)); err == nil {
		t.Error("listening at the empty path succeeded")
	}
}

// TestMisusePanics panics with an error that names the remedy.
func TestMisusePanics(t *testing.T) {
	r := newReactor(t)
	cases := []struct {
		name string
		f    func()
		want error
		text string
	}{
		{"a negative delay", func() { r.CallLater(-1, func() {}) }, clock.ErrNegativeDelay, "use 0"},
		{"a nil call", func() { r.CallLater(0, nil) }, clock.ErrNilCall, ""},
		{"a nil posted call", func() { r.CallFromThread(nil) }, nil, "CallFromThread needs a function"},
		{"a nil factory", func() { _, _ = r.ListenTCP("localhost:0", nil) }, nil, "ListenTCP needs"},
		{"a nil client factory", func() { r.ConnectTCP("localhost:1", nil) }, nil, "Connect"},
		{"a nil trigger", func() { r.AddSystemEventTrigger(reactor.Before, reactor.Startup, nil) }, nil, "AddSystemEventTrigger needs"},
		{"a nil thread function", func() { r.DeferToThread(nil) }, nil, "DeferToThread needs"},
	}
	for _, tc := range cases {
		err, ok := misuse(tc.f).(error)
		if !ok || tc.want != nil && !errors.Is(err, tc.want) || !strings.Contains(err.Error(), tc.text) {
			t.Errorf("%s: the panic was %v", tc.name, err)
		}
	}
}

// TestRunTwice runs a reactor from its own callback, and again.
func TestRunTwice(t *testing.T) {
	r := newReactor(t)
	if err := r.Stop(); !errors.Is(err, reactor.ErrNotRunning) {
		t.Errorf("Stop before Run: %v", err)
	}
	r.CallLater(0, func() {
		if err := r.Run(); !errors.Is(err, reactor.ErrAlreadyRunning) {
			t.Errorf("Run inside Run: %v", err)
		}
		if err := r.Stop(); err != nil {
			t.Error(err)
		}
		if err := r.Stop(); !errors.Is(err, reactor.ErrNotRunning) {
			t.Errorf("Stop twice: %v", err)
		}
	})
	if err := r.Run(); err != nil {
		t.Fatal(err)
	}
	if err := r.Run(); !errors.Is(err, reactor.ErrNotRestartable) {
		t.Errorf("Run after Run: %v", err)
	}
	if _, err := r.ListenTCP("127.0.0.1:0", build(echo)); !errors.Is(err, reactor.ErrStopped) {
		t.Errorf("ListenTCP after Run: %v", err)
	}
}
