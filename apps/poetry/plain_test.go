package poetry_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand"
	"net"
	"os/exec"
	"testing"
	"time"

	"skein/apps/poetry"
	"skein/deferred"
	"skein/reactor"
	"skein/reactor/reactortest"
)

// This file is about clients that know nothing of skein: blocking sockets of
// Go's net, nc, curl. The programs get an empty standard input, because with an
// open one both stay after the server's end, whatever the server.

// blocking runs a blocking client beside the loop and checks the poem it got.
func blocking(r *reactor.Reactor, addr string, poem []byte, read func(c *net.TCPConn) ([]byte, error)) *deferred.Deferred {
	return wants(r.DeferToThread(func() (any, error) {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			return nil, err
		}
		defer func() { _ = c.Close() }()
		return read(c.(*net.TCPConn))
	}), poem)
}

func TestBlockingClients(t *testing.T) {
	tests := []struct {
		name string
		read func(c *net.TCPConn) ([]byte, error)
	}{
		{"reads", func(c *net.TCPConn) ([]byte, error) { return io.ReadAll(c) }},
		{"half-closes first", func(c *net.TCPConn) ([]byte, error) {
			if err := c.CloseWrite(); err != nil {
				return nil, err
			}
			return io.ReadAll(c)
		}},
		{"sends what nobody reads", func(c *net.TCPConn) ([]byte, error) {
			if _, err := c.Write([]byte("GET / HTTP/1.0\r\n\r\n")); err != nil {
				return nil, err
			}
			return io.ReadAll(c)
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
				fast, fastAddr := listen(t, r, &poetry.Factory{Poem: testPoem})
				slow, slowAddr := listen(t, r, &poetry.SlowFactory{Poem: testPoem, Clock: r, Delay: 5 * time.Millisecond})
				both := deferred.GatherResults([]*deferred.Deferred{
					blocking(r, fastAddr, testPoem.Text, test.read),
					blocking(r, slowAddr, testPoem.Text, test.read),
				})
				return closing(closing(both, fast), slow)
			})
		})
	}
}

func TestTwoHundredBlockingClientsAtOnce(t *testing.T) {
	poem := noise(1 << 20)
	reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
		port, addr := listen(t, r, &poetry.Factory{Poem: poetry.Poem{Text: poem}})
		all := make([]*deferred.Deferred, 200)
		for i := range all {
			all[i] = blocking(r, addr, poem, func(c *net.TCPConn) ([]byte, error) { return io.ReadAll(c) })
		}
		return closing(deferred.GatherResults(all), port)
	}, reactortest.With(reactor.WithThreads(200)))
}

// noise returns n bytes in which every shift and every loss shows.
func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.New(rand.NewSource(1)).Read(b) // it cannot fail
	return b
}

func TestALongPoemToASlowReader(t *testing.T) {
	poem := noise(64 << 20)
	reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
		port, addr := listen(t, r, &poetry.Factory{Poem: poetry.Poem{Text: poem}})
		return closing(blocking(r, addr, poem, func(c *net.TCPConn) ([]byte, error) {
			return readSlowly(r, c)
		}), port)
	})
}

// readSlowly reads with a small window, and after each half mebibyte waits until
// a timer of the loop has run: the server is never let off writing in pieces.
func readSlowly(r *reactor.Reactor, c *net.TCPConn) ([]byte, error) {
	if err := c.SetReadBuffer(64 << 10); err != nil {
		return nil, err
	}
	var poem bytes.Buffer
	for {
		switch _, err := io.CopyN(&poem, c, 512<<10); err {
		case nil:
		case io.EOF:
			return poem.Bytes(), nil
		default:
			return nil, err
		}
		_, err := r.BlockingCallFromThread(func() (any, error) {
			d := deferred.New()
			r.CallLater(2*time.Millisecond, func() { d.Callback(nil) })
			return d, nil
		})
		if err != nil {
			return nil, err
		}
	}
}

func TestPrograms(t *testing.T) {
	tests := []struct {
		name    string
		command func(port int) *exec.Cmd
	}{
		{"nc", func(port int) *exec.Cmd { return exec.Command("nc", "localhost", fmt.Sprint(port)) }},
		{"curl", func(port int) *exec.Cmd {
			return exec.Command("curl", "--silent", "--show-error", fmt.Sprintf("telnet://localhost:%d", port))
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, err := exec.LookPath(test.name); err != nil {
				t.Skipf("%s is not installed: %v", test.name, err)
			}
			poem := poetry.Builtin()[0]
			reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
				fast, _ := listen(t, r, &poetry.Factory{Poem: poem})
				slow, _ := listen(t, r, &poetry.SlowFactory{Poem: poem, Clock: r, NumBytes: 100, Delay: 5 * time.Millisecond})
				var both []*deferred.Deferred
				for _, port := range []*reactor.Port{fast, slow} {
					cmd := test.command(port.Addr().(*net.TCPAddr).Port)
					both = append(both, wants(r.DeferToThread(func() (any, error) { return cmd.Output() }), poem.Text))
				}
				return closing(closing(deferred.GatherResults(both), fast), slow)
			})
		})
	}
}
