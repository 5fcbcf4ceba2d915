//go:build linux || darwin || freebsd

package reactor_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"skein/reactor"
)

// TestGivenSocketsAreChecked gives each wrong file beside a right one: New fails,
// says which, and has closed both.
func TestGivenSocketsAreChecked(t *testing.T) {
	tests := []struct {
		name, network string
		file          func(t *testing.T) *os.File
		err           error
		text          string
	}{
		{"a closed file", "tcp", func(t *testing.T) *os.File {
			f := listenFile(t, "tcp", "127.0.0.1:0")
			_ = f.Close()
			return f
		}, syscall.EBADF, "descriptor -1"},
		{"a regular file", "tcp", func(t *testing.T) *os.File {
			f, err := os.Create(filepath.Join(t.TempDir(), "f"))
			if err != nil {
				t.Fatal(err)
			}
			return f
		}, syscall.ENOTSOCK, ""},
		{"a UDP socket for TCP", "tcp", func(t *testing.T) *os.File { return udpFile(t, "127.0.0.1:0") }, reactor.ErrWrongSocket, "it is a udp socket"},
		{"a TCP socket for UDP", "udp", func(t *testing.T) *os.File { return listenFile(t, "tcp", "127.0.0.1:0") }, reactor.ErrWrongSocket, "it is a tcp socket"},
		{"a TCP socket for UNIX", "unix", func(t *testing.T) *os.File { return listenFile(t, "tcp", "127.0.0.1:0") }, reactor.ErrWrongSocket, "it is a tcp socket"},
		{"a UNIX socket for TCP", "tcp", func(t *testing.T) *os.File { return listenFile(t, "unix", shortPath(t)) }, reactor.ErrWrongSocket, "it is a unix socket"},
		{"a connection", "tcp", func(t *testing.T) *os.File {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = l.Close() })
			c, err := net.Dial("tcp", l.Addr().String())
			return fileOf(t, c, err)
		}, reactor.ErrWrongSocket, "it is connected"},
		{"a socket that does not listen", "tcp", func(t *testing.T) *os.File { return rawFile(t, unix.AF_INET, unix.SOCK_STREAM) }, reactor.ErrWrongSocket, "it does not listen"},
		{"a UDP socket without an address", "udp", func(t *testing.T) *os.File { return rawFile(t, unix.AF_INET, unix.SOCK_DGRAM) }, reactor.ErrWrongSocket, "it is not bound"},
		{"a UDP socket with a peer", "udp", func(t *testing.T) *os.File {
			c, err := net.Dial("udp", "127.0.0.1:9")
			return fileOf(t, c, err)
		}, reactor.ErrWrongSocket, "it is connected"},
		{"datagrams by UNIX", "unix", func(t *testing.T) *os.File { return rawFile(t, unix.AF_UNIX, unix.SOCK_DGRAM) }, reactor.ErrWrongSocket, "unixgram"},
		{"no file", "tcp", func(*testing.T) *os.File { return nil }, nil, "nil"},
		{"an unknown network", "tcp4", func(t *testing.T) *os.File { return listenFile(t, "tcp", "127.0.0.1:0") }, nil, `"tcp4"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			good, bad := listenFile(t, "tcp", "127.0.0.1:0"), test.file(t)
			number := -1
			if bad != nil && !isClosed(bad) {
				number = int(bad.Fd())
			}
			r, err := reactor.New(reactor.WithSockets(
				reactor.Socket{Network: "tcp", Address: "127.0.0.1:1", File: good},
				reactor.Socket{Network: test.network, Address: "127.0.0.1:2", File: bad}))
			var e *reactor.SocketError
			if r != nil || !errors.As(err, &e) {
				t.Fatalf("New returned %v, %v", r, err)
			}
			if e.Descriptor != number || e.Network != test.network || e.Address != "127.0.0.1:2" || test.err != nil && !errors.Is(err, test.err) {
				t.Errorf("the error is %#v: %v", e, err)
			}
			for _, part := range []string{test.text, fmt.Sprint("descriptor ", number), "127.0.0.1:2"} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
			if !isClosed(good) || bad != nil && !isClosed(bad) {
				t.Error("a file is still open")
			}
		})
	}
}

// shortPath returns a path for a UNIX socket.
func shortPath(t *testing.T) string {
	t.Helper()
	return places(t)["UNIX"].addr
}

func TestAFileIsGivenOnce(t *testing.T) {
	f := listenFile(t, "tcp", "127.0.0.1:0")
	s := reactor.Socket{Network: "tcp", File: f}
	_, err := reactor.New(reactor.WithSockets(s, s))
	var e *reactor.SocketError
	if !errors.As(err, &e) || !strings.Contains(err.Error(), "twice") || !isClosed(f) {
		t.Errorf("twice the same: %v, closed %v", err, isClosed(f))
	}
}

// TestNewThatFailsClosesWhatItWasGiven fails for another reason.
func TestNewThatFailsClosesWhatItWasGiven(t *testing.T) {
	f := listenFile(t, "tcp", "127.0.0.1:0")
	_, err := reactor.New(reactor.WithThreads(0), reactor.WithSockets(reactor.Socket{Network: "tcp", File: f}))
	if err == nil || !isClosed(f) {
		t.Errorf("%v, closed %v", err, isClosed(f))
	}
}
