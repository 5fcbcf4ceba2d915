//go:build linux || darwin || freebsd

package conformance

import (
	"errors"
	"io"
	"syscall"

	"skein/protocol"
)

// aborting is AbortConnection.
var aborting = []test{
	{name: "the peer hears of a reset", f: abortPlain},
	{name: "pending output is dropped", f: abortDrops},
	{name: "twice is once", f: abortTwice},
	{name: "then lose", f: abortThenLose},
	{name: "a cause is in the reason", f: abortCause},
	{name: "no data is delivered any more", f: abortStopsInput},
	{name: "ConnectionLost comes later, whatever runs", f: abortIsLater},
	{name: "inside Write, by a producer", f: abortInWrite},
	{name: "in MakeConnection", f: abortInMake},
	{name: "while the peer's bytes are on their way", f: abortUnread},
}

func abortPlain(s *scene) {
	server, client := s.pair()
	server.Transport.AbortConnection()
	s.check("not from inside", !server.Lost())
	s.check("Disconnecting tells of it", server.Transport.Disconnecting())
	s.lost(server)
	s.isError("the reason", server.Reason(), protocol.ErrConnectionAborted, protocol.ErrConnectionLost)
	s.reset(client)
	if s.network == "tcp" {
		s.isError("the peer's reason", client.Reason(), syscall.ECONNRESET)
	}
}

func abortDrops(s *scene) {
	server, client := s.pair()
	server.write(string(pattern(1 << 20)))
	server.Transport.AbortConnection()
	equal(s, "buffered", server.Transport.Buffered(), 0)
	s.reset(client)
	equal(s, "bytes that arrived", len(client.in), 0)
}

func abortTwice(s *scene) {
	server, client := s.pair()
	server.Transport.AbortConnection()
	server.Transport.AbortConnection()
	s.lost(server)
	server.Transport.AbortConnection()
	s.marker()
	s.reset(client)
}

func abortThenLose(s *scene) {
	server, client := s.pair()
	server.Transport.AbortConnection()
	server.Transport.LoseConnection()
	server.Transport.LoseWriteConnection()
	s.lost(server)
	s.isError("the reason", server.Reason(), protocol.ErrConnectionAborted)
	s.reset(client)
}

func abortCause(s *scene) {
	server, client := s.pair()
	server.Transport.AbortConnectionCause(io.ErrUnexpectedEOF)
	server.Transport.AbortConnectionCause(io.ErrNoProgress)
	s.lost(server)
	s.isError("the reason", server.Reason(), protocol.ErrConnectionAborted, io.ErrUnexpectedEOF)
	s.check("the second cause comes too late", !errors.Is(server.Reason(), io.ErrNoProgress))
	s.reset(client)
}

func abortStopsInput(s *scene) {
	server, client := s.pair()
	client.OnData = func([]byte) { client.Transport.AbortConnection() }
	server.write(string(pattern(1 << 20)))
	s.lost(client)
	equal(s, "calls of DataReceived", len(client.Calls())-len(client.heard()), 1)
	s.reset(server)
}

// abortIsLater aborts from inside each call there is. The recorder finds a
// ConnectionLost that comes from inside another call.
func abortIsLater(s *scene) {
	tests := map[string]func(e *end, abort func()){
		"ConnectionMade":     func(e *end, abort func()) { e.OnMade = abort },
		"DataReceived":       func(e *end, abort func()) { e.OnData = func([]byte) { abort() } },
		"ReadConnectionLost": func(e *end, abort func()) { e.half.OnReadLost = abort },
		"a timer":            func(e *end, abort func()) { e.OnMade = func() { s.r.CallLater(0, abort) } },
		"a posted call":      func(e *end, abort func()) { e.OnMade = func() { s.r.CallFromThread(abort) } },
		"WriteConnectionLost": func(e *end, abort func()) {
			e.OnMade = func() { e.Transport.LoseWriteConnection() }
			e.half.OnWriteLost = abort
		},
	}
	for name, set := range tests {
		server, client := s.newHalf("the server in "+name), s.newHalf("the client of "+name)
		aborted := false
		set(server, func() {
			aborted = true
			server.Transport.AbortConnection()
			if server.Lost() {
				s.t.Errorf("ConnectionLost came from inside AbortConnection in %s", name)
			}
		})
		client.OnMade = func() {
			client.write("something")
			client.Transport.LoseWriteConnection()
		}
		s.join(server, client)
		s.lost(server, client)
		s.check("aborted in "+name, aborted)
		s.isError("the reason of "+name, server.Reason(), protocol.ErrConnectionAborted)
	}
}

// abortInWrite has the producer abort when it is paused, which happens inside
// Write.
func abortInWrite(s *scene) {
	server, client := s.pair()
	p := &abortingProducer{e: server}
	s.check("register", server.Transport.RegisterProducer(p, true) == nil)
	server.OnData = func([]byte) {
		_, _ = server.Transport.Write(make([]byte, 1<<20))
		if !p.paused || server.Lost() || p.stopped {
			s.t.Errorf("inside Write: paused %v, lost %v, stopped %v", p.paused, server.Lost(), p.stopped)
		}
		s.tooLate("after an abort inside Write", server.Transport)
	}
	client.write("go")
	s.lost(server)
	s.check("the producer is stopped", p.stopped)
	s.reset(client)
}

// abortingProducer aborts the connection when it is paused.
type abortingProducer struct {
	e               *end
	paused, stopped bool
}

func (p *abortingProducer) ResumeProducing() {}
func (p *abortingProducer) StopProducing()   { p.stopped = true }
func (p *abortingProducer) PauseProducing() {
	p.paused = true
	p.e.Transport.AbortConnection()
}

// abortInMake aborts before ConnectionMade, which then does not come: there is
// nothing to greet.
func abortInMake(s *scene) {
	client := s.newEnd("the client")
	early := &abortInMakeConnection{s: s}
	s.connect(s.listen(s.builds(early)), s.builds(client.proto))
	s.until("the server has lost its connection", func() bool { return early.lost == 1 })
	equal(s, "calls of ConnectionMade", early.made, 0)
	s.reset(client)
}

// abortInMakeConnection aborts as soon as it can.
type abortInMakeConnection struct {
	protocol.Base
	s          *scene
	made, lost int
}

func (p *abortInMakeConnection) MakeConnection(t protocol.Transport) { t.AbortConnection() }
func (p *abortInMakeConnection) ConnectionMade()                     { p.made++ }
func (p *abortInMakeConnection) DataReceived([]byte)                 {}
func (p *abortInMakeConnection) ConnectionLost(error)                { p.lost++; p.s.poke() }

func abortUnread(s *scene) {
	server, client := s.pair()
	server.Transport.PauseProducing()
	client.write(string(s.much()))
	s.marker()
	server.Transport.AbortConnection()
	s.lost(server, client)
	s.isError("the peer's reason", client.Reason(), protocol.ErrConnectionLost)
}
