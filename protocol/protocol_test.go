package protocol_test

import (
	"net"
	"reflect"
	"testing"

	"skein/protocol"
)

// The shapes that a user of Base writes. Those that must compile are asserted
// here; those that must not are looked at by reflection below.
var (
	_ protocol.Protocol      = (*complete)(nil)
	_ protocol.ClientFactory = (*quietClient)(nil)
	_ protocol.Factory       = protocol.FactoryFunc(nil)
	_ protocol.Producer      = protocol.PushProducer(nil) // a push producer can be registered
)

// complete is the smallest protocol there is.
type complete struct{ protocol.Base }

func (*complete) DataReceived([]byte) {}

// misspelt forgot how DataReceived is written.
type misspelt struct{ protocol.Base }

func (*misspelt) DataRecieved([]byte) {}

// mistyped remembered the name only.
type mistyped struct{ protocol.Base }

func (*mistyped) DataReceived(string) {}

// quietClient is a client factory that does not care how its attempts fare.
type quietClient struct{ protocol.ClientFactoryBase }

func (*quietClient) BuildProtocol(net.Addr) protocol.Protocol { return &complete{} }

func TestForgettingDataReceivedDoesNotCompile(t *testing.T) {
	tests := []struct {
		name string
		typ  reflect.Type
		want bool
	}{
		{"complete", reflect.TypeFor[*complete](), true},
		{"Base alone", reflect.TypeFor[*protocol.Base](), false},
		{"misspelt", reflect.TypeFor[*misspelt](), false},
		{"mistyped", reflect.TypeFor[*mistyped](), false},
		{"a value, whose transport would be lost", reflect.TypeFor[complete](), false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := test.typ.Implements(reflect.TypeFor[protocol.Protocol]()); got != test.want {
				t.Errorf("%v implements Protocol: %t, want %t", test.typ, got, test.want)
			}
		})
	}
}

func TestBaseForgetsNothingButDataReceived(t *testing.T) {
	base, contract := reflect.TypeFor[*protocol.Base](), reflect.TypeFor[protocol.Protocol]()
	for i := range contract.NumMethod() {
		name := contract.Method(i).Name
		if _, has := base.MethodByName(name); has == (name == "DataReceived") {
			t.Errorf("Base has %s: %t", name, has)
		}
	}
}

// deaf is a transport of which only the identity matters.
type deaf struct{ protocol.Transport }

func TestBaseKeepsTheTransport(t *testing.T) {
	p, tr := &complete{}, &deaf{}
	p.MakeConnection(tr)
	p.ConnectionMade()
	p.ConnectionLost(protocol.ErrConnectionDone)
	if p.Transport != protocol.Transport(tr) {
		t.Errorf("Transport is %v, want the one that MakeConnection brought, even after the end", p.Transport)
	}
}

func TestBaseIsNoHalfCloser(t *testing.T) {
	// Base must not bring the optional power along: whoever embeds it would
	// then have to close every half-closed connection by hand.
	var p protocol.Protocol = &complete{}
	if _, ok := p.(protocol.HalfCloser); ok {
		t.Error("a protocol that embeds Base is a HalfCloser")
	}
}
