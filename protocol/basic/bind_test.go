package basic_test

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"testing"

	"skein/protocol"
	"skein/protocol/basic"
	"skein/protocol/protocoltest"
)

// TestUnboundHandlersDoNotCompile looks at what makes the compiler refuse them:
// a handler that is no Protocol cannot be returned by a BuildProtocol.
func TestUnboundHandlersDoNotCompile(t *testing.T) {
	for _, h := range []any{
		&lines{}, &onlyLines{}, &netstrings{}, &int8s{}, &int16s{}, &int32s{}, &everything{},
	} {
		if _, ok := h.(protocol.Protocol); ok {
			t.Errorf("%T is a Protocol before it is bound", h)
		}
	}
	// And what embeds no receiver cannot be bound.
	if _, ok := any(&pretender{}).(basic.LineHandler); ok {
		t.Error("a type without a receiver is a LineHandler")
	}
	if _, ok := any(&pretender{}).(basic.StringHandler); ok {
		t.Error("a type without a receiver is a StringHandler")
	}
	var mute struct{ basic.LineReceiver }
	if _, ok := any(&mute).(basic.LineHandler); ok {
		t.Error("a type without LineReceived is a LineHandler")
	}
}

// pretender has the methods and no receiver.
type pretender struct{}

func (*pretender) LineReceived([]byte)   {}
func (*pretender) StringReceived([]byte) {}

// everything is a handler with all the optional powers.
type everything struct {
	basic.LineReceiver
	calls []string
}

func (h *everything) note(call string)         { h.calls = append(h.calls, call) }
func (h *everything) ConnectionMade()          { h.note("made") }
func (h *everything) ConnectionLost(err error) { h.note("lost: " + err.Error()) }
func (h *everything) LineReceived(line []byte) { h.note(string(line)) }
func (h *everything) ReadConnectionLost()      { h.note("read lost"); h.Transport.LoseConnection() }
func (h *everything) WriteConnectionLost()     { h.note("write lost") }

func TestOptionalPowers(t *testing.T) {
	h := &everything{}
	client := &protocoltest.Recorder{}
	client.OnMade = func() {
		fmt.Fprint(client.Transport, "hello\r\n")
		client.Transport.LoseWriteConnection()
	}
	protocoltest.NewPair(client, basic.BindLine(h)).Pump()
	want := []string{"made", "hello", "read lost", "lost: connection was closed cleanly"}
	if !slices.Equal(h.calls, want) {
		t.Errorf("the handler got %q, want %q", h.calls, want)
	}

	h = &everything{}
	client = &protocoltest.Recorder{}
	protocoltest.NewPair(client, half{basic.BindLine(h), h}).Pump()
	if want := []string{"made", "write lost"}; !slices.Equal(h.calls[:2], want) {
		t.Errorf("the handler got %q, want %q", h.calls, want)
	}
}

// half closes its write side as soon as it can.
type half struct {
	protocol.Protocol
	h *everything
}

func (p half) ConnectionMade() {
	p.Protocol.ConnectionMade()
	p.h.Transport.LoseWriteConnection()
}

func (p half) ReadConnectionLost()  { p.Protocol.(protocol.HalfCloser).ReadConnectionLost() }
func (p half) WriteConnectionLost() { p.Protocol.(protocol.HalfCloser).WriteConnectionLost() }

func TestOnlyHalfClosersAreHalfClosers(t *testing.T) {
	if _, ok := basic.BindLine(&lines{}).(protocol.HalfCloser); ok {
		t.Error("a handler that knows nothing of it would have to close every half-closed connection")
	}
	if _, ok := basic.BindLine(&everything{}).(protocol.HalfCloser); !ok {
		t.Error("a handler that is a HalfCloser was bound to a protocol that is none")
	}
}

func TestFactoriesRefuseWithNil(t *testing.T) {
	refuseLine := basic.LineFactory(func(net.Addr) basic.LineHandler { return nil })
	refuseString := basic.StringFactory(func(net.Addr) basic.StringHandler { return nil })
	for _, f := range []protocol.Factory{refuseLine, refuseString} {
		if p := f.BuildProtocol(nil); p != nil {
			t.Errorf("built %v, want nil", p)
		}
	}
}

func TestFactoriesPassTheAddress(t *testing.T) {
	addr := &net.TCPAddr{Port: 10000}
	var got []net.Addr
	basic.LineFactory(func(a net.Addr) basic.LineHandler { got = append(got, a); return &lines{} }).BuildProtocol(addr)
	basic.StringFactory(func(a net.Addr) basic.StringHandler { got = append(got, a); return &int8s{} }).BuildProtocol(addr)
	if !slices.Equal(got, []net.Addr{addr, addr}) {
		t.Errorf("the functions got %v", got)
	}
}

// recovered returns the error that f panics with.
func recovered(f func()) (err error) {
	defer func() { err, _ = recover().(error) }()
	f()
	return errors.New("no panic")
}

func TestOneHandlerForTwoConnectionsPanics(t *testing.T) {
	h := &lines{}
	f := basic.LineFactory(func(net.Addr) basic.LineHandler { return h }) // not a new one
	first := f.BuildProtocol(nil)
	connect(t, first)
	if err := recovered(func() { f.BuildProtocol(nil) }); err == nil || err.Error() == "no panic" {
		t.Errorf("panicked with %v", err)
	}
	first.ConnectionLost(protocol.ErrConnectionDone)
	connect(t, f.BuildProtocol(nil)) // one after the other is fine
}

func TestAnUnboundReceiverSaysSo(t *testing.T) {
	h := &lines{}
	if err := recovered(func() { h.DataReceived([]byte("x")) }); err == nil || err.Error() == "no panic" {
		t.Errorf("panicked with %v", err)
	}
}

func TestLogPrefixNamesTheHandler(t *testing.T) {
	for _, tc := range []struct {
		p    protocol.Protocol
		want string
	}{
		{basic.BindLine(&lines{}), "*basic_test.lines"},
		{basic.BindLine(&everything{}), "*basic_test.everything"},
		{basic.BindLine(&named{}), "poet"},
	} {
		if got := tc.p.(protocol.LogPrefixer).LogPrefix(); got != tc.want {
			t.Errorf("got %q, want %q", got, tc.want)
		}
	}
}

// named is a handler with a name of its own in the log.
type named struct{ lines }

func (*named) LogPrefix() string { return "poet" }
