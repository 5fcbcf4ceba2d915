package policies_test

import (
	"bytes"
	"net"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"skein/deferred/clock"
	"skein/protocol"
	"skein/protocol/policies"
	"skein/protocol/protocoltest"
)

// pass lets d go by, timer by timer, and pumps the pairs after each.
func pass(c *clock.Fake, d time.Duration, pairs ...*protocoltest.Pair) {
	end := c.Now().Add(d)
	for {
		for _, p := range pairs {
			p.Pump()
		}
		at, ok := c.Next()
		if !ok || at.After(end) {
			c.Advance(end.Sub(c.Now()))
			return
		}
		c.Advance(at.Sub(c.Now()))
	}
}

// count returns n bytes that differ from place to place.
func count(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i * 7 >> 2)
	}
	return b
}

// slowed connects a Recorder behind the limits to another.
func slowed(f *policies.ThrottlingFactory) (c *clock.Fake, inner, peer *protocoltest.Recorder, pair *protocoltest.Pair) {
	inner, peer = &protocoltest.Recorder{}, &protocoltest.Recorder{}
	if f.Clock == nil {
		f.Clock = clock.NewFake()
	}
	f.Factory = build(inner)
	pair = protocoltest.NewPair(peer, f.BuildProtocol(addr))
	pair.Pump()
	return f.Clock.(*clock.Fake), inner, peer, pair
}

func TestThrottledDirections(t *testing.T) {
	rate := policies.Rate{BytesPerSecond: 1000, Burst: 50}
	cases := []struct {
		name    string
		limits  policies.ThrottlingFactory
		outward bool
		perS    int
		burst   int
	}{
		{"write each", policies.ThrottlingFactory{WriteEach: rate}, true, 1000, 50},
		{"write together", policies.ThrottlingFactory{Write: rate}, true, 1000, 50},
		{"read each", policies.ThrottlingFactory{ReadEach: rate}, false, 1000, 50},
		{"read together", policies.ThrottlingFactory{Read: rate}, false, 1000, 50},
		{"the lower of the two", policies.ThrottlingFactory{Read: policies.Rate{BytesPerSecond: 5000}, ReadEach: rate}, false, 1000, 50},
		{"the default burst", policies.ThrottlingFactory{ReadEach: policies.Rate{BytesPerSecond: 1000}}, false, 1000, 100},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			c, inner, peer, pair := slowed(&tc.limits)
			from, to := peer, inner
			if tc.outward {
				from, to = inner, peer
			}
			_, _ = from.Transport.Write(count(5000))
			from.Transport.LoseConnection()
			began := c.Now()
			for s := 0; s < 4; s++ {
				pass(c, time.Second, pair)
				got, most := len(to.Received()), tc.burst+int(c.Now().Sub(began).Seconds()*float64(tc.perS))
				if got > most || got < most-tc.burst {
					t.Errorf("after %v: %d bytes, want at most %d and a burst less", c.Now().Sub(began), got, most)
				}
				want(t, "open", to.Lost(), false)
			}
			pass(c, time.Minute, pair)
			want(t, "everything came, in order", bytes.Equal(to.Received(), count(5000)), true)
			expectErr(t, "the reason", to.Reason(), protocol.ErrConnectionDone)
			want(t, "timers when all is over", c.Pending(), 0)
			expectSound(t, "the receiver", to)
		})
	}
}

func TestNoTimerWhenIdle(t *testing.T) {
	rate := policies.Rate{BytesPerSecond: 1000}
	c, inner, peer, pair := slowed(&policies.ThrottlingFactory{Read: rate, Write: rate, ReadEach: rate, WriteEach: rate})
	want(t, "timers before anything", c.Pending(), 0)
	_, _ = inner.Transport.Write(count(100)) // the burst
	_, _ = peer.Transport.Write(count(100))
	pair.Pump()
	want(t, "timers within the burst", c.Pending(), 0)
	_, _ = inner.Transport.Write(count(1))
	want(t, "timers beyond it", c.Pending(), 1)
	pass(c, time.Second, pair)
	want(t, "timers afterwards", c.Pending(), 0)
	want(t, "bytes that came", len(peer.Received()), 101)
}

func TestThrottlingTogetherIsFair(t *testing.T) {
	cases := []struct {
		name    string
		limits  policies.ThrottlingFactory
		outward bool
	}{
		{"writing", policies.ThrottlingFactory{Write: policies.Rate{BytesPerSecond: 100_000}}, true},
		{"reading", policies.ThrottlingFactory{Read: policies.Rate{BytesPerSecond: 100_000}}, false},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			const crowd = 20
			f := tc.limits
			var pairs []*protocoltest.Pair
			var to []*protocoltest.Recorder
			for range crowd {
				_, inner, peer, pair := slowed(&f)
				from, dst := peer, inner
				if tc.outward {
					from, dst = inner, peer
				}
				_, _ = from.Transport.Write(make([]byte, 1<<20))
				pairs, to = append(pairs, pair), append(to, dst)
			}
			c := f.Clock.(*clock.Fake)
			pass(c, 10*time.Second, pairs...)
			least, most, sum := 1<<30, 0, 0
			for _, r := range to {
				n := len(r.Received())
				least, most, sum = min(least, n), max(most, n), sum+n
			}
			if most-least > 12_000 { // the first took the whole burst
				t.Errorf("one got %d bytes, another %d", least, most)
			}
			if sum > 1_010_000 || sum < 990_000 {
				t.Errorf("all got %d bytes in 10 s, want 1,000,000 and a burst", sum)
			}
			for _, p := range pairs {
				p.Client.AbortConnection()
				p.Pump()
			}
			want(t, "timers when all have left", c.Pending(), 0)
		})
	}
}

// TestThrottlingKeepsBytesInOrderAndBounds tries any writes, pauses and rates.
func TestThrottlingKeepsBytesInOrderAndBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := policies.Rate{
			BytesPerSecond: rapid.IntRange(1, 5000).Draw(t, "rate"),
			Burst:          rapid.IntRange(0, 3000).Draw(t, "burst"),
		}
		burst := rate.Burst
		if burst == 0 {
			burst = max(rate.BytesPerSecond/10, 1)
		}
		f := &policies.ThrottlingFactory{ReadEach: rate, WriteEach: rate}
		c, inner, peer, pair := slowed(f)
		began := c.Now()
		var out, in []byte
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			p := count(rapid.IntRange(0, 2000).Draw(t, "size"))
			switch rapid.IntRange(0, 6).Draw(t, "do") {
			case 0:
				_, _ = inner.Transport.Write(p)
				out = append(out, p...)
			case 1:
				_ = inner.Transport.WriteShared(p)
				out = append(out, p...)
			case 2:
				_ = inner.Transport.WriteSequence([][]byte{p, nil, p})
				out = append(append(out, p...), p...)
			case 3:
				_, _ = peer.Transport.Write(p)
				in = append(in, p...)
			case 4:
				inner.Transport.PauseProducing()
			case 5:
				inner.Transport.ResumeProducing()
			}
			pass(c, time.Duration(rapid.IntRange(0, 2000).Draw(t, "ms"))*time.Millisecond, pair)
			most := burst + int(int64(rate.BytesPerSecond)*int64(c.Now().Sub(began))/int64(time.Second))
			if n := len(peer.Received()); n > most || !bytes.Equal(peer.Received(), out[:n]) {
				t.Fatalf("%d bytes written came, at most %d should, or not in order", n, most)
			}
			if n := len(inner.Received()); n > most || !bytes.Equal(inner.Received(), in[:n]) {
				t.Fatalf("%d bytes read came, at most %d should, or not in order", n, most)
			}
		}
		inner.Transport.ResumeProducing()
		pass(c, 30*time.Hour, pair)
		if !bytes.Equal(peer.Received(), out) || !bytes.Equal(inner.Received(), in) {
			t.Fatalf("at the end %d of %d and %d of %d bytes", len(peer.Received()), len(out), len(inner.Received()), len(in))
		}
		if n := c.Pending(); n > 0 {
			t.Fatalf("%d timers when all has come", n)
		}
		if err := inner.Err(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestAReadIsHeldWhileTheProtocolPauses(t *testing.T) {
	c, inner, peer, pair := slowed(&policies.ThrottlingFactory{ReadEach: policies.Rate{BytesPerSecond: 100, Burst: 10}})
	inner.OnData = func([]byte) { inner.Transport.PauseProducing() }
	_, _ = peer.Transport.Write(count(25))
	pass(c, time.Hour, pair)
	want(t, "bytes before the pause", len(inner.Received()), 10)
	inner.OnData = nil
	inner.Transport.ResumeProducing()
	want(t, "bytes inside ResumeProducing", len(inner.Received()), 10)
	pass(c, 0, pair)
	want(t, "bytes at once", len(inner.Received()), 20)
	pass(c, time.Hour, pair)
	want(t, "bytes at the end", len(inner.Received()), 25)
}

func TestNothingIsDeliveredAfterLoseConnection(t *testing.T) {
	c, inner, peer, pair := slowed(&policies.ThrottlingFactory{ReadEach: policies.Rate{BytesPerSecond: 100, Burst: 10}})
	inner.OnData = func([]byte) { inner.Transport.LoseConnection() }
	_, _ = peer.Transport.Write(count(25))
	pass(c, time.Hour, pair)
	want(t, "bytes", len(inner.Received()), 10)
	want(t, "timers", c.Pending(), 0)
	want(t, "over", inner.Lost() && peer.Lost(), true)
}

// TestAQueuedReplySurvivesTheClientsHalfClose has the transport close by itself
// while the reply still waits for tokens.
func TestAQueuedReplySurvivesTheClientsHalfClose(t *testing.T) {
	f := &policies.ThrottlingFactory{Clock: clock.NewFake(), WriteEach: policies.Rate{BytesPerSecond: 100}}
	inner, peer := &protocoltest.Recorder{}, &protocoltest.HalfRecorder{}
	inner.OnMade = func() { _ = inner.Transport.WriteShared(count(1000)) }
	peer.OnMade = func() { peer.Transport.LoseWriteConnection() }
	f.Factory = build(inner)
	pair := protocoltest.NewPair(peer, f.BuildProtocol(addr))
	pair.Pump()
	want(t, "closing", inner.Transport.Disconnecting(), true)
	_, err := inner.Transport.Write([]byte("late"))
	expectErr(t, "a write after the end of input", err, net.ErrClosed)
	pass(f.Clock.(*clock.Fake), time.Minute, pair)
	want(t, "the reply is whole", bytes.Equal(peer.Received(), count(1000)), true)
}

func TestThrottledWritesComeTooLate(t *testing.T) {
	cases := []struct {
		name string
		end  func(protocol.Transport)
	}{
		{"after LoseConnection", protocol.Transport.LoseConnection},
		{"after LoseWriteConnection", protocol.Transport.LoseWriteConnection},
		{"after AbortConnection", protocol.Transport.AbortConnection},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			_, inner, _, _ := slowed(&policies.ThrottlingFactory{WriteEach: policies.Rate{BytesPerSecond: 100}})
			tr := inner.Transport
			_, _ = tr.Write(count(1000))
			tc.end(tr)
			_, err := tr.Write([]byte("x"))
			expectErr(t, "Write", err, net.ErrClosed)
			expectErr(t, "WriteSequence", tr.WriteSequence([][]byte{{1}}), net.ErrClosed)
			expectErr(t, "WriteShared", tr.WriteShared([]byte{1}), net.ErrClosed)
			p := &sip{}
			expectErr(t, "RegisterProducer", tr.RegisterProducer(p, true), net.ErrClosed)
			want(t, "the producer was stopped", slices.Equal(p.told, []string{"stop"}), true)
		})
	}
}

// onePiece is a pull producer of n pieces.
type onePiece struct {
	t     protocol.Transport
	piece []byte
	left  int
}

func (p *onePiece) StopProducing() {}

func (p *onePiece) ResumeProducing() {
	_, _ = p.t.Write(p.piece)
	if p.left--; p.left == 0 {
		p.t.UnregisterProducer()
	}
}

func TestAThrottledPullProducer(t *testing.T) {
	c, inner, peer, pair := slowed(&policies.ThrottlingFactory{WriteEach: policies.Rate{BytesPerSecond: 1000}})
	p := &onePiece{t: inner.Transport, piece: count(500), left: 10}
	if err := inner.Transport.RegisterProducer(p, false); err != nil {
		t.Fatal(err)
	}
	want(t, "pieces inside RegisterProducer", p.left, 10)
	inner.Transport.LoseConnection() // waits for the producer
	pass(c, 2*time.Second, pair)
	if n := len(peer.Received()); n < 2000 || n > 2100 {
		t.Errorf("%d bytes after 2 s", n)
	}
	pass(c, time.Minute, pair)
	want(t, "bytes", len(peer.Received()), 5000)
	want(t, "over", inner.Lost(), true)
	want(t, "timers", c.Pending(), 0)
}

func TestAThrottledPushProducerIsPaused(t *testing.T) {
	c, inner, _, pair := slowed(&policies.ThrottlingFactory{WriteEach: policies.Rate{BytesPerSecond: 10_000}})
	p := &sip{}
	_ = inner.Transport.RegisterProducer(p, true)
	expectErr(t, "one that cannot be paused", inner.Transport.RegisterProducer(&onePiece{}, true), protocol.ErrProducerRegistered)
	_ = inner.Transport.WriteShared(make([]byte, 64<<10))
	want(t, "told up to the mark", len(p.told), 0)
	_, _ = inner.Transport.Write([]byte("x"))
	want(t, "told above it", slices.Equal(p.told, []string{"pause"}), true)
	pass(c, 4800*time.Millisecond, pair)
	want(t, "told above the low mark", len(p.told), 1)
	pass(c, 200*time.Millisecond, pair)
	want(t, "told at the low mark", slices.Equal(p.told, []string{"pause", "resume"}), true)
	pair.Client.AbortConnection()
	pair.Pump()
	want(t, "told at the end", slices.Equal(p.told, []string{"pause", "resume", "stop"}), true)
	want(t, "timers", c.Pending(), 0)
}

func TestAPanicInADelayedDeliveryCostsTheConnection(t *testing.T) {
	f := &policies.ThrottlingFactory{Read: policies.Rate{BytesPerSecond: 1000, Burst: 100}}
	c, bad, badPeer, badPair := slowed(f)
	_, good, goodPeer, goodPair := slowed(f)
	_, _ = badPeer.Transport.Write(count(150))
	badPair.Pump()
	_, _ = goodPeer.Transport.Write(count(150))
	goodPair.Pump()
	bad.OnData = func([]byte) { panic("no more") }
	want(t, "the panic", expectPanic(t, func() { pass(c, time.Minute) }), any("no more"))
	pass(c, time.Minute, badPair, goodPair)
	expectErr(t, "the reason", bad.Reason(), protocol.ErrConnectionAborted, policies.ErrPanicked)
	want(t, "what the other got", len(good.Received()), 150)
}
