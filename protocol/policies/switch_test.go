package policies_test

import (
	"bytes"
	"fmt"
	"net"
	"testing"

	"pgregory.net/rapid"

	"skein/protocol"
	"skein/protocol/policies"
	"skein/protocol/protocoltest"
)

// switched connects a Switch that first drives to a peer, not yet pumped.
func switched(first protocol.Protocol) (*policies.Switch, *protocoltest.HalfRecorder, *protocoltest.Pair) {
	s, peer := policies.NewSwitch(first), &protocoltest.HalfRecorder{}
	return s, peer, protocoltest.NewPair(peer, s)
}

func TestSwitchHandsOverInsideACallback(t *testing.T) {
	first, next := &protocoltest.Recorder{}, &protocoltest.Recorder{}
	s, peer, pair := switched(first)
	first.OnData = func(data []byte) {
		if err := s.To(next, data[2:]); err != nil {
			t.Error(err)
		}
		want(t, "calls to the next from inside the old", len(next.Calls()), 0)
		want(t, "Current until the callback returns", s.Current(), protocol.Protocol(first))
	}
	peer.OnMade = func() { _, _ = peer.Transport.Write([]byte("1;rest")) }
	next.OnData = func(data []byte) { _, _ = next.Transport.Write(data) }
	pair.Pump()
	_, _ = peer.Transport.Write([]byte(" and more"))
	pair.Pump()
	peer.Transport.LoseWriteConnection()
	pair.Pump()
	expectCalls(t, "the old", first, "MakeConnection", "ConnectionMade", `DataReceived("1;rest")`)
	expectCalls(t, "the next", next, "MakeConnection", "ConnectionMade", `DataReceived("rest")`,
		`DataReceived(" and more")`, "ConnectionLost(connection was closed cleanly)")
	want(t, "what the peer got", string(peer.Received()), "rest and more")
	want(t, "Current", s.Current(), protocol.Protocol(next))
}

func TestSwitchHandsOverFromOutside(t *testing.T) {
	first, next := &protocoltest.Recorder{}, &protocoltest.Recorder{}
	s, _, pair := switched(first)
	pair.Pump()
	if err := s.To(next, nil); err != nil {
		t.Fatal(err)
	}
	expectCalls(t, "the next", next, "MakeConnection", "ConnectionMade")
	want(t, "the transports are one", next.Transport, first.Transport)
}

func TestSwitchBeforeTheConnectionStands(t *testing.T) {
	first, next := &protocoltest.Recorder{}, &protocoltest.Recorder{}
	s, _, pair := switched(first)
	if err := s.To(next, nil); err != nil {
		t.Fatal(err)
	}
	pair.Pump()
	expectCalls(t, "the old", first, "MakeConnection", "ConnectionMade")
	expectCalls(t, "the next", next, "MakeConnection", "ConnectionMade")
}

func TestSwitchRefuses(t *testing.T) {
	first := &protocoltest.Recorder{}
	s, peer, pair := switched(first)
	pair.Pump()
	expectErr(t, "To(nil)", s.To(nil, nil), policies.ErrNilProtocol)
	peer.Transport.LoseConnection()
	pair.Pump()
	next := &protocoltest.Recorder{}
	expectErr(t, "To after the end", s.To(next, nil), net.ErrClosed)
	expectCalls(t, "the one that came too late", next)
	expectCalls(t, "the first", first, "MakeConnection", "ConnectionMade", "ConnectionLost(connection was closed cleanly)")
	want(t, "the panic", expectPanic(t, func() { policies.NewSwitch(nil) }), any(policies.ErrNilProtocol))
}

func TestUnreadBytesAreNotDeliveredToAClosedConnection(t *testing.T) {
	first, next := &protocoltest.Recorder{}, &protocoltest.Recorder{}
	s, peer, pair := switched(first)
	first.OnData = func(data []byte) { _ = s.To(next, data) }
	next.OnMade = func() { next.Transport.LoseConnection() }
	peer.OnMade = func() { _, _ = peer.Transport.Write([]byte("x")) }
	pair.Pump()
	expectCalls(t, "the next", next, "MakeConnection", "ConnectionMade", "ConnectionLost(connection was closed cleanly)")
}

func TestSwitchAndHalfClose(t *testing.T) {
	one, two := &protocoltest.Recorder{}, &protocoltest.HalfRecorder{}
	cases := []struct {
		name  string
		first protocol.Protocol
		next  protocol.Protocol // takes over from first when the input has ended
		rec   *protocoltest.Recorder
		calls []string
	}{
		{"to one that takes it", two, nil, &two.Recorder, []string{"MakeConnection", "ConnectionMade", "ReadConnectionLost"}},
		{"to one that does not", one, nil, one, []string{"MakeConnection", "ConnectionMade"}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			_, peer, pair := switched(tc.first)
			pair.Pump()
			peer.Transport.LoseWriteConnection()
			for !tc.rec.Transport.Disconnecting() && pair.Step() {
			}
			expectCalls(t, "it", tc.rec, tc.calls...)
			_, closes := tc.first.(protocol.HalfCloser)
			want(t, "closing", tc.rec.Transport.Disconnecting(), !closes)
		})
	}
}

func TestTheEndOfInputIsToldToTheNextAsWell(t *testing.T) {
	first, next := &protocoltest.HalfRecorder{}, &protocoltest.HalfRecorder{}
	s, peer, pair := switched(first)
	next.OnMade = func() { next.Transport.LoseWriteConnection() }
	pair.Pump()
	peer.Transport.LoseWriteConnection()
	pair.Pump()
	_ = s.To(next, nil)
	pair.Pump()
	expectCalls(t, "the next", &next.Recorder, "MakeConnection", "ConnectionMade", "ReadConnectionLost",
		"WriteConnectionLost", "ConnectionLost(connection was closed cleanly)")
}

func TestAPanicWhileHandingOver(t *testing.T) {
	first, next := &protocoltest.Recorder{}, &protocoltest.Recorder{}
	s, _, pair := switched(first)
	pair.Pump()
	next.OnMade = func() { panic("not me") }
	want(t, "the panic", expectPanic(t, func() { _ = s.To(next, nil) }), any("not me"))
	pair.Pump()
	expectErr(t, "the reason", next.Reason(), protocol.ErrConnectionAborted, policies.ErrPanicked)
	want(t, "the old one hears of it", first.Lost(), false)
}

// relay reads n bytes and hands the rest over.
type relay struct {
	protocol.Base
	line *policies.Switch
	left int
	got  []byte
	next func() protocol.Protocol
}

func (r *relay) DataReceived(data []byte) {
	n := min(len(data), r.left)
	r.got = append(r.got, data[:n]...)
	if r.left -= n; r.left == 0 {
		_ = r.line.To(r.next(), data[n:])
	}
}

// TestAnyChainOfSwitchesLosesNothing hands over at any points, with the bytes
// cut in any way.
func TestAnyChainOfSwitchesLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.IntRange(1, 9), 1, 8).Draw(t, "parts")
		chunk := rapid.IntRange(1, 12).Draw(t, "chunk")
		var s *policies.Switch
		last := &protocoltest.Recorder{}
		var relays []*relay
		next := func() protocol.Protocol { return last }
		sum := 0
		for i := len(parts) - 1; i >= 0; i-- {
			then := next
			r := &relay{left: parts[i], next: then}
			relays = append([]*relay{r}, relays...)
			next = func() protocol.Protocol { r.line = s; return r }
			sum += parts[i]
		}
		s = policies.NewSwitch(next())
		relays[0].line = s
		peer := &protocoltest.Recorder{}
		poem := count(sum + 10)
		peer.OnMade = func() { _, _ = peer.Transport.Write(poem); peer.Transport.LoseConnection() }
		pair := protocoltest.NewPair(peer, s)
		pair.Chunk = protocoltest.Fixed(chunk)
		pair.Pump()
		var all []byte
		for i, r := range relays {
			if len(r.got) != parts[i] {
				t.Fatalf("relay %d got %d bytes, want %d", i, len(r.got), parts[i])
			}
			all = append(all, r.got...)
		}
		if all = append(all, last.Received()...); !bytes.Equal(all, poem) {
			t.Fatalf("got %x, want %x", all, poem)
		}
		if !last.Lost() || last.Err() != nil {
			t.Fatalf("the last one: lost %t, %v", last.Lost(), last.Err())
		}
	})
}

func TestSniffer(t *testing.T) {
	const enough = "GET / HTTP/1.1\r\n"
	cases := []struct {
		name  string
		sent  string
		chunk int
		max   int
		want  string // the protocol that gets it; "": refused
	}{
		{"at once", enough, 100, 0, "http"},
		{"byte by byte", enough, 1, 0, "http"},
		{"another", "27:netstring,", 1, 0, "netstring"},
		{"nobody's", "\x16\x03\x01", 1, 0, ""},
		{"the bound is the last chance", "GEX and more", 1, 2, "last"},
		{"the end of input is the last chance", "GE", 1, 0, "last"},
		{"nothing at all", "", 1, 0, ""},
		{"chosen, and refused by its factory", "refuse", 10, 0, ""},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			built := map[string]*protocoltest.Recorder{}
			f := &policies.Sniffer{Max: tc.max, Choose: func(first []byte, last bool) (protocol.Factory, bool) {
				if tc.max > 0 && len(first) > tc.max {
					t.Errorf("shown %d bytes, the bound is %d", len(first), tc.max)
				}
				return choose(built, first, last)
			}}
			peer := &protocoltest.HalfRecorder{}
			peer.OnMade = func() {
				_, _ = peer.Transport.Write([]byte(tc.sent))
				peer.Transport.LoseWriteConnection()
			}
			pair := protocoltest.NewPair(peer, f.BuildProtocol(addr))
			pair.Chunk = protocoltest.Fixed(tc.chunk)
			pair.Pump()
			want(t, "protocols built", len(built), min(len(tc.want), 1))
			if p := built[tc.want]; p != nil {
				want(t, tc.want+" got", string(p.Received()), tc.sent)
				want(t, "its ConnectionLost", p.Lost(), true)
				expectSound(t, tc.want, p)
			}
			want(t, "over", peer.Lost(), true)
		})
	}
}

// choose is a Choose that knows two protocols by their first bytes, and takes
// anything that begins like the first in the end.
func choose(built map[string]*protocoltest.Recorder, first []byte, last bool) (protocol.Factory, bool) {
	known := func(name string) (protocol.Factory, bool) {
		return protocol.FactoryFunc(func(net.Addr) protocol.Protocol {
			built[name] = &protocoltest.Recorder{}
			return built[name]
		}), false
	}
	switch {
	case bytes.HasPrefix(first, []byte("GET ")):
		return known("http")
	case first[0] >= '0' && first[0] <= '9':
		return known("netstring")
	case first[0] == 'r':
		return refuse, false
	case first[0] != 'G':
		return nil, false
	case last:
		return known("last")
	}
	return nil, true
}

func TestSnifferRefusesWithACause(t *testing.T) {
	f := &policies.Sniffer{Choose: func([]byte, bool) (protocol.Factory, bool) { return nil, false }}
	tr := protocoltest.NewStringTransport()
	p := f.BuildProtocol(addr)
	connect(p, tr)
	p.DataReceived([]byte("?"))
	expectErr(t, "the cause", tr.Cause(), policies.ErrNotRecognized)
	p.ConnectionLost(fmt.Errorf("%w", protocol.ErrConnectionDone))
}
