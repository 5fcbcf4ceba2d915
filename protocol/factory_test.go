package protocol_test

import (
	"net"
	"reflect"
	"testing"

	"skein/protocol"
)

func TestFactoryFuncCallsTheFunction(t *testing.T) {
	addr, want := &net.TCPAddr{Port: 10000}, &complete{}
	var got net.Addr
	f := protocol.FactoryFunc(func(a net.Addr) protocol.Protocol {
		got = a
		return want
	})
	if p := f.BuildProtocol(addr); p != protocol.Protocol(want) {
		t.Errorf("BuildProtocol returned %v, want what the function returned", p)
	}
	if got != net.Addr(addr) {
		t.Errorf("the function got %v, want %v", got, addr)
	}
}

func TestClientFactoryBaseAnswersAllButBuildProtocol(t *testing.T) {
	base, contract := reflect.TypeFor[protocol.ClientFactoryBase](), reflect.TypeFor[protocol.ClientFactory]()
	for i := range contract.NumMethod() {
		name := contract.Method(i).Name
		if _, has := base.MethodByName(name); has == (name == "BuildProtocol") {
			t.Errorf("ClientFactoryBase has %s: %t", name, has)
		}
	}
	var f protocol.ClientFactory = &quietClient{}
	f.StartedConnecting(nil) // a base that looked at its arguments would panic
	f.ClientConnectionFailed(nil, nil)
	f.ClientConnectionLost(nil, nil)
}

func TestConnectorStateNames(t *testing.T) {
	tests := map[protocol.ConnectorState]string{
		protocol.Disconnected: "disconnected",
		protocol.Connecting:   "connecting",
		protocol.Connected:    "connected",
	}
	for state, want := range tests {
		if got := state.String(); got != want {
			t.Errorf("state %d is %q, want %q", uint8(state), got, want)
		}
	}
	if zero := *new(protocol.ConnectorState); zero != protocol.Disconnected {
		t.Errorf("a connector starts as %v", zero)
	}
}
