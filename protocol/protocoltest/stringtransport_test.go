package protocoltest_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"skein/protocol"
	"skein/protocol/protocoltest"
)

// source is a producer that counts what it is told. A pull producer's whole
// vocabulary: it cannot pause.
type source struct{ resumed, stopped int }

func (s *source) ResumeProducing() { s.resumed++ }
func (s *source) StopProducing()   { s.stopped++ }

// pushSource can pause, too.
type pushSource struct {
	source
	paused int
}

func (s *pushSource) PauseProducing() { s.paused++ }

func TestStringTransportKeepsWhatIsWritten(t *testing.T) {
	tr := protocoltest.NewStringTransport()
	changing := []byte("one ")
	if n, err := tr.Write(changing); n != 4 || err != nil {
		t.Errorf("Write = %d, %v", n, err)
	}
	copy(changing, "####") // Write keeps no reference
	if err := tr.WriteSequence([][]byte{[]byte("two "), nil, []byte("three ")}); err != nil {
		t.Error(err)
	}
	if err := tr.WriteShared([]byte("four")); err != nil {
		t.Error(err)
	}
	if got := string(tr.Value()); got != "one two three four" {
		t.Errorf("Value is %q", got)
	}
	tr.Value()[0] = 'X' // the caller's own
	if got := string(tr.Value()); got != "one two three four" {
		t.Errorf("Value is %q after the caller changed his copy", got)
	}
	tr.Clear()
	if got := tr.Value(); len(got) != 0 {
		t.Errorf("Value after Clear is %q", got)
	}
}

func TestStringTransportZeroValue(t *testing.T) {
	var tr protocoltest.StringTransport
	if _, err := io.WriteString(&tr, "hello"); err != nil || string(tr.Value()) != "hello" {
		t.Errorf("the zero value kept %q, %v", tr.Value(), err)
	}
	if tr.Disconnecting() || tr.Aborted() || tr.WriteClosed() || tr.Cause() != nil {
		t.Error("the zero value is closed")
	}
	if tr.LocalAddr() == nil || tr.RemoteAddr() == nil || tr.LocalAddr().String() == tr.RemoteAddr().String() {
		t.Errorf("addresses are %v and %v", tr.LocalAddr(), tr.RemoteAddr())
	}
}

func TestStringTransportKnobs(t *testing.T) {
	local, remote := &net.UnixAddr{Name: "/here"}, &net.UnixAddr{Name: "/there"}
	tr := &protocoltest.StringTransport{Local: local, Remote: remote, Backlog: 70_000}
	if tr.LocalAddr() != net.Addr(local) || tr.RemoteAddr() != net.Addr(remote) || tr.Buffered() != 70_000 {
		t.Errorf("the transport shows %v, %v, %d", tr.LocalAddr(), tr.RemoteAddr(), tr.Buffered())
	}
}

// ends are the ways in which a protocol ends its writing.
var ends = map[string]func(tr *protocoltest.StringTransport){
	"LoseConnection":      func(tr *protocoltest.StringTransport) { tr.LoseConnection() },
	"AbortConnection":     func(tr *protocoltest.StringTransport) { tr.AbortConnection() },
	"LoseWriteConnection": func(tr *protocoltest.StringTransport) { tr.LoseWriteConnection() },
}

func TestStringTransportWritesAfterTheEnd(t *testing.T) {
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			tr := &protocoltest.StringTransport{TB: t} // too late is an error, no misuse
			_, _ = tr.Write([]byte("before"))
			end(tr)
			n, err := tr.Write([]byte("after"))
			if n != 0 || err == nil || !strings.Contains(err.Error(), "Write after "+name) {
				t.Errorf("Write = %d, %v", n, err)
			}
			expectErr(t, "Write", err, net.ErrClosed)
			expectErr(t, "WriteSequence", tr.WriteSequence([][]byte{[]byte("after")}), net.ErrClosed)
			expectErr(t, "WriteShared", tr.WriteShared([]byte("after")), net.ErrClosed)
			if got := string(tr.Value()); got != "before" {
				t.Errorf("Value is %q", got)
			}
		})
	}
}

func TestStringTransportRemembersHowItWasClosed(t *testing.T) {
	first, second := errors.New("first"), errors.New("second")
	tests := []struct {
		name          string
		close         func(tr *protocoltest.StringTransport)
		disconnecting bool
		aborted       bool
		cause         error
	}{
		{"lose", func(tr *protocoltest.StringTransport) { tr.LoseConnection() }, true, false, nil},
		{"lose with cause", func(tr *protocoltest.StringTransport) { tr.LoseConnectionCause(first) }, true, false, first},
		{"lose twice", func(tr *protocoltest.StringTransport) { tr.LoseConnectionCause(first); tr.LoseConnectionCause(second) }, true, false, first},
		{"abort", func(tr *protocoltest.StringTransport) { tr.AbortConnection() }, true, true, nil},
		{"abort with cause", func(tr *protocoltest.StringTransport) { tr.AbortConnectionCause(first) }, true, true, first},
		{"abort twice", func(tr *protocoltest.StringTransport) {
			tr.AbortConnectionCause(first)
			tr.AbortConnectionCause(second)
		}, true, true, first},
		{"lose, then abort", func(tr *protocoltest.StringTransport) { tr.LoseConnection(); tr.AbortConnectionCause(second) }, true, true, second},
		{"abort, then lose", func(tr *protocoltest.StringTransport) { tr.AbortConnectionCause(first); tr.LoseConnectionCause(second) }, true, true, first},
		{"half-close", func(tr *protocoltest.StringTransport) { tr.LoseWriteConnection() }, false, false, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			tr := &protocoltest.StringTransport{TB: t}
			test.close(tr)
			if tr.Disconnecting() != test.disconnecting || tr.Aborted() != test.aborted || tr.Cause() != test.cause {
				t.Errorf("disconnecting %t, aborted %t, cause %v", tr.Disconnecting(), tr.Aborted(), tr.Cause())
			}
			if tr.WriteClosed() == test.disconnecting {
				t.Errorf("write closed: %t", tr.WriteClosed())
			}
		})
	}
}

func TestStringTransportReadingSide(t *testing.T) {
	tr := &protocoltest.StringTransport{TB: t}
	states := fmt.Sprint(tr.ProducerState())
	tr.PauseProducing()
	states += fmt.Sprint(" ", tr.ProducerState())
	tr.ResumeProducing()
	states += fmt.Sprint(" ", tr.ProducerState())
	tr.LoseConnection()
	states += fmt.Sprint(" ", tr.ProducerState())
	if want := "producing paused producing stopped"; states != want {
		t.Errorf("states were %q, want %q", states, want)
	}
}

func TestStringTransportProducer(t *testing.T) {
	tr := &protocoltest.StringTransport{TB: t}
	pull, push := &source{}, &pushSource{}
	expectErr(t, "a streaming producer that cannot pause", tr.RegisterProducer(pull, true), protocol.ErrNotPushProducer)
	if err := tr.RegisterProducer(push, true); err != nil {
		t.Fatal(err)
	}
	if p, streaming := tr.Producer(); p != protocol.Producer(push) || !streaming {
		t.Errorf("Producer = %v, %t", p, streaming)
	}
	expectErr(t, "a second producer", tr.RegisterProducer(pull, false), protocol.ErrProducerRegistered)

	tr.LoseConnection()
	if _, err := tr.Write([]byte("the rest")); err != nil {
		t.Errorf("a registered producer may not finish after LoseConnection: %v", err)
	}
	tr.UnregisterProducer()
	if p, streaming := tr.Producer(); p != nil || streaming {
		t.Errorf("after UnregisterProducer: %v, %t", p, streaming)
	}
	_, err := tr.Write([]byte("too late"))
	expectErr(t, "Write without the producer", err, net.ErrClosed)

	if push.stopped != 0 {
		t.Error("a producer that unregistered in time was stopped")
	}
}

func TestStringTransportStopsAProducerThatComesTooLate(t *testing.T) {
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			tr, s := &protocoltest.StringTransport{TB: t}, &source{}
			end(tr)
			err := tr.RegisterProducer(s, false)
			if expectErr(t, "RegisterProducer", err, net.ErrClosed); err != nil && !strings.Contains(err.Error(), "after "+name) {
				t.Errorf("RegisterProducer returned %v", err)
			}
			if p, _ := tr.Producer(); p != nil || s.stopped != 1 {
				t.Errorf("kept %v, stopped %d times", p, s.stopped)
			}
		})
	}
}

// spy is a test that notes its failures and goes on.
type spy struct {
	testing.TB
	failures []string
}

func (s *spy) Helper()           {}
func (s *spy) Fatal(args ...any) { s.failures = append(s.failures, fmt.Sprint(args...)) }

func TestStringTransportMisuse(t *testing.T) {
	tests := []struct {
		name, want string
		play       func(tr *protocoltest.StringTransport)
	}{
		{"pause after close", "PauseProducing after LoseConnection", func(tr *protocoltest.StringTransport) {
			tr.LoseConnection()
			tr.PauseProducing()
		}},
		{"resume after close", "ResumeProducing after LoseConnection", func(tr *protocoltest.StringTransport) {
			tr.PauseProducing()
			tr.LoseConnection()
			tr.ResumeProducing()
		}},
		{"resume after abort", "ResumeProducing after", func(tr *protocoltest.StringTransport) {
			tr.AbortConnection()
			tr.ResumeProducing()
		}},
		{"nil producer", "RegisterProducer(nil)", func(tr *protocoltest.StringTransport) { _ = tr.RegisterProducer(nil, false) }},
		{"nobody to unregister", "UnregisterProducer without", func(tr *protocoltest.StringTransport) { tr.UnregisterProducer() }},
		{"shared slice changed", `changed from "poem" to "pOem"`, func(tr *protocoltest.StringTransport) {
			p := []byte("poem")
			_ = tr.WriteShared(p)
			p[1] = 'O'
			tr.Value()
		}},
		{"shared slice changed after it was read", "given to WriteShared was changed", func(tr *protocoltest.StringTransport) {
			p := []byte("poem")
			_ = tr.WriteShared(p)
			tr.Clear()
			p[1] = 'O' // the promise holds until the connection is over
			tr.Clear()
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := &spy{}
			test.play(&protocoltest.StringTransport{TB: s})
			if len(s.failures) != 1 || !strings.Contains(s.failures[0], test.want) {
				t.Errorf("the test failed with %q, want one failure that says %q", s.failures, test.want)
			}
			expectMisuse(t, func() { test.play(protocoltest.NewStringTransport()) })
		})
	}
}
