package producers_test

import (
	"bytes"
	"errors"
	"syscall"
	"testing"

	"pgregory.net/rapid"

	"skein/deferred/deferredtest"
	"skein/protocol"
	"skein/protocol/policies"
	"skein/protocol/producers"
	"skein/protocol/protocoltest"
)

// plumbing is a client and a server with a pipe between them:
//
//	client ══ near pair ══ A ──── B ══ far pair ══ server
type plumbing struct {
	pipe           *producers.Pipe
	client, server *protocoltest.HalfRecorder
	near, far      *protocoltest.Pair
}

// plumb lays it, but lets nothing flow.
func plumb() *plumbing {
	p := &plumbing{pipe: producers.NewPipe(), client: &protocoltest.HalfRecorder{}, server: &protocoltest.HalfRecorder{}}
	p.near = protocoltest.NewPair(p.client, p.pipe.A)
	p.far = protocoltest.NewPair(p.pipe.B, p.server)
	return p
}

// pump lets all flow that can.
func (p *plumbing) pump() {
	for p.near.Pump()+p.far.Pump() > 0 {
	}
}

func TestPipeCarriesBothWays(t *testing.T) {
	p := plumb()
	done := p.pipe.Done()
	p.pump()
	_, _ = p.client.Transport.Write([]byte("question"))
	p.pump()
	_, _ = p.server.Transport.Write([]byte("an answer"))
	p.pump()
	want(t, "the server got", string(p.server.Received()), "question")
	want(t, "the client got", string(p.client.Received()), "an answer")
	want(t, "Moved", p.pipe.A.Moved(), 8)
	deferredtest.NoResult(t, done)
	p.client.Transport.LoseWriteConnection()
	p.pump()
	result := producers.PipeResult{AToB: 8, BToA: 9, Reason: protocol.ErrConnectionDone}
	p.server.Transport.LoseConnection()
	p.pump()
	want(t, "the result", deferredtest.ResultOf[producers.PipeResult](t, done), result)
	want(t, "the result, asked afterwards", deferredtest.ResultOf[producers.PipeResult](t, p.pipe.Done()), result)
}

func TestTheFirstToConnectIsNotReadBeforeTheOtherHas(t *testing.T) {
	for name, nearFirst := range map[string]bool{"A first": true, "B first": false} {
		t.Run(name, func(t *testing.T) {
			p := plumb()
			first, second, early, late := p.near, p.far, p.client, p.server
			if !nearFirst {
				first, second, early, late = p.far, p.near, p.server, p.client
			}
			first.Pump()
			_, _ = early.Transport.Write(make([]byte, 1<<20))
			first.Pump()
			want(t, "bytes that wait with their sender", early.Transport.Buffered(), 1<<20)
			second.Pump()
			p.pump()
			want(t, "bytes that came", len(late.Received()), 1<<20)
		})
	}
}

func TestBackPressure(t *testing.T) {
	p := plumb()
	p.pump()
	p.server.Transport.PauseProducing()
	_, _ = p.client.Transport.Write(make([]byte, 10<<20))
	p.pump()
	held := p.pipe.B.Transport.Buffered()
	if held < 64<<10 || held > 128<<10 {
		t.Errorf("the pipe holds %d bytes, want the high-water mark and at most one read more", held)
	}
	want(t, "bytes that wait with their sender", p.client.Transport.Buffered(), 10<<20-held)
	_, _ = p.server.Transport.Write([]byte("meanwhile"))
	p.pump()
	want(t, "the other direction", string(p.client.Received()), "meanwhile")
	p.server.Transport.ResumeProducing()
	p.pump()
	want(t, "bytes that came", len(p.server.Received()), 10<<20)
}

func TestHalfCloseGoesOver(t *testing.T) {
	p := plumb()
	p.server.OnReadLost = func() {
		_, _ = p.server.Transport.Write([]byte("reply to all of it"))
		p.server.Transport.LoseConnection()
	}
	done := p.pipe.Done()
	p.pump()
	_, _ = p.client.Transport.Write(count(500_000))
	p.client.Transport.LoseWriteConnection()
	p.pump()
	want(t, "the request is whole", bytes.Equal(p.server.Received(), count(500_000)), true)
	want(t, "the client got", string(p.client.Received()), "reply to all of it")
	want(t, "the reason", deferredtest.ResultOf[producers.PipeResult](t, done).Reason, protocol.ErrConnectionDone)
	for who, r := range map[string]*protocoltest.HalfRecorder{"client": p.client, "server": p.server} {
		expectErr(t, "the "+who+"'s reason", r.Reason(), protocol.ErrConnectionDone)
		expectErr(t, who, r.Err(), nil)
	}
}

func TestHowOneSideEndsSoDoesTheOther(t *testing.T) {
	enough := errors.New("enough")
	cases := []struct {
		name   string
		end    func(p *plumbing)
		server []error // what its connection's reason is
		b      []error // what the reason of the pipe's end towards it is
	}{
		{"the client ends", func(p *plumbing) { p.client.Transport.LoseWriteConnection() },
			[]error{protocol.ErrConnectionDone}, []error{protocol.ErrConnectionDone}},
		{"this side closes with a cause", func(p *plumbing) {
			p.pipe.A.Transport.LoseConnectionCause(enough) // waits until the server says something
			_, _ = p.server.Transport.Write([]byte("unwanted"))
		}, []error{protocol.ErrConnectionDone}, []error{protocol.ErrConnectionDone, enough}},
		{"the client resets", func(p *plumbing) { p.client.Transport.AbortConnection() },
			[]error{protocol.ErrConnectionLost, syscall.ECONNRESET}, []error{protocol.ErrConnectionAborted, syscall.ECONNRESET}},
		{"this side aborts with a cause", func(p *plumbing) { p.pipe.A.Transport.AbortConnectionCause(enough) },
			[]error{protocol.ErrConnectionLost}, []error{protocol.ErrConnectionAborted, enough}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			p := plumb()
			var b error
			p.pipe.B.OnLost = func(reason error) { b = reason }
			p.client.OnReadLost = func() { p.client.Transport.LoseConnection() }
			p.server.OnReadLost = func() { p.server.Transport.LoseConnection() }
			p.pump()
			_, _ = p.client.Transport.Write([]byte("last words"))
			p.pump()
			tc.end(p)
			p.pump()
			want(t, "the server got", string(p.server.Received()), "last words")
			expectErr(t, "the server's reason", p.server.Reason(), tc.server...)
			expectErr(t, "B's reason", b, tc.b...)
			deferredtest.SuccessResultOf(t, p.pipe.Done())
		})
	}
}

func TestWhatIsOnItsWayArrivesAfterAClose(t *testing.T) {
	p := plumb()
	p.pump()
	p.server.Transport.PauseProducing()
	_, _ = p.client.Transport.Write(count(100_000))
	p.client.Transport.LoseConnection()
	p.pump()
	p.server.Transport.ResumeProducing()
	p.pump()
	want(t, "all came", bytes.Equal(p.server.Received(), count(100_000)), true)
}

func TestFail(t *testing.T) {
	refused := &protocol.ConnectError{Addr: "poem:1", Err: syscall.ECONNREFUSED}
	t.Run("with the other side waiting", func(t *testing.T) {
		p := plumb()
		var a error
		p.pipe.A.OnLost = func(reason error) { a = reason }
		p.near.Pump()
		p.pipe.B.Fail(refused)
		p.pipe.B.Fail(errors.New("too late"))
		p.client.Transport.LoseConnection()
		p.near.Pump()
		expectErr(t, "A's reason", a, protocol.ErrConnectionDone, syscall.ECONNREFUSED)
		want(t, "the result's reason", deferredtest.ResultOf[producers.PipeResult](t, p.pipe.Done()).Reason, error(refused))
	})
	t.Run("before the other side has connected", func(t *testing.T) {
		p := plumb()
		var a error
		p.pipe.A.OnLost = func(reason error) { a = reason }
		p.pipe.B.Fail(refused)
		deferredtest.NoResult(t, p.pipe.Done())
		p.client.OnMade = func() { p.client.Transport.LoseConnection() }
		p.near.Pump()
		expectErr(t, "A's reason", a, protocol.ErrConnectionDone, syscall.ECONNREFUSED)
		deferredtest.SuccessResultOf(t, p.pipe.Done())
	})
	t.Run("of a connection that stands", func(t *testing.T) {
		p := plumb()
		p.pump()
		p.pipe.B.Fail(refused)
		_, _ = p.client.Transport.Write([]byte("x"))
		p.pump()
		want(t, "the server got", string(p.server.Received()), "x")
	})
}

func TestTheSecondComesWhenTheFirstHasGone(t *testing.T) {
	p := plumb()
	lost := 0
	p.pipe.A.OnLost = func(error) { lost++ }
	p.near.Pump()
	p.client.Transport.AbortConnectionCause(syscall.ECONNRESET)
	p.near.Pump()
	want(t, "calls of OnLost", lost, 1)
	_, _ = p.pipe.B, p.far
	p.server.OnMade = func() { _, _ = p.server.Transport.Write([]byte("anybody?")) }
	p.server.OnReadLost = func() { p.server.Transport.LoseConnection() }
	p.far.Pump()
	expectErr(t, "the server's reason", p.server.Reason(), protocol.ErrConnectionDone)
	deferredtest.SuccessResultOf(t, p.pipe.Done())
}

// TestASideThatSomebodyElseCloses closes the transport towards the server, as a
// timeout would. It waits for its producer, which is the client's side.
func TestASideThatSomebodyElseCloses(t *testing.T) {
	p := plumb()
	p.pump()
	p.pipe.B.Transport.LoseConnection()
	_, _ = p.client.Transport.Write([]byte("unwanted"))
	p.client.OnReadLost = func() { p.client.Transport.LoseConnection() }
	p.server.OnReadLost = func() { p.server.Transport.LoseConnection() }
	p.pump()
	want(t, "the server got", string(p.server.Received()), "")
	want(t, "both are over", p.client.Lost() && p.server.Lost(), true)
	deferredtest.SuccessResultOf(t, p.pipe.Done())
}

// TestPipeJoinsLivingConnections hands both over, one with bytes that nobody
// has read.
func TestPipeJoinsLivingConnections(t *testing.T) {
	pipe := producers.NewPipe()
	client, server := &protocoltest.HalfRecorder{}, &protocoltest.HalfRecorder{}
	host := &protocoltest.HalfRecorder{}
	near, far := policies.NewSwitch(host), policies.NewSwitch(&protocoltest.HalfRecorder{})
	pairs := []*protocoltest.Pair{protocoltest.NewPair(client, near), protocoltest.NewPair(far, server)}
	pump := func() {
		for pairs[0].Pump()+pairs[1].Pump() > 0 {
		}
	}
	host.OnData = func(data []byte) { _ = near.To(pipe.A, data) }
	client.OnMade = func() { _, _ = client.Transport.Write([]byte("hello")); client.Transport.LoseWriteConnection() }
	pump()
	want(t, "held", string(server.Received()), "")
	_ = far.To(pipe.B, nil)
	pump()
	want(t, "the server got", string(server.Received()), "hello")
	want(t, "the end of input went over", server.Calls()[len(server.Calls())-1], "ReadConnectionLost")
}

// TestTheEndOfInputBeforeTheOtherSide hands a connection over whose input has
// ended already.
func TestTheEndOfInputBeforeTheOtherSide(t *testing.T) {
	pipe := producers.NewPipe()
	client, server := &protocoltest.HalfRecorder{}, &protocoltest.HalfRecorder{}
	near := policies.NewSwitch(&protocoltest.HalfRecorder{})
	client.OnMade = func() { client.Transport.LoseWriteConnection() }
	protocoltest.NewPair(client, near).Pump()
	_ = near.To(pipe.A, nil)
	protocoltest.NewPair(pipe.B, server).Pump()
	want(t, "the server's last call", server.Calls()[len(server.Calls())-1], "ReadConnectionLost")
}

func TestASideWithAProducerOfItsOwn(t *testing.T) {
	p := plumb()
	p.near.Pump()
	_ = p.pipe.A.Transport.RegisterProducer(producers.Funcs{}, true)
	p.pump()
	expectErr(t, "the client's reason", p.client.Reason(), protocol.ErrConnectionLost)
	want(t, "the server's side is over, too", p.server.Lost(), true)
}

// TestAnyConversationGoesThrough tries any writes and cuts, and compares with
// what was sent; the pipe never holds more than it may.
func TestAnyConversationGoesThrough(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := plumb()
		for _, pair := range []*protocoltest.Pair{p.near, p.far} {
			pair.Chunk = protocoltest.Fixed(rapid.IntRange(1, 1000).Draw(t, "chunk"))
			pair.HighWater = 2000
			pair.LowWater = rapid.IntRange(0, 2000).Draw(t, "low")
		}
		p.pump()
		sent := map[*protocoltest.HalfRecorder][]byte{}
		sides := []*protocoltest.HalfRecorder{p.client, p.server}
		for range rapid.IntRange(1, 15).Draw(t, "writes") {
			who := rapid.SampledFrom(sides).Draw(t, "who")
			piece := count(rapid.IntRange(0, 5000).Draw(t, "size"))
			_, _ = who.Transport.Write(piece)
			sent[who] = append(sent[who], piece...)
			for range rapid.IntRange(0, 20).Draw(t, "steps") {
				p.near.Step()
				p.far.Step()
				for _, e := range []*producers.PipeEnd{p.pipe.A, p.pipe.B} {
					if n := e.Transport.Buffered(); n > 3000 {
						t.Fatalf("an end holds %d bytes, over its mark and a read", n)
					}
				}
			}
		}
		first := rapid.SampledFrom(sides).Draw(t, "first to end")
		first.Transport.LoseWriteConnection()
		p.pump()
		p.client.Transport.LoseWriteConnection()
		p.server.Transport.LoseWriteConnection()
		p.pump()
		if !bytes.Equal(p.server.Received(), sent[p.client]) || !bytes.Equal(p.client.Received(), sent[p.server]) {
			t.Fatalf("came %d and %d, sent %d and %d", len(p.server.Received()), len(p.client.Received()),
				len(sent[p.client]), len(sent[p.server]))
		}
		if !p.client.Lost() || !p.server.Lost() || p.client.Err() != nil || p.server.Err() != nil {
			t.Fatalf("lost: %t, %t; %v, %v", p.client.Lost(), p.server.Lost(), p.client.Err(), p.server.Err())
		}
	})
}
