package reactor_test

import (
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"skein/protocol"
	"skein/reactor"
)

// TestWhatOthersDoBeforeTheAnswer has the messages of two clients come in one batch of
// events. When the second one's callback runs, the first one's answer is written and
// has not left. Whatever is done then to the first connection, the answer arrives, but
// for an abort.
func TestWhatOthersDoBeforeTheAnswer(t *testing.T) {
	for _, c := range []struct {
		name string
		act  func(first protocol.Transport)
		text string
		err  error // of the client's
		end  error // of the server's
	}{
		{"nothing", func(protocol.Transport) {}, "answer", nil, protocol.ErrConnectionDone},
		{"write", func(first protocol.Transport) { _, _ = first.Write([]byte(" and more")) }, "answer and more", nil, protocol.ErrConnectionDone},
		{"close", func(first protocol.Transport) { first.LoseConnection() }, "answer", nil, protocol.ErrConnectionDone},
		{"half-close", func(first protocol.Transport) { first.LoseWriteConnection() }, "answer", nil, protocol.ErrConnectionDone},
		{"pause", func(first protocol.Transport) { first.PauseProducing() }, "answer", nil, protocol.ErrConnectionDone},
		{"abort", func(first protocol.Transport) { first.AbortConnection() }, "", syscall.ECONNRESET, protocol.ErrConnectionAborted},
		{"panic", func(protocol.Transport) { panic("the second") }, "answer", nil, protocol.ErrConnectionDone},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := meet(t, c.act)
			if m.waited != len("answer") {
				t.Errorf("%d bytes of the answer waited, want all", m.waited)
			}
			if m.text != c.text || !errors.Is(m.err, c.err) {
				t.Errorf("the client got %q and %v, want %q and %v", m.text, m.err, c.text, c.err)
			}
			if len(m.reasons) != 1 || !errors.Is(m.reasons[0], c.end) {
				t.Errorf("the server heard of the ends %v, want one %v", m.reasons, c.end)
			}
		})
	}
}

// meeting is what has come of two messages in one batch.
type meeting struct {
	waited  int     // bytes of the first one's answer, when the second was called
	text    string  // what the first client got
	err     error   // and how that ended
	reasons []error // of the first one's ConnectionLost
}

// meet has the second one's callback do act.
func meet(t *testing.T, act func(first protocol.Transport)) (m meeting) {
	t.Helper()
	r, err := reactor.New(reactor.WithoutSignals(), reactor.WithLogger(zerolog.Nop()))
	if err != nil {
		t.Fatal(err)
	}
	var peers [2]net.Conn
	ended := func() {
		if r.Stats().Open == 1 { // it is the last that is told of its end
			_ = r.Stop()
		}
	}
	first := &proto{lost: func(_ *proto, reason error) {
		m.reasons = append(m.reasons, reason)
		ended()
	}}
	first.data = func(p *proto, _ []byte) { _, _ = p.Transport.Write([]byte("answer")) }
	second := &proto{lost: func(*proto, error) { ended() }}
	second.data = func(p *proto, _ []byte) {
		m.waited = first.Transport.Buffered()
		r.CallLater(0, func() { // in the next turn
			first.Transport.LoseConnection()
			p.Transport.LoseConnection()
		})
		act(first.Transport)
	}
	second.made = func(*proto) {
		r.CallLater(0, func() { // both are watched
			for _, peer := range peers {
				if _, err := peer.Write([]byte("message")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	accepted := []*proto{first, second}
	_, addr := listen(t, r, build(func() protocol.Protocol {
		p := accepted[0]
		accepted = accepted[1:]
		return p
	}))
	for i := range peers {
		if peers[i], err = net.DialTimeout("tcp", addr, time.Minute); err != nil {
			t.Fatal(err)
		}
		if err := peers[i].SetDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		var text []byte
		text, m.err = io.ReadAll(peers[0])
		m.text = string(text)
		for _, peer := range peers {
			_ = peer.Close()
		}
	}()
	if err := r.Run(); err != nil {
		t.Fatal(err)
	}
	<-read
	return m
}
