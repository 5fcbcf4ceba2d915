//go:build linux || darwin || freebsd

package conformance

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/rs/zerolog"

	"skein/deferred"
	"skein/protocol"
	"skein/reactor/reactortest"
)

// errOops is what the tests panic with.
var errOops = errors.New("oops")

// panics cost one connection, or nothing.
var panics = []test{
	{name: "in BuildProtocol of a server", f: panicInServer, opts: oops(1)},
	{name: "in BuildProtocol of a client", f: panicInClient, opts: oops(1)},
	{name: "in a factory's other calls", f: panicInFactory, opts: oops(6)},
	{name: "in each call of a protocol", f: panicInProtocol, opts: oops(6)},
	{name: "in ConnectionLost", f: panicInLost, opts: oops(1)},
	{name: "in each call of a producer", f: panicInProducer, opts: oops(3)},
	{name: "in a timer and in a posted call", f: panicInCalls, opts: oops(2)},
	{name: "pending output is not passed off as the whole", f: panicDrops, opts: oops(1)},
	{name: "they are logged, with the stack", f: panicLogged, opts: oops(1)},
}

// oops says that a test panics n times.
func oops(n int) []reactortest.Option { return []reactortest.Option{reactortest.Panics(n)} }

// panicked checks that the reason is a panic.
func (s *scene) panicked(reason error) {
	s.t.Helper()
	s.isError("the reason", reason, protocol.ErrConnectionLost, net.ErrClosed, errOops)
	var p *deferred.PanicError
	s.check("the reason has the stack", errors.As(reason, &p) && bytes.Contains(p.Stack, []byte("panicking.go")))
}

func panicInServer(s *scene) {
	f := s.builds()
	healthy := s.newEnd("the second server")
	f.build = func() protocol.Protocol {
		f.build = func() protocol.Protocol { return healthy.proto }
		panic(errOops)
	}
	p := s.listen(f)
	first, second := s.newEnd("the first client"), s.newEnd("the second client")
	s.connect(p, s.builds(first.proto))
	s.reset(first)
	s.connect(p, s.builds(second.proto))
	s.until("the second client is served", func() bool { return healthy.Made() && second.Made() })
	second.write("hello")
	healthy.got([]byte("hello"))
}

func panicInClient(s *scene) {
	server, f := s.newEnd("the server"), s.builds()
	f.build = func() protocol.Protocol { panic(errOops) }
	s.connect(s.listen(s.builds(server.proto)), f)
	f.ended()
	s.sequence("the client's factory", f.calls, "StartFactory", "StartedConnecting", "BuildProtocol", "ClientConnectionLost", "StopFactory")
	s.panicked(f.reason())
	s.until("no connection is left", func() bool { return s.r.Stats().Open == 0 })
}

// panicInFactory panics in every call of a factory that does not concern a
// connection, and has the connection all the same.
func panicInFactory(s *scene) {
	bad := func(protocol.Connector) { panic(errOops) }
	server, client := s.newEnd("the server"), s.newEnd("the client")
	f := s.builds(client.proto)
	f.onStart, f.onEnd = func() { panic(errOops) }, func() { panic(errOops) }
	f.onStarted, f.onLost = bad, bad
	s.connect(s.listen(s.builds(server.proto)), f)
	s.until("the connection stands", func() bool { return server.Made() && client.Made() })
	server.Transport.LoseConnection()
	s.done(client)
	f.ended()

	p := s.listen(s.builds())
	s.await(p.StopListening())
	f = s.builds()
	f.onFailed, f.onStarted = bad, bad
	s.connect(p, f)
	f.ended()
	s.sequence("the calls", f.calls, "StartFactory", "StartedConnecting", "ClientConnectionFailed", "StopFactory")
}

// panicInProtocol has one connection after the other panic, beside one that
// goes on.
func panicInProtocol(s *scene) {
	bystander, friend := s.pair()
	tests := map[string]func(e *end){
		"ConnectionMade":     func(e *end) { e.OnMade = func() { panic(errOops) } },
		"DataReceived":       func(e *end) { e.OnData = func([]byte) { panic(errOops) } },
		"ReadConnectionLost": func(e *end) { e.half.OnReadLost = func() { panic(errOops) } },
		"WriteConnectionLost": func(e *end) {
			e.OnMade = func() { e.Transport.LoseWriteConnection() }
			e.half.OnWriteLost = func() { panic(errOops) }
		},
		"a later DataReceived": func(e *end) {
			e.OnData = func([]byte) { e.OnData = func([]byte) { panic(errOops) }; e.write("again") }
		},
	}
	want := []byte{}
	for name, set := range tests {
		server, client := s.newHalf("the server that panics in "+name), s.newEnd("its client")
		set(server)
		client.OnData = func([]byte) { client.write("more") }
		client.OnMade = func() {
			client.write("something")
			if name != "a later DataReceived" {
				client.Transport.LoseWriteConnection()
			}
		}
		s.join(server, client)
		s.lost(server, client)
		s.panicked(server.Reason())
		if name != "WriteConnectionLost" { // by then the server has sent its end
			s.reset(client)
		}
		bystander.write(name)
		want = append(want, name...)
		friend.got(want)
	}
	s.panicInMake()
}

// panicInMake panics in MakeConnection: the protocol knows its transport, so it
// hears of the end, but of nothing else.
func (s *scene) panicInMake() {
	client, early := s.newEnd("the client"), &panicInMakeConnection{s: s}
	s.connect(s.listen(s.builds(early)), s.builds(client.proto))
	s.reset(client)
	s.until("the protocol has heard", func() bool { return early.lost != nil })
	s.panicked(early.lost)
	s.check("ConnectionMade does not come", !early.made)
}

// panicInMakeConnection panics as early as a protocol can.
type panicInMakeConnection struct {
	protocol.Base
	s    *scene
	made bool
	lost error
}

func (p *panicInMakeConnection) MakeConnection(protocol.Transport) { panic(errOops) }
func (p *panicInMakeConnection) ConnectionMade()                   { p.made = true }
func (p *panicInMakeConnection) DataReceived([]byte)               {}
func (p *panicInMakeConnection) ConnectionLost(reason error)       { p.lost = reason; p.s.poke() }

func panicInLost(s *scene) {
	server, client := s.newEnd("the server"), s.newEnd("the client")
	client.OnLost = func(error) { panic(errOops) }
	f := s.builds(client.proto)
	s.connect(s.listen(s.builds(server.proto)), f)
	s.until("both are connected", func() bool { return server.Made() && client.Made() })
	server.Transport.LoseConnection()
	f.ended()
	s.isError("the factory's reason", f.reason(), protocol.ErrConnectionDone)
	s.done(server)
	equal(s, "connections", s.r.Stats().Open, 0)
}

func panicInProducer(s *scene) {
	for _, call := range []string{"pause", "resume", "stop"} {
		server, client := s.pair()
		p := &badProducer{call: call}
		s.check("register", server.Transport.RegisterProducer(p, true) == nil)
		_, _ = server.Transport.Write(make([]byte, 128<<10))
		if call == "stop" {
			server.Transport.AbortConnection()
			s.lost(server, client)
			continue
		}
		s.lost(server)
		s.panicked(server.Reason())
		s.reset(client)
	}
}

// badProducer panics in one of its calls.
type badProducer struct{ call string }

func (p *badProducer) do(call string) {
	if p.call == call {
		panic(errOops)
	}
}

func (p *badProducer) PauseProducing()  { p.do("pause") }
func (p *badProducer) ResumeProducing() { p.do("resume") }
func (p *badProducer) StopProducing()   { p.do("stop") }

func panicInCalls(s *scene) {
	var ran []string
	for _, schedule := range []func(func()){s.r.CallFromThread, func(f func()) { s.r.CallLater(0, f) }} {
		schedule(func() { ran = append(ran, "before") })
		schedule(func() { panic(errOops) })
		schedule(func() { ran = append(ran, "after"); s.poke() })
	}
	s.until("all the others have run", func() bool { return len(ran) == 4 })
	s.sequence("the calls", ran, "before", "after", "before", "after")
}

func panicDrops(s *scene) {
	server, client := s.pair()
	client.Transport.PauseProducing()
	server.OnData = func([]byte) {
		server.write(string(s.much()))
		panic(errOops)
	}
	client.write("request")
	s.lost(server)
	s.panicked(server.Reason())
	client.Transport.ResumeProducing()
	s.reset(client)
}

func panicLogged(s *scene) {
	var log bytes.Buffer
	*s.r.Log() = s.r.Log().Output(&log)
	over := false
	s.r.CallLater(0, func() { over = true; s.poke(); panic(errOops) })
	s.until("it has happened", func() bool { return over })
	s.turns(1)
	*s.r.Log() = s.r.Log().Output(io.Discard)
	line := log.String()
	for _, want := range []string{`"level":"` + zerolog.ErrorLevel.String() + `"`, "oops", "panicLogged", "panicking.go"} {
		s.check("the log has "+want+": "+line, strings.Contains(line, want))
	}
}
