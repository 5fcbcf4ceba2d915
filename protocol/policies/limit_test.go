package policies_test

import (
	"net"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"skein/protocol"
	"skein/protocol/policies"
	"skein/protocol/protocoltest"
)

// gate is a listener that keeps what it is told.
type gate struct{ told []string }

func (g *gate) PauseAccepting()  { g.told = append(g.told, "pause") }
func (g *gate) ResumeAccepting() { g.told = append(g.told, "resume") }

// accept makes one connection of the factory, as a port would; nil if refused.
func accept(f protocol.Factory, from net.Addr) protocol.Protocol {
	p := f.BuildProtocol(from)
	if p != nil {
		connect(p, protocoltest.NewStringTransport())
	}
	return p
}

func TestTotalLimitWithoutAListenerTurnsAway(t *testing.T) {
	inner := &recorders{}
	l := &policies.TotalLimit{Factory: inner, Max: 2}
	first := accept(l, addr)
	accept(l, addr)
	if p := accept(l, addr); p != nil {
		t.Error("a third connection was let in")
	}
	want(t, "protocols built", len(inner.made), 2)
	first.ConnectionLost(protocol.ErrConnectionDone)
	expectCalls(t, "the first", inner.made[0], "MakeConnection", "ConnectionMade", "ConnectionLost(connection was closed cleanly)")
	if p := accept(l, addr); p == nil {
		t.Error("the place that became free is not given away")
	}
	want(t, "Open", l.Open(), 2)
}

func TestTotalLimitPausesItsListeners(t *testing.T) {
	a, b := &gate{}, &gate{}
	l := &policies.TotalLimit{Factory: &recorders{}, Max: 2}
	l.PauseAtLimit(a)
	first := accept(l, addr)
	want(t, "told below the limit", len(a.told), 0)
	second := accept(l, addr)
	l.PauseAtLimit(b) // too late for the call, not for the pause
	first.ConnectionLost(protocol.ErrConnectionDone)
	second.ConnectionLost(protocol.ErrConnectionDone)
	for i, g := range []*gate{a, b} {
		if told := []string{"pause", "resume"}; !slices.Equal(g.told, told) {
			t.Errorf("listener %d was told %q, want %q", i, g.told, told)
		}
	}
}

func TestTheCountIsUndoneForARefusalAndAPanic(t *testing.T) {
	for name, f := range map[string]protocol.Factory{"refusal": refuse, "panic": fail} {
		t.Run(name, func(t *testing.T) {
			g := &gate{}
			total := &policies.TotalLimit{Factory: f, Max: 1}
			total.PauseAtLimit(g)
			peer := &policies.PeerLimit{Factory: total, Max: 1}
			func() {
				defer func() { _ = recover() }()
				peer.BuildProtocol(addr)
			}()
			want(t, "TotalLimit.Open", total.Open(), 0)
			want(t, "PeerLimit.Open", peer.Open(addr), 0)
			if told := []string{"pause", "resume"}; !slices.Equal(g.told, told) {
				t.Errorf("the listener was told %q, want %q", g.told, told)
			}
		})
	}
}

// angry panics in ConnectionLost.
type angry struct{ protocol.Base }

func (*angry) DataReceived([]byte)  {}
func (*angry) ConnectionLost(error) { panic("already?") }

func TestAPanicInConnectionLostIsCountedAllTheSame(t *testing.T) {
	l := &policies.TotalLimit{Factory: build(&angry{}), Max: 1}
	p := accept(l, addr)
	expectPanic(t, func() { p.ConnectionLost(protocol.ErrConnectionDone) })
	want(t, "Open", l.Open(), 0)
}

func TestTotalLimitOfNothing(t *testing.T) {
	unlimited := &policies.TotalLimit{Factory: &recorders{}}
	for range 100 {
		accept(unlimited, addr)
	}
	want(t, "Open without a limit", unlimited.Open(), 100)

	g := &gate{}
	closed := &policies.TotalLimit{Factory: &recorders{}, Max: -1}
	closed.PauseAtLimit(g)
	if p := accept(closed, addr); p != nil {
		t.Error("a connection was let in")
	}
	if told := []string{"pause"}; !slices.Equal(g.told, told) {
		t.Errorf("the listener was told %q, want %q", g.told, told)
	}
}

func TestOverflowOfTotalLimit(t *testing.T) {
	sorry := &recorders{}
	l := &policies.TotalLimit{Factory: &recorders{}, Max: 1, Overflow: sorry}
	first := accept(l, addr)
	over := accept(l, addr)
	want(t, "overflow protocols", len(sorry.made), 1)
	want(t, "Open, overflow included", l.Open(), 2)
	first.ConnectionLost(protocol.ErrConnectionDone)
	over.ConnectionLost(protocol.ErrConnectionDone)
	want(t, "Open at the end", l.Open(), 0)
}

// TestTotalLimitKeepsCount compares with a plain number, whatever happens, and
// checks that the listener is paused exactly at the limit.
func TestTotalLimitKeepsCount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.IntRange(1, 5).Draw(t, "max")
		inner := &recorders{}
		var next protocol.Factory
		g := &gate{}
		l := &policies.TotalLimit{Max: most, Factory: protocol.FactoryFunc(func(a net.Addr) protocol.Protocol {
			return next.BuildProtocol(a)
		})}
		l.PauseAtLimit(g)
		var open []protocol.Protocol
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "leave") && len(open) > 0 {
				i := rapid.IntRange(0, len(open)-1).Draw(t, "who")
				open[i].ConnectionLost(protocol.ErrConnectionDone)
				open = slices.Delete(open, i, i+1)
			} else {
				next = rapid.SampledFrom([]protocol.Factory{inner, refuse, fail}).Draw(t, "factory")
				func() {
					defer func() { _ = recover() }()
					if p := accept(l, addr); p != nil {
						open = append(open, p)
					}
				}()
			}
			if l.Open() != len(open) {
				t.Fatalf("Open is %d, there are %d", l.Open(), len(open))
			}
			paused := len(g.told) > 0 && g.told[len(g.told)-1] == "pause"
			if paused != (len(open) >= most) {
				t.Fatalf("paused: %v with %d of %d", paused, len(open), most)
			}
		}
	})
}

func TestPeerLimit(t *testing.T) {
	tcp := func(ip string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(ip), Port: 9} }
	inner, sorry := &recorders{}, &recorders{}
	l := &policies.PeerLimit{Factory: inner, Max: 2}
	first := accept(l, tcp("192.0.2.7"))
	accept(l, tcp("192.0.2.7"))
	if p := accept(l, tcp("::ffff:192.0.2.7")); p != nil {
		t.Error("the third of a peer was let in")
	}
	if p := accept(l, tcp("192.0.2.8")); p == nil {
		t.Error("another peer was turned away")
	}
	l.Overflow = sorry
	over := accept(l, tcp("192.0.2.7"))
	want(t, "overflow protocols", len(sorry.made), 1)
	want(t, "the peer's connections", l.Open(tcp("192.0.2.7")), 2)
	over.ConnectionLost(protocol.ErrConnectionDone)
	want(t, "the peer's connections without the overflow", l.Open(tcp("192.0.2.7")), 2)
	first.ConnectionLost(protocol.ErrConnectionDone)
	want(t, "the peer's connections without one", l.Open(tcp("192.0.2.7")), 1)
}

func TestPeerLimitLimitsNobody(t *testing.T) {
	cases := []struct {
		name  string
		limit policies.PeerLimit
		from  net.Addr
	}{
		{"without a limit", policies.PeerLimit{}, addr},
		{"without a name", policies.PeerLimit{Max: 1}, &net.UnixAddr{Name: "@x", Net: "unix"}},
		{"by its own key", policies.PeerLimit{Max: 1, Key: func(net.Addr) string { return "" }}, addr},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			tc.limit.Factory = &recorders{}
			for range 3 {
				if accept(&tc.limit, tc.from) == nil {
					t.Error("turned away")
				}
			}
		})
	}
}

func TestPeerKey(t *testing.T) {
	cases := []struct {
		name string
		addr net.Addr
		want string
	}{
		{"IPv4", &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1).To4(), Port: 1}, "192.0.2.1"},
		{"IPv4 on an IPv6 socket", &net.TCPAddr{IP: net.ParseIP("::ffff:192.0.2.1")}, "192.0.2.1"},
		{"IPv6 by network", &net.TCPAddr{IP: net.ParseIP("2001:db8::1:2:3:4")}, "2001:db8::/64"},
		{"IPv6 with a zone", &net.TCPAddr{IP: net.ParseIP("fe80::1"), Zone: "eth0"}, "fe80::/64"},
		{"UDP", &net.UDPAddr{IP: net.IPv4(192, 0, 2, 1)}, "192.0.2.1"},
		{"UNIX", &net.UnixAddr{Name: "/run/x", Net: "unix"}, ""},
		{"none", nil, ""},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) { want(t, "key", policies.PeerKey(tc.addr), tc.want) })
	}
}
