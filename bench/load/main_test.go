package load_test

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"skein/bench/load"
	"skein/deferred"
	"skein/deferred/clock"
	"skein/protocol"
	"skein/reactor"
	"skein/reactor/reactortest"
)

// childVariable makes this test binary one process of a fleet.
const childVariable = "SKEIN_LOAD_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		os.Exit(beChild())
	}
	goleak.VerifyTestMain(m)
}

// beChild serves a parent.
func beChild() int {
	r, err := reactor.New(reactor.WithoutSignals())
	if err == nil {
		err = load.Serve(r, os.Stdin, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// behaviour is what a server of these tests does with a connection.
type behaviour struct {
	made func(p *peer)
	data func(p *peer, data []byte)
}

// peer is one connection of a server; n counts them, from 0 on.
type peer struct {
	protocol.Base
	b *behaviour
	n int
	r *reactor.Reactor

	calls []*clock.DelayedCall
}

func (p *peer) ConnectionMade() {
	if p.b.made != nil {
		p.b.made(p)
	}
}

func (p *peer) DataReceived(data []byte) {
	if p.b.data != nil {
		p.b.data(p, data)
	}
}

// later does something if the connection is still there after a time.
func (p *peer) later(d time.Duration, f func()) {
	p.calls = slices.DeleteFunc(p.calls, func(c *clock.DelayedCall) bool { return !c.Active() })
	p.calls = append(p.calls, p.r.CallLater(d, f))
}

// ConnectionLost forgets what was to be done.
func (p *peer) ConnectionLost(error) {
	for _, c := range p.calls {
		if c.Active() {
			_ = c.Cancel()
		}
	}
}

// send sends and closes, after a time.
func (p *peer) send(d time.Duration, poem string) {
	p.later(d, func() {
		_, _ = p.Transport.Write([]byte(poem))
		p.Transport.LoseConnection()
	})
}

// factory builds peers.
func (b *behaviour) factory(r *reactor.Reactor) protocol.Factory {
	n := -1
	return protocol.FactoryFunc(func(net.Addr) protocol.Protocol {
		n++
		return &peer{b: b, n: n, r: r}
	})
}

// target is where the servers in memory are.
const target = "127.0.0.1:7000"

// drive puts a load on a server in memory and returns the result. The clock
// moves only when nothing is left to do, so what a server does at once takes no
// time at all. meanwhile may be nil.
func drive(t *testing.T, o load.Options, b *behaviour, meanwhile func(m *reactortest.MemoryReactor, port *reactor.Port)) *load.Result {
	t.Helper()
	var result *load.Result
	reactortest.RunMemory(t, func(m *reactortest.MemoryReactor) *deferred.Deferred {
		port, err := m.ListenTCP(target, b.factory(m.Reactor))
		if err != nil {
			t.Fatal(err)
		}
		if meanwhile != nil {
			meanwhile(m, port)
		}
		return deferred.ThenDeferred(attack(m.Reactor, o, target, &result), func(any) *deferred.Deferred { return port.StopListening() })
	})
	return result
}

// attack puts a load on a server and keeps the result.
func attack(r *reactor.Reactor, o load.Options, addr string, result **load.Result) *deferred.Deferred {
	if o.Addrs == nil {
		o.Addrs = []netip.AddrPort{netip.MustParseAddrPort(addr)}
	}
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	total := load.NewTotal(o, addr, 1)
	g := load.New(r, o, total)
	g.Open().AddCallback(func(any) (any, error) {
		g.Begin()
		return nil, nil
	})
	done := deferred.New()
	g.Over().AddBoth(func(any, error) (any, error) {
		*result = total.Result(false)
		done.Callback(nil)
		return nil, nil
	})
	return done
}

// wants checks the errors of a result, and that nothing else is amiss with them.
func wants(t *testing.T, r *load.Result, want map[load.Kind]uint64) {
	t.Helper()
	for k, n := range want {
		if r.Errors[k] != n {
			t.Errorf("%d errors are %s, want %d", r.Errors[k], k, n)
		}
	}
	for k, n := range r.Errors {
		if want[k] == 0 {
			t.Errorf("%d errors are %s (%s), want none", n, k, r.Samples[k])
		}
	}
	if r.OK != (len(want) == 0 && r.Stopped == "") {
		t.Errorf("OK is %v", r.OK)
	}
}
