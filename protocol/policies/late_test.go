package policies_test

import (
	"testing"

	"skein/deferred/clock"
	"skein/protocol"
	"skein/protocol/policies"
	"skein/protocol/protocoltest"
)

// overtaken has a protocol take over at the peer's end of input, with one byte
// unread, in which it pauses.
func overtaken(next *protocoltest.HalfRecorder) (c *clock.Fake, peer *protocoltest.HalfRecorder, pair *protocoltest.Pair) {
	c = clock.NewFake()
	first := &protocoltest.HalfRecorder{}
	s, peer, pair := switched(first)
	s.Clock = c
	first.OnReadLost = func() { _ = s.To(next, []byte("x")) }
	next.OnData = func([]byte) { next.Transport.PauseProducing() }
	peer.OnMade = func() { peer.Transport.LoseWriteConnection() }
	pair.Pump()
	return c, peer, pair
}

func TestTheEndWaitsForAProtocolThatHasPaused(t *testing.T) {
	begin := []string{"MakeConnection", "ConnectionMade", `DataReceived("x")`}
	next := &protocoltest.HalfRecorder{}
	c, peer, pair := overtaken(next)
	pass(c, 0, pair)
	expectCalls(t, "paused, it", &next.Recorder, begin...)
	next.Transport.ResumeProducing()
	expectCalls(t, "inside ResumeProducing, it", &next.Recorder, begin...)
	next.Transport.PauseProducing()
	pass(c, 0, pair)
	expectCalls(t, "paused again, it", &next.Recorder, begin...)
	next.Transport.ResumeProducing()
	next.Transport.ResumeProducing()
	pass(c, 0, pair)
	expectCalls(t, "resumed, it", &next.Recorder, append(begin, "ReadConnectionLost")...)
	next.Transport.PauseProducing()
	next.Transport.ResumeProducing()
	_, _ = next.Transport.Write([]byte("bye"))
	pass(c, 0, pair)
	want(t, "times that the end was told", len(next.Calls()), 4)
	want(t, "what the peer got", string(peer.Received()), "bye")
}

func TestNoEndFollowsTheConnectionsEnd(t *testing.T) {
	ends := map[string]func(t protocol.Transport){
		"LoseConnection":  protocol.Transport.LoseConnection,
		"AbortConnection": protocol.Transport.AbortConnection,
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			next := &protocoltest.HalfRecorder{}
			c, peer, pair := overtaken(next)
			peer.Transport.LoseConnection()
			next.Transport.ResumeProducing()
			end(next.Transport)
			pass(c, 0, pair)
			want(t, "over", next.Lost(), true)
			want(t, "calls", len(next.Calls()), 4) // no ReadConnectionLost
			want(t, "timers", c.Pending(), 0)
			next.Transport.ResumeProducing()
			want(t, "timers afterwards", c.Pending(), 0)
		})
	}
}

func TestOneThatTakesOverLateHasThePowersOfTheTransport(t *testing.T) {
	c, tr := clock.NewFake(), protocoltest.NewStringTransport()
	first, next := &protocoltest.HalfRecorder{}, &protocoltest.HalfRecorder{}
	s := policies.NewSwitch(first)
	s.Clock = c
	f := &policies.TimeoutFactory{Clock: c, Handshake: 1, HandshakeByProtocol: true, Factory: build(s)}
	p := f.BuildProtocol(addr)
	connect(p, &tcpTransport{StringTransport: tr})
	first.OnReadLost = func() { _ = s.To(next, nil) }
	p.(protocol.HalfCloser).ReadConnectionLost()
	expectCalls(t, "it", &next.Recorder, "MakeConnection", "ConnectionMade", "ReadConnectionLost")
	_, ok := next.Transport.(protocol.TCPOptions)
	want(t, "TCPOptions", ok, true)
	policies.HandshakeDone(next.Transport)
	want(t, "timers after HandshakeDone", c.Pending(), 0)
}
