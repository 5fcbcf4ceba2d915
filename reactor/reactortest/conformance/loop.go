//go:build linux || darwin || freebsd

package conformance

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"skein/deferred"
	"skein/reactor"
	"skein/reactor/reactortest"
)

// Loop is a kind of reactor, with a kind of socket.
type Loop struct {
	network string // "tcp" or "unix"
	keeps   int    // bytes, at most, that the kernel keeps in one direction

	// run runs f on a new reactor, as reactortest.Run does.
	run func(t testing.TB, f func(*place) *deferred.Deferred, opts ...reactortest.Option)
	// bare returns a reactor that does not run yet, for tests of its life.
	bare func(opts ...reactor.Option) (*reactor.Reactor, error)
}

// place is a running reactor with what is outside of it.
type place struct {
	r *reactor.Reactor
	// address returns an address to listen on that nobody uses.
	address func() string
	// hole returns an address that does not answer.
	hole func() string
}

// Machine is the reactor on the machine's kernel; network is "tcp" or "unix".
func Machine(network string) Loop {
	l := Loop{network: network, keeps: 8 << 20, bare: reactor.New}
	l.run = func(t testing.TB, f func(*place) *deferred.Deferred, opts ...reactortest.Option) {
		t.Helper()
		dir, err := os.MkdirTemp("", "skein") // t.TempDir's names are too long for a socket
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		p := &place{address: addresses(network, dir+string(filepath.Separator))}
		p.hole = func() string { return stuffed(t, network, p.address()) }
		reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
			p.r = r
			return f(p)
		}, opts...)
	}
	return l
}

// Memory is the reactor in memory. Bytes arrive in chunks of the given size, or
// as they are if that is 0.
func Memory(network string, chunk int) Loop {
	l := Loop{network: network, keeps: 256 << 10}
	l.bare = func(opts ...reactor.Option) (*reactor.Reactor, error) {
		return reactortest.NewMemory(opts...).Reactor, nil
	}
	l.run = func(t testing.TB, f func(*place) *deferred.Deferred, opts ...reactortest.Option) {
		t.Helper()
		p := &place{address: addresses(network, "@")}
		reactortest.RunMemory(t, func(m *reactortest.MemoryReactor) *deferred.Deferred {
			m.Chunk(chunk)
			p.r = m.Reactor
			p.hole = func() string {
				if network == "unix" {
					m.BlackHole("@hole")
					return "@hole"
				}
				m.BlackHole("192.0.2.1")
				return "192.0.2.1:1"
			}
			return f(p)
		}, opts...)
	}
	return l
}

// addresses returns a function that makes one address after the other.
func addresses(network, prefix string) func() string {
	n := 0
	return func() string {
		if network == "tcp" {
			return "127.0.0.1:0"
		}
		n++
		return fmt.Sprintf("%ss%d", prefix, n)
	}
}

// test is one rule of the contract.
type test struct {
	name string
	f    func(s *scene)
	opts []reactortest.Option
	only string // "tcp" if the rule is about TCP
}

// groups are the rules by subject.
var groups = []struct {
	name  string
	tests []test
}{
	{"order", ordering},
	{"writing", writing},
	{"closing", closing},
	{"deadlines", deadlines},
	{"aborting", aborting},
	{"half-close", halfClosing},
	{"reading", reading},
	{"producing", producing},
	{"panics", panics},
	{"connecting", connecting},
	{"stopping a connector", stopping},
	{"listening", listening},
	{"handing over", handing},
	{"draining", draining},
	{"timers", timing},
	{"calls", calling},
	{"threads", threading},
	{"stats", counting},
}

// Run tests that a loop keeps the contract.
func Run(t *testing.T, l Loop) {
	for _, g := range groups {
		t.Run(g.name, func(t *testing.T) {
			for _, test := range g.tests {
				if test.only == "" || test.only == l.network {
					t.Run(test.name, func(t *testing.T) { l.play(t, test.f, test.opts...) })
				}
			}
		})
	}
	t.Run("life", func(t *testing.T) {
		for _, test := range living {
			t.Run(test.name, func(t *testing.T) { test.f(t, l) })
		}
	})
}
