//go:build linux || darwin || freebsd

package conformance

import (
	"errors"
	"time"

	"skein/protocol"
)

// ordering is the order of the calls of one connection.
var ordering = []test{
	{name: "the calls of a protocol come in order", f: orderOfProtocol},
	{name: "the calls of a client factory come in order", f: orderOfFactory},
	{name: "nothing is called back before connect returns", f: orderOfConnect},
	{name: "the transport knows its addresses, after the end too", f: orderOfAddresses},
	{name: "a server's factory may refuse", f: refuseServer},
	{name: "a client's factory may refuse", f: refuseClient},
	{name: "TCP options are there on TCP only", f: orderOfOptions},
}

func orderOfProtocol(s *scene) {
	server, client := s.pair()
	server.write("hello")
	client.got([]byte("hello"))
	client.Transport.LoseConnection()
	s.lost(server, client)
	s.sequence("the client", client.Calls(), "MakeConnection", "ConnectionMade", `DataReceived("hello")`,
		"ConnectionLost(connection was closed cleanly)")
	s.sequence("the server", server.Calls(), "MakeConnection", "ConnectionMade",
		"ConnectionLost(connection was closed cleanly)")
}

func orderOfFactory(s *scene) {
	server, client := s.newEnd("the server"), s.newEnd("the client")
	server.OnMade = func() { server.Transport.LoseConnection() }
	f := s.builds(client.proto)
	client.OnMade = func() { f.calls = append(f.calls, "ConnectionMade") }
	client.OnLost = func(error) { f.calls = append(f.calls, "ConnectionLost") }
	c := s.connect(s.listen(s.builds(server.proto)), f)
	f.ended()
	s.sequence("the calls", f.calls, "StartFactory", "StartedConnecting", "BuildProtocol", "ConnectionMade",
		"ConnectionLost", "ClientConnectionLost", "StopFactory")
	for _, got := range f.connectors {
		s.check("the same connector comes with every call", got == c)
	}
	s.check("protocol and factory get the same reason", f.reason() == client.Reason())
	equal(s, "the state", c.State(), protocol.Disconnected)
}

func orderOfConnect(s *scene) {
	f := s.builds(s.newEnd("the client").proto)
	p := s.listen(s.builds(s.newEnd("the server").proto))
	c := s.connect(p, f)
	s.sequence("calls before connect returned", f.calls)
	equal(s, "the state", c.State(), protocol.Connecting)
	equal(s, "the destination", c.Destination(), p.Addr().String())
	s.until("both are connected", s.ends[0].Made)
	equal(s, "the state", c.State(), protocol.Connected)
}

func orderOfAddresses(s *scene) {
	server, client := s.newEnd("the server"), s.newEnd("the client")
	p := s.listen(s.builds(server.proto))
	s.connect(p, s.builds(client.proto))
	s.until("both are connected", func() bool { return server.Made() && client.Made() })
	for range 2 {
		equal(s, "the client's peer", client.Transport.RemoteAddr().String(), p.Addr().String())
		equal(s, "the server's own address", server.Transport.LocalAddr().String(), p.Addr().String())
		equal(s, "the server's peer", server.Transport.RemoteAddr().String(), client.Transport.LocalAddr().String())
		equal(s, "the network", server.Transport.RemoteAddr().Network(), s.network)
		if !server.Lost() {
			server.Transport.LoseConnection()
			s.lost(server, client)
		}
	}
}

func refuseServer(s *scene) {
	client := s.newEnd("the client")
	f := s.builds()
	s.connect(s.listen(f), s.builds(client.proto))
	s.done(client)
	s.sequence("the server's factory", f.calls, "StartFactory", "BuildProtocol")
	equal(s, "connections", s.r.Stats().Open, 0)
}

func refuseClient(s *scene) {
	server, f := s.newEnd("the server"), s.builds()
	c := s.connect(s.listen(s.builds(server.proto)), f)
	f.ended()
	s.sequence("the client's factory", f.calls, "StartFactory", "StartedConnecting", "BuildProtocol",
		"ClientConnectionLost", "StopFactory")
	s.isError("the reason", f.reason(), protocol.ErrConnectionDone)
	equal(s, "the state", c.State(), protocol.Disconnected)
	s.until("the server has seen it", func() bool { return s.r.Stats().Accepted == 1 && s.r.Stats().Open == 0 })
}

func orderOfOptions(s *scene) {
	server, _ := s.pair()
	o, ok := server.Transport.(protocol.TCPOptions)
	if s.network == "unix" {
		s.check("an option of TCP on a UNIX socket is an error", !ok || o.SetNoDelay(true) != nil)
		return
	}
	s.check("a TCP transport has the options of TCP", ok)
	s.check("the options can be set", errors.Join(o.SetNoDelay(false), o.SetNoDelay(true), o.SetKeepAlive(time.Minute), o.SetKeepAlive(0)) == nil)
	server.Transport.AbortConnection()
	s.closed("SetNoDelay after the end", o.SetNoDelay(true))
	s.closed("SetKeepAlive after the end", o.SetKeepAlive(time.Minute))
}
