package reactor_test

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"skein/deferred"
	"skein/protocol"
	"skein/reactor"
	"skein/reactor/reactortest"
)

// caller is a client factory that notes how its attempts fail.
type caller struct {
	protocol.ClientFactoryBase
	begun  func(protocol.Connector)
	built  int
	failed []error
	again  bool // tries again, once
}

func (c *caller) StartedConnecting(k protocol.Connector) {
	if c.begun != nil {
		c.begun(k)
	}
}

func (c *caller) BuildProtocol(net.Addr) protocol.Protocol {
	c.built++
	return &proto{}
}

func (c *caller) ClientConnectionFailed(k protocol.Connector, reason error) {
	c.failed = append(c.failed, reason)
	if c.again {
		c.again = false
		_ = k.Connect()
	}
}

// TestAStopEndsEachAttemptOnce stops a reactor that has attempts under way, after
// others, from among them, have ended in every way there is.
func TestAStopEndsEachAttemptOnce(t *testing.T) {
	m := reactortest.NewMemory()
	m.BlackHole("10.1.2.3")
	_, good := listen(t, m.Reactor, build(func() protocol.Protocol { return &proto{} }))
	const hole, refused = "10.1.2.3:80", "127.0.0.1:1"
	tests := []struct {
		addr    string
		stop    bool
		timeout time.Duration
		want    error // nil: it connects
	}{
		{hole, true, time.Hour, protocol.ErrConnectStopped},
		{hole, false, time.Hour, reactor.ErrStopped},
		{good, false, time.Hour, nil},
		{hole, false, time.Minute, protocol.ErrConnectTimeout},
		{hole, true, time.Hour, protocol.ErrConnectStopped},
		{refused, false, time.Hour, errAny},
		{hole, false, time.Hour, reactor.ErrStopped},
		{hole, false, time.Minute, protocol.ErrConnectTimeout},
		{hole, false, time.Hour, reactor.ErrStopped},
		{hole, true, time.Hour, protocol.ErrConnectStopped},
	}
	callers := make([]*caller, len(tests))
	for i, test := range tests {
		callers[i] = &caller{}
		c := m.ConnectTCP(test.addr, callers[i], reactor.ConnectTimeout(test.timeout))
		if test.stop {
			m.CallLater(time.Second, func() {
				if err := c.StopConnecting(); err != nil {
					t.Errorf("attempt %d: %v", i, err)
				}
			})
		}
	}
	m.CallLater(2*time.Minute, func() {
		if n := reactor.Attempts(m.Reactor); n != 3 {
			t.Errorf("%d attempts are under way, want 3", n)
		}
		_ = m.Stop()
	})
	if err := m.Run(); err != nil {
		t.Fatal(err)
	}
	if n := reactor.Attempts(m.Reactor); n != 0 {
		t.Errorf("%d attempts are left", n)
	}
	for i, test := range tests {
		switch c := callers[i]; {
		case test.want == nil && c.built == 1 && len(c.failed) == 0:
		case test.want != nil && c.built == 0 && len(c.failed) == 1 && (test.want == errAny || errors.Is(c.failed[0], test.want)):
		default:
			t.Errorf("attempt %d, to %s: %d protocols, failed for %v, want %v", i, test.addr, c.built, c.failed, test.want)
		}
	}
}

// errAny stands for any error.
var errAny = errors.New("any error")

// TestSeveralAddresses gives an attempt that hangs several addresses more. Each
// has 250 ms to itself before the next is tried, too, unless it fails before.
func TestSeveralAddresses(t *testing.T) {
	const hole1, hole2, hole3, closed, good = "10.1.0.1", "10.1.0.2", "10.1.0.3", "10.2.0.1", "10.2.0.2"
	tests := []struct {
		name  string
		found []string
		after time.Duration
		built int
		open  int // ends of connections and attempts
		under int // attempts
	}{
		{"the first has a head start", []string{hole2, good}, 249 * time.Millisecond, 0, 2, 1},
		{"the second answers", []string{hole2, good}, 251 * time.Millisecond, 1, 2, 0},
		{"one is refused", []string{closed, good}, 10 * time.Millisecond, 1, 2, 0},
		{"one is refused among those that hang", []string{hole2, closed, hole3}, 400 * time.Millisecond, 0, 3, 1},
		{"one is refused among those that hang, and then one answers", []string{hole2, closed, hole3, good}, 600 * time.Millisecond, 1, 2, 0},
		{"all hang for ever", []string{hole2, hole3}, time.Minute, 0, 0, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := reactortest.NewMemory()
			m.BlackHole("10.1.0.0/16")
			if _, err := m.ListenTCP(good+":80", build(func() protocol.Protocol { return &proto{} })); err != nil {
				t.Fatal(err)
			}
			f := &caller{}
			c := m.ConnectTCP(hole1+":80", f, reactor.ConnectTimeout(time.Minute))
			m.Advance(0)
			ips := make([]netip.Addr, len(test.found))
			for i, ip := range test.found {
				ips[i] = netip.MustParseAddr(ip)
			}
			m.CallFromThread(func() { reactor.Found(c, ips...) })
			m.Advance(test.after)
			open, under := m.Connections(), reactor.Attempts(m.Reactor)
			if f.built != test.built || len(open) != test.open || under != test.under {
				t.Errorf("%d protocols, %v, %d attempts; failed for %v", f.built, open, under, f.failed)
			}
			c.Disconnect()
			m.Advance(time.Minute)
			if open = m.Connections(); len(open) != 0 || len(f.failed)+f.built != 1 {
				t.Errorf("in the end: %d protocols, %v, failed for %v", f.built, open, f.failed)
			}
			_ = m.Close()
		})
	}
}

// TestTheOlderOfTwoAddressesAnswers has a port that is busy answer an attempt at
// last, which tries another address by then: that one is given up.
func TestTheOlderOfTwoAddressesAnswers(t *testing.T) {
	m := reactortest.NewMemory(reactor.WithLogger(zerolog.Nop()))
	m.BlackHole("10.1.2.3")
	const busy = "10.2.0.2:80"
	if _, err := m.ListenTCP(busy, build(func() protocol.Protocol { return &proto{} }), reactor.Backlog(1)); err != nil {
		t.Fatal(err)
	}
	m.FailNext(reactortest.Accept, syscall.EMFILE) // for a while, the queue does not move
	for range 2 {
		m.ConnectTCP(busy, &caller{})
	}
	f := &caller{}
	c := m.ConnectTCP(busy, f)
	m.Advance(10 * time.Millisecond)
	m.CallFromThread(func() { reactor.Found(c, netip.MustParseAddr("10.1.2.3")) })
	m.Advance(10 * time.Millisecond)
	if open := m.Connections(); f.built != 0 || len(open) != 4 || !open[3].Connecting {
		t.Fatalf("%d protocols, %v", f.built, open)
	}
	m.Advance(time.Minute)
	if open := m.Connections(); f.built != 1 || len(open) != 6 || len(f.failed) != 0 {
		t.Errorf("%d protocols, %v, failed for %v", f.built, open, f.failed)
	}
	_ = m.Close()
}

// TestALateLookupDoesNotTouchTheNextAttempt stops an attempt while its name is
// being looked up, and tries again at once.
func TestALateLookupDoesNotTouchTheNextAttempt(t *testing.T) {
	reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
		done := deferred.New()
		port, addr := listen(t, r, build(func() protocol.Protocol {
			return &proto{made: func(p *proto) { p.Transport.LoseConnection() }}
		}))
		_, number, err := net.SplitHostPort(addr)
		if err != nil {
			t.Fatal(err)
		}
		f := &caller{again: true}
		f.begun = func(k protocol.Connector) {
			f.begun = nil
			r.CallFromThread(func() { // the lookup has begun, and its end is a call behind this one
				if err := k.StopConnecting(); err != nil {
					t.Error(err)
				}
			})
		}
		r.ConnectTCP("localhost:"+number, f)
		var look func()
		look = func() {
			switch {
			case f.built == 0 && len(f.failed) == 1 || len(f.failed) == 0:
				r.CallLater(time.Millisecond, look)
				return
			case f.built != 1 || len(f.failed) != 1 || !errors.Is(f.failed[0], protocol.ErrConnectStopped):
				t.Errorf("%d protocols, failed for %v", f.built, f.failed)
			}
			done.Callback(nil)
		}
		look()
		return closing(port, done)
	}, reactortest.Timeout(20*time.Second))
}

// goer is a caller that notes where its connections lead.
type goer struct {
	caller
	to []string
}

func (g *goer) BuildProtocol(addr net.Addr) protocol.Protocol {
	g.to = append(g.to, addr.String())
	return g.caller.BuildProtocol(addr)
}

// TestEachConnectorGoesWhereItsTextSays has connectors begin one after the other
// that share their destination with the one before, or do not.
func TestEachConnectorGoesWhereItsTextSays(t *testing.T) {
	const one, two, three, here = "10.2.0.1:80", "10.2.0.2:80", "10.2.0.1:81", "127.0.0.1:80"
	m := reactortest.NewMemory(reactor.WithLogger(zerolog.Nop()))
	for _, addr := range []string{one, two, three, here} {
		if _, err := m.ListenTCP(addr, build(func() protocol.Protocol { return &proto{} })); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct{ text, to string }{ // to is "" if it is no address
		{"", ""}, {one, one}, {one, one}, {two, two}, {three, three}, {one, one}, {"10.2.0.1", ""}, {one, one}, {"", ""},
		{"localhost:80", here}, {"localhost:80", here}, {":80", here}, {two, two}, {"[::ffff:10.2.0.1]:80", one}, {":80", here},
	}
	goers := make([]*goer, len(tests))
	for i, test := range tests {
		goers[i] = &goer{}
		m.ConnectTCP(test.text, goers[i])
	}
	m.CallLater(time.Minute, func() { _ = m.Stop() })
	if err := m.Run(); err != nil {
		t.Fatal(err)
	}
	for i, test := range tests {
		var wrong *net.AddrError
		switch g := goers[i]; {
		case test.to != "" && len(g.to) == 1 && g.to[0] == test.to && len(g.failed) == 0:
		case test.to == "" && len(g.to) == 0 && len(g.failed) == 1 && errors.As(g.failed[0], &wrong):
		default:
			t.Errorf("attempt %d, to %q: led to %v, failed for %v", i, test.text, g.to, g.failed)
		}
	}
}
