package reactor_test

import (
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"skein/protocol"
	"skein/reactor"
	"skein/reactor/reactortest"
)

// chaos is a reactor with connectors to which random things happen, at random
// times and from inside their callbacks.
type chaos struct {
	t    *testing.T
	m    *reactortest.MemoryReactor
	rng  *rand.Rand
	all  []*victim
	left int // deeds, so that it ends
	over bool
}

// victim is one of them, and its factory. It checks the order of what it is told.
type victim struct {
	*chaos
	k     protocol.Connector
	phase string // what it was told last
	begun int    // how often Connect has begun an attempt
	ended int    // attempts
}

// The addresses: one that never answers, one that refuses, one that serves.
const chaosHole, chaosClosed, chaosGood = "10.1.0.1", "10.2.0.1", "10.2.0.2"

// told notes what the victim is told, which has to come behind one of the phases
// before, and in a state.
func (v *victim) told(phase string, state protocol.ConnectorState, before ...string) {
	ok := false
	for _, b := range before {
		ok = ok || b == v.phase
	}
	if !ok || v.k.State() != state {
		v.t.Errorf("%s comes behind %q, and in state %v", phase, v.phase, v.k.State())
	}
	v.phase = phase
	if v.rng.IntN(3) == 0 {
		v.deed()
	}
}

func (v *victim) StartedConnecting(protocol.Connector) {
	v.told("started", protocol.Connecting, "", "failed", "lost")
}

func (v *victim) BuildProtocol(net.Addr) protocol.Protocol {
	v.ended++
	v.told("built", protocol.Connected, "started")
	if v.rng.IntN(4) == 0 {
		return nil
	}
	return &proto{made: func(p *proto) {
		if v.rng.IntN(2) == 0 {
			p.Transport.LoseConnection()
		}
	}}
}

func (v *victim) ClientConnectionFailed(_ protocol.Connector, reason error) {
	v.ended++
	if e := (*protocol.ConnectError)(nil); !errors.As(reason, &e) || e.Err == nil {
		v.t.Errorf("failed for %v", reason)
	}
	v.told("failed", protocol.Disconnected, "started")
}

func (v *victim) ClientConnectionLost(protocol.Connector, error) {
	v.told("lost", protocol.Disconnected, "built")
}

// deed does something to a connector, and checks what is said to that.
func (c *chaos) deed() {
	v := c.all[c.rng.IntN(len(c.all))]
	if c.left--; c.left < 0 {
		return
	}
	state := v.k.State()
	var err, expected error
	switch c.rng.IntN(4) {
	case 0:
		if err = v.k.StopConnecting(); state != protocol.Connecting {
			expected = protocol.ErrNotConnecting
		}
	case 1:
		v.k.Disconnect()
	case 2:
		if ips := []string{chaosHole, chaosClosed, chaosGood}; state == protocol.Connecting && v.phase == "started" && v.ended < v.begun {
			ip := netip.MustParseAddr(ips[c.rng.IntN(3)])
			c.m.CallFromThread(func() {
				if v.k.State() == protocol.Connecting && v.phase == "started" {
					reactor.Found(v.k, ip, netip.MustParseAddr(chaosHole), ip)
				}
			})
		}
	default:
		switch err = v.k.Connect(); {
		case errors.Is(err, reactor.ErrStopped) && c.over:
			err = nil
		case state != protocol.Disconnected:
			expected = protocol.ErrNotDisconnected
		default:
			v.begun++
		}
	}
	if !errors.Is(err, expected) {
		c.t.Errorf("in state %v: %v, want %v", state, err, expected)
	}
}

// TestConnectorsInChaos: whatever happens, an attempt begins and ends once, and the
// reactor is told when all are over.
func TestConnectorsInChaos(t *testing.T) {
	for seed := range uint64(300) {
		m := reactortest.NewMemory(reactor.WithLogger(zerolog.Nop()))
		c := &chaos{t: t, m: m, rng: rand.New(rand.NewPCG(seed, 7)), left: 200}
		m.BlackHole("10.1.0.0/16")
		if _, err := m.ListenTCP(chaosGood+":80", build(echo)); err != nil {
			t.Fatal(err)
		}
		for range 6 {
			v := &victim{chaos: c, begun: 1}
			c.all = append(c.all, v)
			timeout := []time.Duration{0, time.Millisecond, 300 * time.Millisecond, time.Hour}[c.rng.IntN(4)]
			host := []string{chaosHole, chaosClosed, chaosGood}[c.rng.IntN(3)]
			v.k = m.ConnectTCP(host+":80", v, reactor.ConnectTimeout(timeout))
		}
		for range 100 {
			m.CallLater(time.Duration(c.rng.IntN(2000))*time.Millisecond, c.deed)
			m.CallLater(time.Duration(c.rng.IntN(100))*time.Microsecond, c.deed)
		}
		m.CallLater(time.Duration(c.rng.IntN(2000))*time.Millisecond, func() { c.over = true; _ = m.Stop() })
		if err := m.Run(); err != nil {
			t.Fatal(err)
		}
		for i, v := range c.all {
			if v.begun != v.ended || v.k.State() != protocol.Disconnected {
				t.Errorf("connector %d: %d attempts have begun, %d ended, state %v", i, v.begun, v.ended, v.k.State())
			}
		}
		if n := reactor.Attempts(m.Reactor); n != 0 || t.Failed() {
			t.Fatalf("seed %d, %d attempts are left", seed, n)
		}
	}
}
