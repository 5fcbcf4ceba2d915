//go:build linux || darwin || freebsd

package conformance

import (
	"skein/protocol"
	"skein/reactor"
)

// stopping is StopConnecting and Disconnect, in each state of a connector.
var stopping = []test{
	{name: "before the attempt has begun", f: stopBefore},
	{name: "in StartedConnecting", f: stopInStarted},
	{name: "while the attempt is under way", f: stopDuring},
	{name: "twice is once", f: stopTwice},
	{name: "not when there is no attempt", f: stopIdle},
	{name: "and try again", f: stopAndAgain},
	{name: "Disconnect while connecting", f: disconnectConnecting},
	{name: "Disconnect while connected", f: disconnectConnected},
	{name: "Disconnect in BuildProtocol", f: disconnectInBuild},
	{name: "Disconnect when disconnected does nothing", f: disconnectIdle},
	{name: "Disconnect delivers what is queued", f: disconnectFlushes},
}

func stopBefore(s *scene) {
	f := s.builds()
	c := s.connectTo(s.hole(), f)
	s.check("StopConnecting", c.StopConnecting() == nil)
	s.sequence("calls from inside", f.calls)
	s.failed(f, c, protocol.ErrConnectStopped)
}

func stopInStarted(s *scene) {
	f := s.builds()
	f.onStarted = func(c protocol.Connector) {
		s.check("StopConnecting", c.StopConnecting() == nil)
		s.sequence("calls from inside", f.calls, "StartFactory", "StartedConnecting")
	}
	s.failed(f, s.connectTo(s.hole(), f), protocol.ErrConnectStopped)
}

// underWay begins an attempt that will not succeed by itself.
func (s *scene) underWay(opts ...reactor.ConnectOption) (*factory, protocol.Connector) {
	s.t.Helper()
	f := s.builds()
	c := s.connectTo(s.hole(), f, opts...)
	s.until("the attempt has begun", func() bool { return len(f.calls) == 2 })
	s.turns(2)
	equal(s, "the state", c.State(), protocol.Connecting)
	return f, c
}

func stopDuring(s *scene) {
	f, c := s.underWay()
	s.check("StopConnecting", c.StopConnecting() == nil)
	s.sequence("calls from inside", f.calls, "StartFactory", "StartedConnecting")
	s.failed(f, c, protocol.ErrConnectStopped)
	equal(s, "delayed calls", s.r.PendingCalls(), 0)
}

func stopTwice(s *scene) {
	f, c := s.underWay()
	s.check("StopConnecting", c.StopConnecting() == nil)
	_ = c.StopConnecting() // whatever it says, it tells the factory nothing new
	c.Disconnect()
	s.failed(f, c, protocol.ErrConnectStopped)
	s.turns(3)
	s.failed(f, c, protocol.ErrConnectStopped)
}

func stopIdle(s *scene) {
	server, client := s.newEnd("the server"), s.newEnd("the client")
	f := s.builds(client.proto)
	c := s.connect(s.listen(s.builds(server.proto)), f)
	s.until("both are connected", func() bool { return server.Made() && client.Made() })
	s.isError("StopConnecting while connected", c.StopConnecting(), protocol.ErrNotConnecting)
	c.Disconnect()
	f.ended()
	s.isError("StopConnecting while disconnected", c.StopConnecting(), protocol.ErrNotConnecting)
}

func stopAndAgain(s *scene) {
	f, c := s.underWay()
	again := false
	f.onFailed = func(c protocol.Connector) {
		if !again {
			again = true
			s.check("Connect", c.Connect() == nil)
		}
	}
	s.check("StopConnecting", c.StopConnecting() == nil)
	s.until("the second attempt has begun", func() bool { return len(f.calls) == 4 })
	s.check("StopConnecting", c.StopConnecting() == nil)
	f.ended()
	s.sequence("the calls", f.calls, "StartFactory", "StartedConnecting", "ClientConnectionFailed",
		"StartedConnecting", "ClientConnectionFailed", "StopFactory")
}

func disconnectConnecting(s *scene) {
	f, c := s.underWay()
	c.Disconnect()
	s.sequence("calls from inside", f.calls, "StartFactory", "StartedConnecting")
	s.failed(f, c, protocol.ErrConnectStopped)
}

func disconnectConnected(s *scene) {
	server, client := s.newEnd("the server"), s.newEnd("the client")
	f := s.builds(client.proto)
	c := s.connect(s.listen(s.builds(server.proto)), f)
	s.until("both are connected", func() bool { return server.Made() && client.Made() })
	c.Disconnect()
	s.check("ConnectionLost does not come from inside", !client.Lost())
	c.Disconnect()
	s.done(client, server)
	f.ended()
}

func disconnectInBuild(s *scene) {
	server, client := s.newEnd("the server"), s.newEnd("the client")
	f := s.builds()
	var c protocol.Connector
	f.build = func() protocol.Protocol {
		c.Disconnect()
		return client.proto
	}
	c = s.connect(s.listen(s.builds(server.proto)), f)
	f.ended()
	s.done(client, server)
}

func disconnectIdle(s *scene) {
	f := s.builds()
	c := s.connectTo(s.nobody(), f)
	f.ended()
	c.Disconnect()
	s.turns(3)
	s.failed(f, c)
}

func disconnectFlushes(s *scene) {
	server, client := s.newEnd("the server"), s.newEnd("the client")
	c := s.connect(s.listen(s.builds(server.proto)), s.builds(client.proto))
	s.until("both are connected", func() bool { return server.Made() && client.Made() })
	server.slowly()
	want := pattern(1 << 20)
	client.write(string(want))
	c.Disconnect()
	s.done(server, client)
	server.got(want)
}
