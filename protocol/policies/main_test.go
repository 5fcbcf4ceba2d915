package policies_test

import (
	"errors"
	"net"
	"slices"
	"testing"

	"go.uber.org/goleak"

	"skein/protocol"
	"skein/protocol/protocoltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// addr is where the clients of these tests come from.
var addr net.Addr = &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1234}

// build is a factory of one protocol.
func build(p protocol.Protocol) protocol.Factory {
	return protocol.FactoryFunc(func(net.Addr) protocol.Protocol { return p })
}

// recorders is a factory that keeps what it has built.
type recorders struct{ made []*protocoltest.Recorder }

func (f *recorders) BuildProtocol(net.Addr) protocol.Protocol {
	r := &protocoltest.Recorder{}
	f.made = append(f.made, r)
	return r
}

// refuse is a factory that wants nobody; fail is one that panics.
var (
	refuse = build(nil)
	fail   = protocol.FactoryFunc(func(net.Addr) protocol.Protocol { panic("no protocol today") })
)

// connect introduces a protocol and a transport to each other.
func connect(p protocol.Protocol, t protocol.Transport) {
	p.MakeConnection(t)
	p.ConnectionMade()
}

// expectCalls fails the test unless exactly these calls have come, in order.
func expectCalls(t *testing.T, who string, r *protocoltest.Recorder, want ...string) {
	t.Helper()
	if got := r.Calls(); !slices.Equal(got, want) {
		t.Errorf("%s got\n %q, want\n %q", who, got, want)
	}
	expectSound(t, who, r)
}

// expectSound fails the test if the contract of a protocol was broken.
func expectSound(t *testing.T, who string, r *protocoltest.Recorder) {
	t.Helper()
	if err := r.Err(); err != nil {
		t.Errorf("%s: %v", who, err)
	}
}

// expectErr fails the test unless err is each of the targets.
func expectErr(t *testing.T, what string, err error, targets ...error) {
	t.Helper()
	for _, target := range targets {
		if !errors.Is(err, target) {
			t.Errorf("%s is %v, want %v", what, err, target)
		}
	}
}

// expectPanic fails the test unless f panics.
func expectPanic(t *testing.T, f func()) (value any) {
	t.Helper()
	defer func() {
		t.Helper()
		if value = recover(); value == nil {
			t.Error("no panic came")
		}
	}()
	f()
	return nil
}

// want fails the test if the two differ.
func want[T comparable](t *testing.T, what string, got, expected T) {
	t.Helper()
	if got != expected {
		t.Errorf("%s: got %v, want %v", what, got, expected)
	}
}
