package protocoltest_test

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"

	"skein/protocol"
	"skein/protocol/protocoltest"
)

// verses is a pull producer: one verse per request, then it unregisters.
type verses struct {
	to      protocol.Transport
	left    []string
	stopped bool
}

func (v *verses) ResumeProducing() {
	if len(v.left) == 0 {
		v.to.UnregisterProducer()
		return
	}
	_, _ = v.to.Write([]byte(v.left[0]))
	v.left = v.left[1:]
}

func (v *verses) StopProducing() { v.stopped = true }

func TestPullProducerIsAskedWheneverTheQueueIsEmpty(t *testing.T) {
	pair, client, server := newPair()
	v := &verses{to: server.Transport, left: []string{"one ", "two ", "three"}}
	if err := server.Transport.RegisterProducer(v, false); err != nil {
		t.Fatal(err)
	}
	if server.Transport.Buffered() != 0 {
		t.Error("asked from inside RegisterProducer")
	}
	server.Transport.LoseConnection() // waits for the producer to finish
	pair.Chunk = protocoltest.Fixed(2)
	pair.Pump()
	if got := string(client.Received()); got != "one two three" {
		t.Errorf("received %q", got)
	}
	expectErr(t, "the server's reason", server.Reason(), protocol.ErrConnectionDone)
	if v.stopped {
		t.Error("a producer that had unregistered was stopped")
	}
}

func TestPullProducerIsNotAskedBeforeTheQueueIsEmpty(t *testing.T) {
	pair, _, server := newPair()
	pair.Chunk = protocoltest.Fixed(1)
	write(t, server.Transport, "queued")
	s := &source{}
	if err := server.Transport.RegisterProducer(s, false); err != nil {
		t.Fatal(err)
	}
	for server.Transport.Buffered() > 0 {
		if s.resumed != 0 {
			t.Fatalf("asked with %d bytes queued", server.Transport.Buffered())
		}
		pair.Step()
	}
	if pair.Pump(); s.resumed != 1 {
		t.Errorf("asked %d times, want once: it wrote nothing, so nothing has drained since", s.resumed)
	}
}

// mute is a pull producer with nothing to say yet.
type mute struct {
	source
	to protocol.Transport
}

func (m *mute) ResumeProducing() {
	m.resumed++
	_, _ = m.to.Write(nil)
}

func TestPullProducerThatWritesNothingIsNotAskedForEver(t *testing.T) {
	pair, _, server := newPair()
	pair.MaxSteps = 100
	m := &mute{to: server.Transport}
	if err := server.Transport.RegisterProducer(m, false); err != nil {
		t.Fatal(err)
	}
	pair.Pump()
	if m.resumed != 1 {
		t.Errorf("asked %d times, want once", m.resumed)
	}
	write(t, server.Transport, "something else")
	pair.Pump()
	if m.resumed != 2 {
		t.Errorf("asked %d times, want again once the queue has drained", m.resumed)
	}
}

func TestPushProducerFollowsTheWaterMarks(t *testing.T) {
	pair, client, server := newPair()
	pair.HighWater, pair.LowWater, pair.Chunk = 10, 4, protocoltest.Fixed(1)
	s := &pushSource{}
	if err := server.Transport.RegisterProducer(s, true); err != nil {
		t.Fatal(err)
	}
	client.Transport.PauseProducing()
	for _, test := range []struct {
		text   string
		paused int
	}{{"0123456789", 0}, {"A", 1}, {"B", 1}} { // above the mark, not at it; once
		write(t, server.Transport, test.text)
		if s.paused != test.paused {
			t.Fatalf("with %d bytes queued: paused %d times, want %d", server.Transport.Buffered(), s.paused, test.paused)
		}
	}
	client.Transport.ResumeProducing()
	for s.resumed == 0 && pair.Step() {
	}
	if server.Transport.Buffered() != 4 {
		t.Errorf("resumed with %d bytes queued, want 4", server.Transport.Buffered())
	}
	pair.Pump()
	if s.resumed != 1 {
		t.Errorf("resumed %d times", s.resumed)
	}
	write(t, server.Transport, strings.Repeat("x", 11))
	if s.paused != 2 {
		t.Errorf("paused %d times after the second flood, want 2", s.paused)
	}
}

func TestPushProducerIsPausedIfTheQueueIsTooLongAlready(t *testing.T) {
	pair, _, server := newPair()
	pair.HighWater = 4
	write(t, server.Transport, "12345")
	s := &pushSource{}
	if err := server.Transport.RegisterProducer(s, true); err != nil {
		t.Fatal(err)
	}
	if s.paused != 1 {
		t.Errorf("paused %d times", s.paused)
	}
	pair.Pump()
	if s.resumed != 1 {
		t.Errorf("resumed %d times", s.resumed)
	}
}

func TestDefaultHighWaterIs64KiB(t *testing.T) {
	_, _, server := newPair()
	s := &pushSource{}
	if err := server.Transport.RegisterProducer(s, true); err != nil {
		t.Fatal(err)
	}
	write(t, server.Transport, strings.Repeat("x", 65_536))
	if s.paused != 0 {
		t.Error("paused at 65,536 bytes")
	}
	_ = server.Transport.WriteSequence([][]byte{[]byte("x")})
	if s.paused != 1 {
		t.Error("not paused at 65,537 bytes")
	}
}

func TestRegisterProducerErrors(t *testing.T) {
	_, _, server := newPair()
	pull, push := &source{}, &pushSource{}
	expectErr(t, "a streaming producer that cannot pause", server.Transport.RegisterProducer(pull, true), protocol.ErrNotPushProducer)
	expectMisuse(t, func() { _ = server.Transport.RegisterProducer(nil, false) })
	if err := server.Transport.RegisterProducer(push, true); err != nil {
		t.Fatal(err)
	}
	expectErr(t, "a second producer", server.Transport.RegisterProducer(pull, false), protocol.ErrProducerRegistered)
	server.Transport.UnregisterProducer()
	server.Transport.UnregisterProducer() // like all that undoes, it may come twice

	if pull.stopped != 0 || push.stopped != 0 {
		t.Error("an error of registering stopped a producer of a connection that stands")
	}
}

func TestAProducerThatComesTooLateIsStopped(t *testing.T) {
	tests := map[string]func(pair *protocoltest.Pair, tr protocol.Transport){
		"after the end":             func(pair *protocoltest.Pair, tr protocol.Transport) { tr.LoseConnection(); pair.Pump() },
		"after LoseConnection":      func(_ *protocoltest.Pair, tr protocol.Transport) { tr.LoseConnection() },
		"after an abort":            func(_ *protocoltest.Pair, tr protocol.Transport) { tr.AbortConnection() },
		"after LoseWriteConnection": func(_ *protocoltest.Pair, tr protocol.Transport) { tr.LoseWriteConnection() },
		"after the end of output":   func(pair *protocoltest.Pair, tr protocol.Transport) { tr.LoseConnection(); pair.Step(); pair.Step() },
	}
	for name, end := range tests {
		t.Run(name, func(t *testing.T) {
			pair, client, server := newPair()
			client.Transport.PauseProducing() // so that an end of output is not an end yet
			if name == "after the end" {
				client.Transport.ResumeProducing()
			}
			end(pair, server.Transport)
			s := &source{}
			expectErr(t, "RegisterProducer", server.Transport.RegisterProducer(s, false), net.ErrClosed)
			if s.stopped != 1 || s.resumed != 0 {
				t.Errorf("stopped %d times, resumed %d times", s.stopped, s.resumed)
			}
		})
	}
}

func TestAProducerIsNotAskedForWhatCannotBeSent(t *testing.T) {
	pair, client, server := newPair()
	s := &source{}
	write(t, server.Transport, "the last verse")
	if err := server.Transport.RegisterProducer(s, false); err != nil {
		t.Fatal(err)
	}
	client.OnData = func([]byte) { client.Transport.AbortConnection() }
	pair.Pump()
	if s.resumed != 0 || string(client.Received()) != "the last verse" {
		t.Errorf("asked %d times; received %q", s.resumed, client.Received())
	}
}

func TestLoseWriteConnectionWaitsForTheProducer(t *testing.T) {
	pair, client, server := newPair()
	s := &source{}
	if err := server.Transport.RegisterProducer(s, false); err != nil {
		t.Fatal(err)
	}
	server.Transport.LoseWriteConnection()
	pair.Pump()
	if s.resumed != 1 {
		t.Fatalf("the producer was asked %d times, want once", s.resumed)
	}
	write(t, server.Transport, "the last verse")
	server.Transport.UnregisterProducer()
	if _, err := server.Transport.Write([]byte("too late")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a write after the producer has gone: %v", err)
	}
	pair.Pump()
	if got := string(client.Received()); got != "the last verse" {
		t.Errorf("received %q", got)
	}
}

func TestLateCallsNameWhatTheyComeAfter(t *testing.T) {
	tests := []struct {
		want string
		end  func(pair *protocoltest.Pair, tr protocol.Transport)
	}{
		{"Write after LoseConnection", func(_ *protocoltest.Pair, tr protocol.Transport) { tr.LoseConnection() }},
		{"Write after AbortConnection", func(_ *protocoltest.Pair, tr protocol.Transport) { tr.AbortConnection() }},
		{"Write after LoseWriteConnection", func(_ *protocoltest.Pair, tr protocol.Transport) { tr.LoseWriteConnection() }},
		{"Write after the end of the connection", func(p *protocoltest.Pair, tr protocol.Transport) { tr.LoseConnection(); p.Pump() }},
	}
	for _, test := range tests {
		t.Run(test.want, func(t *testing.T) {
			pair, _, server := newPair()
			test.end(pair, server.Transport)
			_, err := server.Transport.Write([]byte("x"))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Write returned %v", err)
			}
		})
	}
}

func TestTheEndStopsTheProducerThenTellsTheProtocol(t *testing.T) {
	tests := []struct {
		name string
		end  func(client, server protocol.Transport)
		want []error
	}{
		{"own abort", func(_, server protocol.Transport) { server.AbortConnection() }, []error{protocol.ErrConnectionAborted}},
		{"reset", func(client, _ protocol.Transport) { client.AbortConnection() }, []error{protocol.ErrConnectionLost, syscall.ECONNRESET}},
		// The peer has gone before the producer was done: what it still had to
		// say is lost.
		{"closed by the peer", func(client, _ protocol.Transport) { client.LoseConnection() }, []error{protocol.ErrConnectionLost, syscall.EPIPE}},
	}
	for _, test := range tests {
		for _, streaming := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, streaming %t", test.name, streaming), func(t *testing.T) {
				pair, client, server := newPair()
				s := &pushSource{}
				server.OnLost = func(error) {
					if s.stopped != 1 {
						t.Error("ConnectionLost came before StopProducing")
					}
				}
				if err := server.Transport.RegisterProducer(s, streaming); err != nil {
					t.Fatal(err)
				}
				test.end(client.Transport, server.Transport)
				pair.Pump()
				if s.stopped != 1 || !server.Lost() || server.Err() != nil {
					t.Errorf("stopped %d, lost %t, %v", s.stopped, server.Lost(), server.Err())
				}
				expectErr(t, "the reason", server.Reason(), test.want...)
			})
		}
	}
}

// endless always has one more verse.
type endless struct {
	source
	to protocol.Transport
}

func (e *endless) ResumeProducing() { _, _ = e.to.Write([]byte("and one more, ")) }

func TestAnEndlessProducerCannotHoldUpTheClose(t *testing.T) {
	pair, client, server := newPair()
	pair.MaxSteps = 1000
	e := &endless{to: server.Transport}
	if err := server.Transport.RegisterProducer(e, false); err != nil {
		t.Fatal(err)
	}
	client.OnData = func([]byte) { client.Transport.LoseConnection() }
	pair.Pump()
	expectErr(t, "the client's reason", client.Reason(), protocol.ErrConnectionDone)
	expectErr(t, "the server's reason", server.Reason(), protocol.ErrConnectionLost)
	if errors.Is(server.Reason(), protocol.ErrConnectionDone) || e.stopped != 1 {
		t.Errorf("reason %v, stopped %d", server.Reason(), e.stopped)
	}
}
