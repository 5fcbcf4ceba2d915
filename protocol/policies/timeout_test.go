package policies_test

import (
	"errors"
	"net"
	"testing"
	"time"

	"skein/deferred/clock"
	"skein/protocol"
	"skein/protocol/policies"
	"skein/protocol/protocoltest"
)

var _ net.Error = (*policies.TimeoutError)(nil)

// s is short for the tables below.
const s = time.Second

// timed connects a Recorder behind the rules to a StringTransport.
func timed(rules policies.TimeoutFactory) (*clock.Fake, protocol.Protocol, *protocoltest.Recorder, *protocoltest.StringTransport) {
	c, inner, tr := clock.NewFake(), &protocoltest.Recorder{}, protocoltest.NewStringTransport()
	rules.Clock, rules.Factory = c, build(inner)
	p := rules.BuildProtocol(addr)
	connect(p, tr)
	return c, p, inner, tr
}

// expectTimeout fails the test unless the cause is that timeout.
func expectTimeout(t *testing.T, cause error, kind policies.TimeoutKind, after time.Duration) {
	t.Helper()
	var e *policies.TimeoutError
	if !errors.As(cause, &e) || *e != (policies.TimeoutError{Kind: kind, After: after}) {
		t.Errorf("the cause is %v, want the %v timeout after %v", cause, kind, after)
	}
}

// timeoutCases are the lives that TestTimeouts leads, and how they end.
var timeoutCases = []struct {
	name  string
	rules policies.TimeoutFactory
	live  func(c *clock.Fake, p protocol.Protocol, inner *protocoltest.Recorder, tr *protocoltest.StringTransport)
	kind  policies.TimeoutKind // 0: none is to come
	after time.Duration
}{
	{"idle from the beginning", policies.TimeoutFactory{Idle: 10 * s}, func(c *clock.Fake, _ protocol.Protocol, _ *protocoltest.Recorder, _ *protocoltest.StringTransport) {
		c.Advance(10 * s)
	}, policies.IdleTimeout, 10 * s},
	{"not a moment early", policies.TimeoutFactory{Idle: 10 * s}, func(c *clock.Fake, _ protocol.Protocol, _ *protocoltest.Recorder, _ *protocoltest.StringTransport) {
		c.Advance(10*s - 1)
	}, 0, 0},
	{"reading keeps it alive", policies.TimeoutFactory{Idle: 10 * s}, func(c *clock.Fake, p protocol.Protocol, _ *protocoltest.Recorder, _ *protocoltest.StringTransport) {
		for range 5 {
			c.Advance(9 * s)
			p.DataReceived([]byte("x"))
		}
	}, 0, 0},
	{"writing to a peer that reads keeps it alive", policies.TimeoutFactory{Idle: 10 * s}, func(c *clock.Fake, _ protocol.Protocol, inner *protocoltest.Recorder, _ *protocoltest.StringTransport) {
		for range 5 {
			c.Advance(9 * s)
			_, _ = inner.Transport.Write([]byte("x"))
			_ = inner.Transport.WriteSequence([][]byte{[]byte("y")})
			_ = inner.Transport.WriteShared([]byte("z"))
		}
	}, 0, 0},
	{"writing to a peer that does not read is idleness", policies.TimeoutFactory{Idle: 10 * s}, func(c *clock.Fake, _ protocol.Protocol, inner *protocoltest.Recorder, tr *protocoltest.StringTransport) {
		for range 4 {
			tr.Backlog++ // the write before the first one found no room either
			_, _ = inner.Transport.Write([]byte("x"))
			c.Advance(5 * s / 2)
		}
	}, policies.IdleTimeout, 10 * s},
	{"a slow reader of what was written is not idle", policies.TimeoutFactory{Idle: 10 * s}, func(c *clock.Fake, _ protocol.Protocol, inner *protocoltest.Recorder, tr *protocoltest.StringTransport) {
		_ = inner.Transport.WriteShared(make([]byte, 100))
		for left := 99; left > 50; left-- {
			tr.Backlog = left
			for range 9 {
				c.Advance(s)
			}
		}
	}, 0, 0},
	{"handshake", policies.TimeoutFactory{Handshake: 3 * s}, func(c *clock.Fake, _ protocol.Protocol, inner *protocoltest.Recorder, _ *protocoltest.StringTransport) {
		_, _ = inner.Transport.Write([]byte("who are you?"))
		c.Advance(3 * s)
	}, policies.HandshakeTimeout, 3 * s},
	{"the first data ends the handshake", policies.TimeoutFactory{Handshake: 3 * s}, func(c *clock.Fake, p protocol.Protocol, _ *protocoltest.Recorder, _ *protocoltest.StringTransport) {
		p.DataReceived([]byte("me"))
		c.Advance(time.Hour)
	}, 0, 0},
	{"data is not enough where the protocol decides", policies.TimeoutFactory{Handshake: 3 * s, HandshakeByProtocol: true}, func(c *clock.Fake, p protocol.Protocol, _ *protocoltest.Recorder, _ *protocoltest.StringTransport) {
		p.DataReceived([]byte("me"))
		c.Advance(3 * s)
	}, policies.HandshakeTimeout, 3 * s},
	{"the protocol ends the handshake", policies.TimeoutFactory{Handshake: 3 * s, HandshakeByProtocol: true}, func(c *clock.Fake, _ protocol.Protocol, inner *protocoltest.Recorder, _ *protocoltest.StringTransport) {
		policies.HandshakeDone(inner.Transport)
		c.Advance(time.Hour)
	}, 0, 0},
	{"lifetime, however busy", policies.TimeoutFactory{Idle: 10 * s, Lifetime: 30 * s}, func(c *clock.Fake, p protocol.Protocol, _ *protocoltest.Recorder, _ *protocoltest.StringTransport) {
		for range 6 {
			c.Advance(5 * s)
			p.DataReceived([]byte("x"))
		}
	}, policies.LifetimeTimeout, 30 * s},
	{"no rule", policies.TimeoutFactory{}, func(c *clock.Fake, _ protocol.Protocol, _ *protocoltest.Recorder, _ *protocoltest.StringTransport) {
		c.Advance(1000 * time.Hour)
	}, 0, 0},
}

func TestTimeouts(t *testing.T) {
	for _, tc := range timeoutCases {
		t.Run(tc.name, func(t *testing.T) {
			c, p, inner, tr := timed(tc.rules)
			tc.live(c, p, inner, tr)
			want(t, "closed", tr.Disconnecting(), tc.kind != 0)
			want(t, "aborted", tr.Aborted(), false)
			if tc.kind != 0 {
				expectTimeout(t, tr.Cause(), tc.kind, tc.after)
			}
			p.ConnectionLost(protocol.ErrConnectionDone)
			want(t, "calls that wait after the end", c.Pending(), 0)
		})
	}
}

func TestATimeoutCannotBeDefeatedByAPeerThatDoesNotRead(t *testing.T) {
	cases := []struct {
		name         string
		grace, until time.Duration
	}{
		{"the default grace", 0, policies.DefaultGrace},
		{"a grace of one's own", time.Minute, time.Minute},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			c, p, _, tr := timed(policies.TimeoutFactory{Idle: time.Second, Lifetime: time.Hour, Grace: tc.grace})
			c.Advance(time.Second)
			c.Advance(tc.until - 1)
			want(t, "aborted within the grace", tr.Aborted(), false)
			p.DataReceived([]byte("a last byte in flight"))
			c.Advance(1)
			want(t, "aborted after it", tr.Aborted(), true)
			expectTimeout(t, tr.Cause(), policies.IdleTimeout, time.Second)
			p.ConnectionLost(protocol.ErrConnectionAborted)
			want(t, "calls that wait", c.Pending(), 0)
		})
	}
}

func TestTheReasonCarriesTheTimeout(t *testing.T) {
	c, server, client := clock.NewFake(), &protocoltest.Recorder{}, &protocoltest.Recorder{}
	f := &policies.TimeoutFactory{Factory: build(server), Clock: c, Handshake: time.Second}
	pair := protocoltest.NewPair(client, f.BuildProtocol(addr))
	pair.Pump()
	c.Advance(time.Second)
	pair.Pump()
	expectErr(t, "the reason", server.Reason(), protocol.ErrConnectionDone, net.ErrClosed)
	expectTimeout(t, server.Reason(), policies.HandshakeTimeout, time.Second)
	want(t, "calls that wait", c.Pending(), 0)
}

func TestHandshakeDoneFindsItsTimeout(t *testing.T) {
	c, inner, tr := clock.NewFake(), &protocoltest.Recorder{}, protocoltest.NewStringTransport()
	f := &policies.TimeoutFactory{Clock: c, Handshake: time.Second, HandshakeByProtocol: true,
		Factory: &policies.TrafficLog{Factory: build(inner), Func: func(policies.Traffic) {}}}
	connect(f.BuildProtocol(addr), &tcpTransport{StringTransport: tr})
	policies.HandshakeDone(inner.Transport)
	want(t, "calls that wait", c.Pending(), 0)
	policies.HandshakeDone(tr) // no timeout there, and no panic
}

func TestAnIdleTimeoutAfterAWriteIsLateByAQuarterAtMost(t *testing.T) {
	const idle = 20 * time.Second
	for wrote := time.Duration(0); wrote < idle; wrote += time.Second {
		c, p, inner, tr := timed(policies.TimeoutFactory{Idle: idle})
		c.Advance(wrote)
		p.DataReceived([]byte("x"))
		_, _ = inner.Transport.Write([]byte("x"))
		for !tr.Disconnecting() {
			c.Advance(time.Second / 2)
		}
		silence := c.Now().Sub(clock.NewFake().Now()) - wrote
		if silence < idle || silence > idle*5/4 {
			t.Errorf("a write after %v: closed after %v of silence", wrote, silence)
		}
	}
}

// acknowledging is a transport that knows what its peer has taken.
type acknowledging struct {
	*protocoltest.StringTransport
	inSystem int
}

func (a *acknowledging) Unacknowledged() int { return a.Buffered() + a.inSystem }

// TestASlowPeerIsAlive has the kernel take everything at once and the peer take
// it from there bit by bit, with a wrapper between transport and timeout.
func TestASlowPeerIsAlive(t *testing.T) {
	c, inner := clock.NewFake(), &protocoltest.Recorder{}
	tr := &acknowledging{StringTransport: protocoltest.NewStringTransport()}
	f := &policies.TrafficLog{Func: func(policies.Traffic) {}, Factory: &policies.TimeoutFactory{
		Clock: c, Idle: 10 * time.Second, Factory: build(inner)}}
	connect(f.BuildProtocol(addr), tr)
	_, _ = inner.Transport.Write(make([]byte, 100))
	for tr.inSystem = 100 - tr.Buffered(); tr.inSystem > 0; tr.inSystem -= 10 {
		c.Advance(8 * time.Second)
		want(t, "closed while the peer takes", tr.Disconnecting(), false)
	}
	tr.inSystem = 10
	c.Advance(30 * time.Second)
	want(t, "closed when it has stopped", tr.Disconnecting(), true)
}

func TestTimeoutKindNames(t *testing.T) {
	for kind, name := range map[policies.TimeoutKind]string{policies.IdleTimeout: "idle",
		policies.HandshakeTimeout: "handshake", policies.LifetimeTimeout: "lifetime", 0: "unknown"} {
		want(t, "name", kind.String(), name)
	}
}
