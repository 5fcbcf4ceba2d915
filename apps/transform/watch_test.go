package transform_test

import (
	"testing"
	"time"

	"skein/apps/transform"
	"skein/deferred/clock"
	"skein/protocol"
	"skein/protocol/protocoltest"
)

// One timer does for all sessions, and each is looked at in its own time.
func TestEachSessionIsLookedAtInItsOwnTime(t *testing.T) {
	const clients, timeout = 10, int(transform.DefaultTimeout / time.Second)
	c := clock.NewFake()
	server, _ := newServer(c)
	pipelined(server)
	protocols, transports := make([]protocol.Protocol, clients), make([]*protocoltest.StringTransport, clients)
	for i := range clients {
		protocols[i] = (&transform.Factory{Server: server}).BuildProtocol(nil)
		transports[i] = &protocoltest.StringTransport{TB: t}
		protocols[i].MakeConnection(transports[i])
		protocols[i].ConnectionMade()
		c.Advance(time.Second)
	}
	want := make(map[int]int)
	for i, p := range protocols {
		switch i {
		case 0, 5, clients - 1: // the first, one among the others, the last
			p.ConnectionLost(protocol.ErrConnectionDone)
		case 3: // it is looked at twice
			p.DataReceived([]byte("9:shout.one,"))
			want[i] = 2*timeout + i
		default:
			want[i] = timeout + i
		}
	}
	if n := c.Pending(); n != 1 {
		t.Errorf("there are %d timers", n)
	}
	got := make(map[int]int)
	for second := clients; second <= 3*timeout; second++ {
		for i, transport := range transports {
			if _, known := got[i]; !known && transport.Disconnecting() {
				got[i] = second
			}
		}
		c.Advance(time.Second)
	}
	for i := range clients {
		if got[i] != want[i] {
			t.Errorf("client %d is closed after %d s, want %d", i, got[i], want[i])
		}
	}
	if n := c.Pending(); n != 0 {
		t.Errorf("%d timers are left", n)
	}
}

// broken is a transport that cannot say what it holds.
type broken struct{ *protocoltest.StringTransport }

func (b broken) Buffered() int { panic("broken") }

// A session that cannot be looked at does not keep the others from being.
func TestAPanicOfATransportCostsOneSession(t *testing.T) {
	c := clock.NewFake()
	server, _ := newServer(c)
	whole := &protocoltest.StringTransport{TB: t}
	for _, transport := range []protocol.Transport{broken{&protocoltest.StringTransport{TB: t}}, whole} {
		p := (&transform.Factory{Server: server}).BuildProtocol(nil)
		p.MakeConnection(transport)
		p.ConnectionMade()
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic did not come through")
			}
		}()
		c.Advance(transform.DefaultTimeout)
	}()
	if c.Advance(0); !whole.Disconnecting() {
		t.Error("the other session goes on")
	}
}
