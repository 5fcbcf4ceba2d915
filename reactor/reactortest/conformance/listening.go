//go:build linux || darwin || freebsd

package conformance

import (
	"errors"
	"net"
	"strings"
	"syscall"

	"skein/deferred"
	"skein/protocol"
)

// listening is ListenTCP, ListenUNIX and what a port does.
var listening = []test{
	{name: "port 0 stands for a number that is known at once", f: listenZero, only: "tcp"},
	{name: "an address that is taken", f: listenTaken},
	{name: "addresses that are none", f: listenBadAddress},
	{name: "a factory is needed", f: listenNil},
	{name: "after StopListening nobody is accepted", f: listenStop},
	{name: "live connections live on", f: listenLiveOn},
	{name: "stopping twice is once", f: listenStopTwice},
	{name: "stopping in BuildProtocol", f: listenStopInBuild},
	{name: "while accepting is paused, clients wait", f: listenPaused},
	{name: "stopping while accepting is paused", f: listenPausedStop},
	{name: "an address can be used again at once", f: listenAgain},
	{name: "factories hear of their ports", f: listenFactory},
	{name: "every address of the machine", f: listenEverywhere, only: "tcp"},
}

func listenZero(s *scene) {
	p, q := s.listen(s.builds()), s.listen(s.builds())
	for _, a := range []net.Addr{p.Addr(), q.Addr()} {
		tcp, ok := a.(*net.TCPAddr)
		s.check("the address is a TCP address with a number", ok && tcp.Port != 0 && tcp.IP.String() == "127.0.0.1")
	}
	s.check("the numbers differ", p.Addr().String() != q.Addr().String())
}

// cannotListen checks the error of a port that could not be opened.
func (s *scene) cannotListen(addr string, err error, targets ...error) {
	s.t.Helper()
	var e *protocol.CannotListenError
	s.check("it is an error to listen on "+addr, errors.As(err, &e))
	equal(s, "the address in the error", e.Addr, addr)
	s.check("the text names the address: "+err.Error(), strings.Contains(err.Error(), addr))
	s.isError("the cause", err, targets...)
}

func listenTaken(s *scene) {
	p, f := s.listen(s.builds()), s.builds()
	addr := p.Addr().String()
	_, err := s.listenOn(addr, f)
	s.cannotListen(addr, err, syscall.EADDRINUSE)
	s.turns(2)
	s.sequence("the calls of a factory without a port", f.calls)
}

func listenBadAddress(s *scene) {
	bad := []string{"nonsense", "127.0.0.1", "127.0.0.1:http", "127.0.0.1:65536", "no-such-host.invalid:1"}
	if s.network == "unix" {
		bad = []string{"", "/no such directory/skein", strings.Repeat("x", 200)}
	}
	for _, addr := range bad {
		f := s.builds()
		_, err := s.listenOn(addr, f)
		s.cannotListen(addr, err)
		s.sequence("the calls of a factory without a port", f.calls)
	}
}

func listenNil(s *scene) {
	s.panics("a nil factory to listen", func() { _, _ = s.listenOn(s.address(), nil) })
	s.panics("a nil factory to connect", func() { s.connectTo(s.address(), nil) })
}

// panics fails the test unless f panics with an error.
func (s *scene) panics(what string, f func()) (err error) {
	s.t.Helper()
	defer func() {
		s.t.Helper()
		var ok bool
		err, ok = recover().(error)
		s.check("a panic with an error for "+what, ok)
	}()
	f()
	return nil
}

func listenStop(s *scene) {
	f := s.builds()
	p := s.listen(f)
	d := p.StopListening()
	equal(s, "the Deferred's result", s.await(d), nil)
	s.sequence("the port's factory", f.calls, "StartFactory", "StopFactory")
	c := s.builds()
	s.failed(c, s.connect(p, c))
	s.sequence("the port's factory", f.calls, "StartFactory", "StopFactory")
}

func listenLiveOn(s *scene) {
	server, client := s.newEnd("the server"), s.newEnd("the client")
	f := s.builds(server.proto)
	p := s.listen(f)
	s.connect(p, s.builds(client.proto))
	s.until("both are connected", func() bool { return server.Made() && client.Made() })
	s.await(p.StopListening())
	f.ended()
	server.write("still")
	client.got([]byte("still"))
	client.write("here")
	server.got([]byte("here"))
	equal(s, "the server's own address", server.Transport.LocalAddr().String(), p.Addr().String())
}

func listenStopTwice(s *scene) {
	f := s.builds()
	p := s.listen(f)
	one, two := p.StopListening(), p.StopListening()
	s.check("each call has a Deferred of its own", one != two)
	s.await(deferred.GatherResults([]*deferred.Deferred{one, two}))
	s.await(p.StopListening())
	s.turns(2)
	s.sequence("the port's factory", f.calls, "StartFactory", "StopFactory")
}

func listenStopInBuild(s *scene) {
	server, client := s.newEnd("the server"), s.newEnd("the client")
	f := s.builds()
	p := s.listen(f)
	f.build = func() protocol.Protocol {
		p.StopListening()
		return server.proto
	}
	s.connect(p, s.builds(client.proto))
	s.until("both are connected", func() bool { return server.Made() && client.Made() })
	f.ended()
	server.write("hello")
	client.got([]byte("hello"))
}

func listenPaused(s *scene) {
	server, client := s.newEnd("the server"), s.newEnd("the client")
	f := s.builds(server.proto)
	p := s.listen(f)
	p.PauseAccepting()
	s.connect(p, s.builds(client.proto))
	s.until("the client is connected", client.Made)
	client.write("early")
	s.marker()
	s.sequence("the calls of a paused port's factory", f.calls, "StartFactory")
	p.ResumeAccepting()
	s.check("nobody is accepted from inside ResumeAccepting", !server.Made())
	server.got([]byte("early"))
}

func listenPausedStop(s *scene) {
	client := s.newEnd("the client")
	p := s.listen(s.builds())
	p.PauseAccepting()
	s.connect(p, s.builds(client.proto))
	s.until("the client is connected", client.Made)
	s.await(p.StopListening())
	p.ResumeAccepting()
	s.lost(client)
	equal(s, "accepted", s.r.Stats().Accepted, 0)
}

func listenAgain(s *scene) {
	server, client := s.newEnd("the server"), s.newEnd("the client")
	p := s.listen(s.builds(server.proto))
	s.connect(p, s.builds(client.proto))
	s.until("both are connected", func() bool { return server.Made() && client.Made() })
	s.await(p.StopListening())
	server.Transport.LoseConnection() // the side that closes first keeps the address, on a machine
	s.done(client, server)
	again, err := s.listenOn(p.Addr().String(), s.builds())
	s.check("the address is free again", err == nil)
	equal(s, "the address", again.Addr().String(), p.Addr().String())
	s.await(again.StopListening())
}

func listenFactory(s *scene) {
	f := s.builds()
	one := s.listen(f)
	s.sequence("with the first port", f.calls, "StartFactory")
	two := s.listen(f)
	s.await(one.StopListening())
	s.turns(1)
	s.sequence("with one port left", f.calls, "StartFactory")
	s.await(two.StopListening())
	f.ended()
	three := s.listen(f)
	s.await(three.StopListening())
	s.turns(1)
	s.sequence("with another one", f.calls, "StartFactory", "StopFactory", "StartFactory", "StopFactory")
}

func listenEverywhere(s *scene) {
	server, client := s.newEnd("the server"), s.newEnd("the client")
	p, err := s.listenOn(":0", s.builds(server.proto))
	s.check("an empty host is every address", err == nil)
	s.ports = append(s.ports, p)
	_, port, _ := net.SplitHostPort(p.Addr().String())
	s.connectTo("127.0.0.1:"+port, s.builds(client.proto))
	s.until("both are connected", func() bool { return server.Made() && client.Made() })
	equal(s, "the server's own address", server.Transport.LocalAddr().String(), "127.0.0.1:"+port)
}
