package protocoltest_test

import (
	"errors"
	"io"
	"net"
	"slices"
	"syscall"
	"testing"

	"skein/protocol"
	"skein/protocol/protocoltest"
)

func TestLoseConnectionFlushesThenClosesBothEnds(t *testing.T) {
	pair, client, server := newPair()
	pair.Chunk = protocoltest.Fixed(4)
	server.OnData = func([]byte) {
		write(t, server.Transport, "the poem")
		server.Transport.LoseConnection()
		if server.Lost() {
			t.Error("ConnectionLost came from inside LoseConnection")
		}
		if !server.Transport.Disconnecting() || pair.Server.Reading() {
			t.Error("LoseConnection does not show")
		}
	}
	write(t, client.Transport, "send")
	pair.Pump()
	expectCalls(t, "client", client, afterMade(`DataReceived("the ")`, `DataReceived("poem")`,
		"ConnectionLost(connection was closed cleanly)")...)
	expectCalls(t, "server", server, afterMade(`DataReceived("send")`,
		"ConnectionLost(connection was closed cleanly)")...)
	if !client.Transport.Disconnecting() {
		t.Error("a connection that is over is not disconnecting")
	}
}

func TestInputAfterLoseConnectionIsDiscarded(t *testing.T) {
	pair, client, server := newPair()
	write(t, client.Transport, "never delivered")
	server.Transport.LoseConnection()
	server.Transport.ResumeProducing() // does nothing once the connection is being closed
	pair.Pump()
	expectCalls(t, "server", server, afterMade("ConnectionLost(connection was closed cleanly)")...)
	expectCalls(t, "client", client, afterMade("ConnectionLost(connection was closed cleanly)")...)
}

func TestInputIsDiscardedWhileAProducerFinishes(t *testing.T) {
	pair, client, server := newPair()
	if err := server.Transport.RegisterProducer(&pushSource{}, true); err != nil {
		t.Fatal(err)
	}
	asking := &source{}
	if err := client.Transport.RegisterProducer(asking, false); err != nil {
		t.Fatal(err)
	}
	server.Transport.PauseProducing() // to discard is not to deliver
	server.Transport.LoseConnection()
	write(t, client.Transport, "never delivered")
	pair.Pump()
	if client.Transport.Buffered() != 0 || asking.resumed != 1 || server.Lost() {
		t.Errorf("%d bytes wait, the client's producer was asked %d times, server lost %t; want 0, 1, false",
			client.Transport.Buffered(), asking.resumed, server.Lost())
	}
	client.Transport.UnregisterProducer()
	write(t, server.Transport, "the last verse")
	server.Transport.UnregisterProducer()
	pair.Pump()
	expectCalls(t, "server", server, afterMade("ConnectionLost(connection was closed cleanly)")...)
	expectCalls(t, "client", client, afterMade(`DataReceived("the last verse")`,
		"ConnectionLost(connection was closed cleanly)")...)
}

func TestAPausedEndCanClose(t *testing.T) {
	pair, client, server := newPair()
	write(t, client.Transport, "unread")
	server.Transport.PauseProducing()
	server.Transport.LoseConnection()
	pair.Pump()
	if !client.Lost() || !server.Lost() {
		t.Errorf("client lost %t, server lost %t", client.Lost(), server.Lost())
	}
}

func TestThePeersEndOfInputStillFlushes(t *testing.T) {
	pair, client, server := newPair()
	server.OnData = func([]byte) { write(t, server.Transport, "reply") }
	write(t, client.Transport, "request")
	client.Transport.LoseWriteConnection() // as nc does when its input ends
	pair.Pump()
	expectCalls(t, "client", client, afterMade(`DataReceived("reply")`,
		"ConnectionLost(connection was closed cleanly)")...)
	expectCalls(t, "server", server, afterMade(`DataReceived("request")`,
		"ConnectionLost(connection was closed cleanly)")...)
}

func TestHalfClosersGoOn(t *testing.T) {
	client, server := &protocoltest.HalfRecorder{}, &protocoltest.HalfRecorder{}
	pair := protocoltest.NewPair(client, server)
	pair.Pump()
	write(t, client.Transport, "request")
	client.Transport.LoseWriteConnection()
	_, err := client.Transport.Write([]byte("more"))
	expectErr(t, "Write after LoseWriteConnection", err, net.ErrClosed)
	pair.Pump()
	write(t, server.Transport, "late reply")
	pair.Pump()
	if client.Lost() || server.Lost() || client.Transport.Disconnecting() {
		t.Fatal("a half-closed connection ended by itself")
	}
	server.Transport.LoseConnection()
	pair.Pump()
	expectCalls(t, "client", &client.Recorder, afterMade("WriteConnectionLost", `DataReceived("late reply")`,
		"ReadConnectionLost", "ConnectionLost(connection was closed cleanly)")...)
	expectCalls(t, "server", &server.Recorder, afterMade(`DataReceived("request")`,
		"ReadConnectionLost", "ConnectionLost(connection was closed cleanly)")...)
}

func TestAHalfCloseOfAClosedConnectionDoesNothing(t *testing.T) {
	pair, client, server := newPair()
	s := &pushSource{}
	if err := server.Transport.RegisterProducer(s, true); err != nil {
		t.Fatal(err)
	}
	server.Transport.LoseConnection()
	server.Transport.LoseWriteConnection()
	write(t, server.Transport, "the producer's last") // the close still waits for it
	server.Transport.UnregisterProducer()
	pair.Pump()
	if got := string(client.Received()); got != "the producer's last" {
		t.Errorf("received %q", got)
	}
	expectErr(t, "the server's reason", server.Reason(), protocol.ErrConnectionDone)
}

func TestTwoHalvesMakeAnEnd(t *testing.T) {
	client, server := &protocoltest.HalfRecorder{}, &protocoltest.HalfRecorder{}
	pair := protocoltest.NewPair(client, server)
	pair.Pump()
	client.Transport.LoseWriteConnection()
	pair.Pump()
	server.Transport.LoseWriteConnection()
	pair.Pump()
	expectErr(t, "the client's reason", client.Reason(), protocol.ErrConnectionDone)
	expectErr(t, "the server's reason", server.Reason(), protocol.ErrConnectionDone)
	if client.Err() != nil || server.Err() != nil {
		t.Error(client.Err(), server.Err())
	}
}

func TestAHalfCloserThatClosesHearsNoHalfClose(t *testing.T) {
	client, server := &protocoltest.HalfRecorder{}, &protocoltest.HalfRecorder{}
	pair := protocoltest.NewPair(client, server)
	pair.Pump()
	client.Transport.LoseConnection()
	server.Transport.LoseConnection()
	pair.Pump()
	expectCalls(t, "client", &client.Recorder, afterMade("ConnectionLost(connection was closed cleanly)")...)
	expectCalls(t, "server", &server.Recorder, afterMade("ConnectionLost(connection was closed cleanly)")...)
}

func TestAbortConnection(t *testing.T) {
	tired := errors.New("tired")
	tests := []struct {
		name  string
		abort func(tr protocol.Transport)
		cause []error
	}{
		{"plain", func(tr protocol.Transport) { tr.AbortConnection() }, nil},
		{"with cause", func(tr protocol.Transport) { tr.AbortConnectionCause(tired) }, []error{tired}},
		{"twice", func(tr protocol.Transport) { tr.AbortConnectionCause(tired); tr.AbortConnection() }, []error{tired}},
		{"then lose", func(tr protocol.Transport) { tr.AbortConnection(); tr.LoseConnection() }, nil},
		{"of a close", func(tr protocol.Transport) { tr.LoseConnectionCause(tired); tr.AbortConnection() }, []error{tired}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			pair, client, server := newPair()
			server.OnData = func([]byte) {
				write(t, server.Transport, "dropped")
				test.abort(server.Transport)
				if server.Lost() || server.Transport.Buffered() != 0 || !server.Transport.Disconnecting() {
					t.Error("an abort drops the queue at once, and tells later")
				}
			}
			write(t, client.Transport, "x")
			write(t, server.Transport, "dropped, too")
			client.Transport.PauseProducing() // a reset is seen even by one who does not read
			pair.Pump()
			expectErr(t, "the server's reason", server.Reason(),
				append(test.cause, protocol.ErrConnectionAborted, protocol.ErrConnectionLost)...)
			expectErr(t, "the client's reason", client.Reason(), protocol.ErrConnectionLost, syscall.ECONNRESET)
			if errors.Is(client.Reason(), protocol.ErrConnectionAborted) {
				t.Error("the client did not abort")
			}
			if client.Err() != nil || server.Err() != nil || len(client.Received()) != 0 {
				t.Error(client.Err(), server.Err(), client.Received())
			}
		})
	}
}

func TestAbortFromTheFirstCalls(t *testing.T) {
	client, server := &protocoltest.Recorder{}, &protocoltest.Recorder{}
	client.OnMade = func() { client.Transport.AbortConnection() }
	protocoltest.NewPair(client, server).Pump()
	for _, r := range []*protocoltest.Recorder{client, server} {
		if calls := r.Calls(); len(calls) != 3 || !slices.Equal(calls[:2], made) || r.Err() != nil {
			t.Errorf("calls %q, %v: an end that has not heard of its connection hears of it first", calls, r.Err())
		}
	}
}

func TestTheCauseTravelsWithTheReason(t *testing.T) {
	pair, client, server := newPair()
	server.Transport.LoseConnectionCause(io.ErrUnexpectedEOF)
	server.Transport.LoseConnectionCause(io.EOF) // the second does nothing
	pair.Pump()
	expectErr(t, "the server's reason", server.Reason(), protocol.ErrConnectionDone, io.ErrUnexpectedEOF)
	if client.Reason() != protocol.ErrConnectionDone {
		t.Errorf("the client's reason is %v: the cause is the server's own", client.Reason())
	}
}

func TestAfterTheEnd(t *testing.T) {
	pair, client, server := newPair()
	client.OnLost = func(error) {
		_, err := client.Transport.Write([]byte("from ConnectionLost"))
		expectErr(t, "Write in ConnectionLost", err, net.ErrClosed)
	}
	server.Transport.LoseConnection()
	pair.Pump()
	for _, tr := range []protocol.Transport{client.Transport, server.Transport} {
		n, err := tr.Write([]byte("x"))
		expectErr(t, "Write", err, net.ErrClosed)
		expectErr(t, "WriteSequence", tr.WriteSequence([][]byte{[]byte("x")}), net.ErrClosed)
		expectErr(t, "WriteShared", tr.WriteShared([]byte("x")), net.ErrClosed)
		if n != 0 || tr.Buffered() != 0 || tr.LocalAddr() == nil || tr.RemoteAddr() == nil {
			t.Errorf("Write took %d, Buffered %d, addresses %v %v", n, tr.Buffered(), tr.LocalAddr(), tr.RemoteAddr())
		}
		tr.LoseConnection() // none of these does anything any more
		tr.LoseWriteConnection()
		tr.AbortConnection()
		tr.PauseProducing()
		tr.ResumeProducing()
	}
	if steps := pair.Pump(); steps != 0 {
		t.Errorf("a connection that is over took %d steps", steps)
	}
	expectCalls(t, "client", client, afterMade("ConnectionLost(connection was closed cleanly)")...)
	expectCalls(t, "server", server, afterMade("ConnectionLost(connection was closed cleanly)")...)
}

func TestWriteAfterLoseConnectionInTheSameCallback(t *testing.T) {
	pair, client, server := newPair()
	server.OnData = func([]byte) {
		write(t, server.Transport, "before")
		server.Transport.LoseConnection()
		_, err := server.Transport.Write([]byte("after"))
		expectErr(t, "Write after LoseConnection", err, net.ErrClosed)
	}
	write(t, client.Transport, "x")
	pair.Pump()
	if got := string(client.Received()); got != "before" {
		t.Errorf("received %q", got)
	}
}

func TestWritingToOneWhoHasClosedEnds(t *testing.T) {
	client, server := &protocoltest.Recorder{}, &protocoltest.HalfRecorder{}
	pair := protocoltest.NewPair(client, server)
	pair.Pump()
	client.Transport.LoseConnection()
	pair.Pump()
	write(t, server.Transport, "to nobody") // a HalfCloser may, though it is of no use
	server.Transport.LoseConnection()
	pair.Pump()
	expectErr(t, "the server's reason", server.Reason(), protocol.ErrConnectionDone)
	if len(client.Received()) != 0 || server.Transport.Buffered() != 0 {
		t.Errorf("received %q, %d bytes left", client.Received(), server.Transport.Buffered())
	}
}
