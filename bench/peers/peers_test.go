// Package peers_test holds each server of bench/peers to the contract that
// package skein/bench writes down.
package peers_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

// peer is a server: how it is made and run, and what it cannot do.
type peer struct {
	name   string
	build  []string // makes the program; -o FILE is added
	run    []string // stands before WORK; {} is what was built
	probe  []string // fails where something is missing
	stats  bool     // answers a line "stats"
	cannot map[string]string
}

// The rules that some frameworks cannot keep.
const (
	ruleHalfClose = "a peer that has ended gets its answers"
	ruleUnread    = "a close with input unread is no reset"
	ruleReusePort = "two processes share a port"
)

const python = "/usr/bin/python3"

// peers is the table.
var peers = []peer{
	{
		name: "c", build: []string{"cc", "-O2", "c/epoll.c"}, run: []string{"{}"},
		probe: []string{"cc", "--version"},
	},
	{
		name: "libuv", build: []string{"cc", "-O2", "c/libuv.c", "-luv"}, run: []string{"{}"},
		probe: []string{"cc", "-fsyntax-only", "-include", "uv.h", "-x", "c", os.DevNull},
	},
	{
		name: "nbio", build: []string{"go", "build", "./cmd/peer"}, run: []string{"{}", "nbio"}, stats: true,
		cannot: map[string]string{
			ruleHalfClose: "nbio closes at once when the peer's end comes (EPOLLRDHUP), and forgets what is unsent",
			ruleUnread:    "nbio's Close is close(2): there is no call that ends the output alone",
		},
	},
	{
		name: "netpoll", build: []string{"go", "build", "./cmd/peer"}, run: []string{"{}", "netpoll"}, stats: true,
		cannot: map[string]string{
			ruleHalfClose: "netpoll closes when the peer's end comes (EPOLLRDHUP): Flush then fails",
			ruleUnread:    "netpoll's Close is close(2): there is no call that ends the output alone",
		},
	},
	{
		name: "node", run: []string{"node", "node/server.js"}, probe: []string{"node", "--version"},
		cannot: map[string]string{
			ruleReusePort: "Node before 23.1 has no reusePort",
		},
	},
	{
		name: "twisted", run: []string{python, "twisted/server.py"},
		probe: []string{python, "-c", "import twisted.internet.epollreactor"},
		cannot: map[string]string{
			ruleUnread: "Twisted's loseConnection is close(2) after the flush",
		},
	},
	{
		name: "uvloop", run: []string{python, "uvloop/server.py"}, probe: []string{python, "-c", "import uvloop"},
	},
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestPeers runs every server through every rule of the contract.
func TestPeers(t *testing.T) {
	built := &programs{dir: t.TempDir(), made: map[string]error{}}
	for _, p := range peers {
		t.Run(p.name, func(t *testing.T) {
			argv := built.ready(t, p)
			for _, r := range rules {
				t.Run(r.name, func(t *testing.T) {
					if why := p.cannot[r.name]; why != "" {
						t.Skip("cannot: " + why)
					}
					r.check(t, argv)
				})
			}
			if p.stats {
				t.Run("stats", func(t *testing.T) { checkStats(t, argv) })
			}
		})
	}
}

// TestCannotNamesRules catches an exception that excepts nothing.
func TestCannotNamesRules(t *testing.T) {
	known := map[string]bool{}
	for _, r := range rules {
		known[r.name] = true
	}
	for _, p := range peers {
		for name, why := range p.cannot {
			if !known[name] || why == "" {
				t.Errorf("%s: there is no rule %q, or no reason %q", p.name, name, why)
			}
		}
	}
}

// programs builds each program once.
type programs struct {
	dir  string
	mu   sync.Mutex
	made map[string]error
}

// ready returns the command that runs p, up to WORK. It skips the test where
// something is missing, or fails it if CI has to have it.
func (b *programs) ready(t *testing.T, p peer) []string {
	t.Helper()
	file, err := b.make(p)
	if err != nil {
		if p.stats || os.Getenv("SKEIN_INTEROP") == "required" {
			t.Fatal(err) // Go builds it, which is here; or CI has to have it
		}
		t.Skip(err)
	}
	argv := append([]string(nil), p.run...)
	if argv[0] == "{}" {
		argv[0] = file
	}
	return argv
}

// make probes for what p needs, and builds it.
func (b *programs) make(p peer) (string, error) {
	if len(p.probe) > 0 {
		if out, err := exec.Command(p.probe[0], p.probe[1:]...).CombinedOutput(); err != nil {
			return "", fmt.Errorf("%s is not here: %w\n%s", p.name, err, out)
		}
	}
	if len(p.build) == 0 {
		return "", nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	source := p.build[2]
	file := filepath.Join(b.dir, filepath.Base(source)+".program")
	err, done := b.made[file]
	if !done {
		args := append([]string{p.build[1], "-o", file}, p.build[2:]...)
		out, failed := exec.Command(p.build[0], args...).CombinedOutput()
		if failed != nil {
			err = errors.Join(failed, errors.New(string(out)))
		}
		b.made[file] = err
	}
	return file, err
}
