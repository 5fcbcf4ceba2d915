//go:build linux || darwin || freebsd

package conformance

import (
	"errors"
	"net"
	"strings"
	"syscall"
	"time"

	"skein/protocol"
	"skein/reactor"
)

// connecting is ConnectTCP and ConnectUNIX: how attempts fare.
var connecting = []test{
	{name: "refused", f: connectRefused},
	{name: "timed out", f: connectTimeout},
	{name: "the timeout is over when the connection stands", f: connectTimeoutOver},
	{name: "again after a failure, from the callback", f: connectAgainFailed},
	{name: "again after a connection, from the callback", f: connectAgainLost},
	{name: "again later", f: connectLater},
	{name: "not while connecting or connected", f: connectBusy},
	{name: "addresses that are none", f: connectBadAddress},
	{name: "a name", f: connectName, only: "tcp"},
	{name: "a name that does not resolve", f: connectUnknown, only: "tcp"},
	{name: "from an address", f: connectFrom, only: "tcp"},
	{name: "a factory for many connectors", f: connectShared},
	{name: "many at once", f: connectMany},
}

// nobody returns an address on which nobody listens any more.
func (s *scene) nobody() string {
	s.t.Helper()
	p := s.listen(s.builds())
	s.await(p.StopListening())
	return p.Addr().String()
}

// failed checks the calls and the reason of an attempt that failed.
func (s *scene) failed(f *factory, c protocol.Connector, targets ...error) {
	s.t.Helper()
	f.ended()
	s.sequence("the calls", f.calls, "StartFactory", "StartedConnecting", "ClientConnectionFailed", "StopFactory")
	for _, got := range f.connectors {
		s.check("the same connector comes with every call", got == c)
	}
	var e *protocol.ConnectError
	s.check("the reason is a ConnectError", errors.As(f.reason(), &e))
	equal(s, "the address in the reason", e.Addr, c.Destination())
	s.isError("the reason", f.reason(), targets...)
	s.check("the reason names the address: "+e.Error(), strings.Contains(e.Error(), c.Destination()))
	equal(s, "the state", c.State(), protocol.Disconnected)
}

func connectRefused(s *scene) {
	f := s.builds()
	c := s.connectTo(s.nobody(), f)
	s.failed(f, c)
	if s.network == "tcp" {
		s.isError("the reason", f.reason(), syscall.ECONNREFUSED)
	}
}

func connectTimeout(s *scene) {
	f, began := s.builds(), s.r.Now()
	c := s.connectTo(s.hole(), f, reactor.ConnectTimeout(short))
	s.failed(f, c, protocol.ErrConnectTimeout)
	var e net.Error
	s.check("the reason is a timeout for package net, too", errors.As(f.reason(), &e) && e.Timeout())
	s.check("not before its time", s.r.Now().Sub(began) >= short)
	equal(s, "connections", s.r.Stats().Connections, 0)
}

func connectTimeoutOver(s *scene) {
	server, client := s.newEnd("the server"), s.newEnd("the client")
	s.connect(s.listen(s.builds(server.proto)), s.builds(client.proto), reactor.ConnectTimeout(long))
	s.until("both are connected", func() bool { return server.Made() && client.Made() })
	equal(s, "delayed calls", s.r.PendingCalls(), 0)
	s.pass(long)
	s.check("the connection lives on", !client.Lost() && !server.Lost())
}

func connectAgainFailed(s *scene) {
	f := s.builds()
	f.onFailed = func(c protocol.Connector) {
		equal(s, "the state in the callback", c.State(), protocol.Disconnected)
		if len(f.reasons) < 3 {
			s.check("Connect", c.Connect() == nil)
			equal(s, "the state after Connect", c.State(), protocol.Connecting)
		}
	}
	s.connectTo(s.nobody(), f)
	f.ended()
	s.sequence("the calls", f.calls, "StartFactory", "StartedConnecting", "ClientConnectionFailed",
		"StartedConnecting", "ClientConnectionFailed", "StartedConnecting", "ClientConnectionFailed", "StopFactory")
}

func connectAgainLost(s *scene) {
	var protos []protocol.Protocol
	for range 3 {
		e := s.newEnd("a client")
		e.OnMade = func() { e.Transport.LoseConnection() }
		protos = append(protos, e.proto)
	}
	server := s.builds()
	server.build = func() protocol.Protocol { return s.newEnd("a server").proto }
	f := s.builds(protos...)
	f.onLost = func(c protocol.Connector) {
		equal(s, "the state in the callback", c.State(), protocol.Disconnected)
		if len(f.reasons) < 3 {
			s.check("Connect", c.Connect() == nil)
		}
	}
	s.connect(s.listen(server), f)
	f.ended()
	one := []string{"StartedConnecting", "BuildProtocol", "ClientConnectionLost"}
	s.sequence("the calls", f.calls, append(append(append(append([]string{"StartFactory"}, one...), one...), one...), "StopFactory")...)
}

func connectLater(s *scene) {
	server := s.builds()
	server.build = func() protocol.Protocol { return s.newEnd("a server").proto }
	p := s.listen(server)
	client := s.newEnd("the client")
	f := s.builds(nil, client.proto)
	c := s.connect(p, f)
	f.ended()
	s.turns(2)
	s.check("Connect", c.Connect() == nil)
	s.until("the client is connected", client.Made)
	s.sequence("the calls", f.calls, "StartFactory", "StartedConnecting", "BuildProtocol", "ClientConnectionLost",
		"StopFactory", "StartFactory", "StartedConnecting", "BuildProtocol")
}

func connectBusy(s *scene) {
	server, client := s.newEnd("the server"), s.newEnd("the client")
	f := s.builds(client.proto)
	f.onStarted = func(c protocol.Connector) {
		s.isError("Connect in StartedConnecting", c.Connect(), protocol.ErrNotDisconnected)
	}
	c := s.connect(s.listen(s.builds(server.proto)), f)
	s.isError("Connect while connecting", c.Connect(), protocol.ErrNotDisconnected)
	s.until("both are connected", func() bool { return server.Made() && client.Made() })
	s.isError("Connect while connected", c.Connect(), protocol.ErrNotDisconnected)
	s.marker()
	s.sequence("the calls", f.calls, "StartFactory", "StartedConnecting", "BuildProtocol")
}

func connectBadAddress(s *scene) {
	bad := []string{"nonsense", "127.0.0.1", "127.0.0.1:http", "127.0.0.1:65536", "127.0.0.1:-1", "::1:80", ":"}
	if s.network == "unix" {
		bad = []string{"/no such directory/skein", strings.Repeat("x", 200)}
	}
	for _, addr := range bad {
		f := s.builds()
		s.failed(f, s.connectTo(addr, f))
	}
}

func connectName(s *scene) {
	server, client := s.newEnd("the server"), s.newEnd("the client")
	p := s.listen(s.builds(server.proto))
	_, port, _ := net.SplitHostPort(p.Addr().String())
	c := s.connectTo("localhost:"+port, s.builds(client.proto))
	s.until("both are connected", func() bool { return server.Made() && client.Made() })
	equal(s, "the destination", c.Destination(), "localhost:"+port)
	equal(s, "the peer", client.Transport.RemoteAddr().String(), p.Addr().String())
}

func connectUnknown(s *scene) {
	f := s.builds()
	s.failed(f, s.connectTo("no-such-host.invalid:1", f, reactor.ConnectTimeout(10*time.Second)))
}

func connectFrom(s *scene) {
	server, client := s.newEnd("the server"), s.newEnd("the client")
	from := s.nobody()
	s.connect(s.listen(s.builds(server.proto)), s.builds(client.proto), reactor.BindAddress(from))
	s.until("both are connected", func() bool { return server.Made() && client.Made() })
	equal(s, "the client's address", server.Transport.RemoteAddr().String(), from)

	f := s.builds()
	s.failed(f, s.connectTo("127.0.0.1:1", f, reactor.BindAddress("nonsense")))
}

// connectShared gives one factory a port and two connectors: it starts with the
// first and stops after the last.
func connectShared(s *scene) {
	f := s.builds()
	f.build = func() protocol.Protocol { return s.newEnd("an end").proto }
	p := s.listen(f)
	s.connect(p, f)
	s.connect(p, f)
	s.until("all are connected", func() bool {
		made := 0
		for _, e := range s.ends {
			if e.Made() {
				made++
			}
		}
		return made == 4
	})
	s.await(p.StopListening())
	s.turns(2)
	s.check("two connectors are left", !f.over())
	for _, e := range s.ends {
		e.Transport.LoseConnection()
	}
	f.ended()
	starts := 0
	for _, call := range f.calls {
		if call == "StartFactory" {
			starts++
		}
	}
	equal(s, "calls of StartFactory", starts, 1)
	equal(s, "lost connections", len(f.reasons), 2)
}

func connectMany(s *scene) {
	const clients = 150 // more than a port accepts in a turn
	server := s.builds()
	server.build = func() protocol.Protocol {
		e := s.newEnd("a server")
		e.OnData = func([]byte) {
			e.write("reply")
			e.Transport.LoseConnection()
		}
		return e.proto
	}
	p := s.listen(server)
	var all []*end
	for range clients {
		e := s.newEnd("a client")
		e.OnMade = func() { e.write("request") }
		all = append(all, e)
		s.connect(p, s.builds(e.proto))
	}
	s.done(all...)
	for _, e := range all {
		e.got([]byte("reply"))
	}
	equal(s, "accepted", s.r.Stats().Accepted, clients)
}
