//go:build linux || darwin || freebsd

package conformance

import (
	"errors"
	"time"

	"skein/protocol"
)

// reading is PauseProducing and ResumeProducing of a transport.
var reading = []test{
	{name: "nothing is delivered while paused", f: readPaused},
	{name: "from inside DataReceived, and nothing is lost", f: readPausing},
	{name: "resuming never delivers from inside", f: readResumeLater},
	{name: "paused and resumed at once", f: readBackAndForth},
	{name: "in ConnectionMade", f: readPausedFirst},
	{name: "in ConnectionMade, at the end that was accepted", f: readPausedFirstAccepted},
	{name: "a resume after LoseConnection does nothing", f: readResumeClosing},
	{name: "the peer's end waits behind the data", f: readEndWaits},
	{name: "a paused connection hears of a reset", f: readPausedReset, only: "tcp"},
	{name: "a paused connection that was accepted hears of a reset", f: readPausedResetAccepted, only: "tcp"},
	{name: "a connection that was accepted, and paused in ConnectionMade, hears of a reset", f: readPausedFirstReset, only: "tcp"},
	{name: "data that came before a reset is delivered", f: readBeforeReset, only: "tcp"},
	{name: "no piece is larger than 64 KiB", f: readChunks},
}

func readPaused(s *scene) {
	server, client := s.pair()
	client.Transport.PauseProducing()
	server.write("one")
	s.marker()
	server.write("two")
	s.marker()
	equal(s, "bytes delivered to a paused protocol", len(client.in), 0)
	client.Transport.ResumeProducing()
	client.got([]byte("onetwo"))
	client.Transport.PauseProducing()
	client.Transport.PauseProducing()
	server.write("three")
	s.marker()
	equal(s, "bytes delivered to a paused protocol", len(client.in), 6)
	client.Transport.ResumeProducing()
	client.got([]byte("onetwothree"))
}

func readPausing(s *scene) {
	server, client := s.pair()
	paused := false
	client.OnData = func([]byte) {
		if paused {
			s.t.Error("data came to a paused protocol")
		}
		paused = true
		client.Transport.PauseProducing()
		s.r.CallLater(0, func() {
			paused = false
			client.Transport.ResumeProducing()
		})
	}
	want := pattern(2 << 20)
	server.write(string(want))
	client.got(want)
}

func readResumeLater(s *scene) {
	server, client := s.pair()
	client.Transport.PauseProducing()
	server.write("waiting")
	s.marker()
	client.Transport.ResumeProducing()
	equal(s, "bytes delivered inside ResumeProducing", len(client.in), 0)
	client.got([]byte("waiting"))
}

func readBackAndForth(s *scene) {
	server, client := s.pair()
	client.OnData = func([]byte) {
		client.Transport.PauseProducing()
		client.Transport.ResumeProducing()
		client.Transport.PauseProducing()
		client.Transport.ResumeProducing()
	}
	want := pattern(1 << 20)
	server.write(string(want))
	client.got(want)
	server.write("more")
	client.got(append(want, "more"...))
}

func readPausedFirst(s *scene) {
	server, client := s.newEnd("the server"), s.newEnd("the client")
	server.OnMade = func() { server.write("greeting") }
	client.OnMade = func() { client.Transport.PauseProducing() }
	s.join(server, client)
	s.marker()
	equal(s, "bytes delivered to a paused protocol", len(client.in), 0)
	client.Transport.ResumeProducing()
	client.got([]byte("greeting"))
}

// readPausedFirstAccepted resumes after some time: such a connection is watched later
// than others.
func readPausedFirstAccepted(s *scene) {
	for _, after := range []time.Duration{0, 4 * time.Millisecond, 30 * time.Millisecond} {
		server, client := s.newEnd("the server"), s.newEnd("the client")
		server.OnMade = func() { server.Transport.PauseProducing() }
		s.join(server, client)
		client.write("greeting")
		s.pass(after)
		equal(s, "bytes delivered to a paused protocol", len(server.in), 0)
		server.Transport.ResumeProducing()
		server.got([]byte("greeting"))
		client.write(", bye")
		client.Transport.LoseConnection()
		s.done(client, server)
		server.got([]byte("greeting, bye"))
	}
}

func readResumeClosing(s *scene) {
	server, client := s.pair()
	client.Transport.PauseProducing()
	server.write("unwanted")
	s.marker()
	client.Transport.LoseConnection()
	client.Transport.ResumeProducing()
	s.done(client, server)
	equal(s, "bytes delivered after LoseConnection", len(client.in), 0)
	client.Transport.ResumeProducing()
	client.Transport.PauseProducing()
	s.marker()
}

func readEndWaits(s *scene) {
	server, client := s.pair()
	client.Transport.PauseProducing()
	server.write("bye")
	server.Transport.LoseConnection()
	s.marker()
	s.sequence("the paused client", client.Calls(), "MakeConnection", "ConnectionMade")
	client.Transport.ResumeProducing()
	s.done(client, server)
	client.got([]byte("bye"))
}

func readPausedReset(s *scene) {
	server, client := s.pair()
	client.Transport.PauseProducing()
	server.Transport.AbortConnection()
	s.lost(client)
	s.isError("the reason", client.Reason(), protocol.ErrConnectionLost)
}

// readPausedResetAccepted is the other end, which is watched in another way.
func readPausedResetAccepted(s *scene) {
	server, client := s.pair()
	server.Transport.PauseProducing()
	client.Transport.AbortConnection()
	s.lost(server)
	s.isError("the reason", server.Reason(), protocol.ErrConnectionLost)
}

func readPausedFirstReset(s *scene) {
	server, client := s.newEnd("the server"), s.newEnd("the client")
	server.OnMade = func() { server.Transport.PauseProducing() }
	s.join(server, client)
	client.Transport.AbortConnection()
	s.lost(server)
	s.isError("the reason", server.Reason(), protocol.ErrConnectionLost)
}

// readBeforeReset has the bytes arrive before the peer aborts.
func readBeforeReset(s *scene) {
	server, client := s.pair()
	server.write("last words")
	client.got([]byte("last words"))
	server.write("not quite")
	s.turns(1) // the flush
	server.Transport.AbortConnection()
	s.reset(client)
	client.got([]byte("last wordsnot quite"))
	s.check("one end only", !errors.Is(client.Reason(), protocol.ErrConnectionDone))
}

// readChunks looks at the sizes: no piece is larger than the loop promises, so
// that nobody waits for one connection for long.
func readChunks(s *scene) {
	server, client := s.pair()
	largest := 0
	client.OnData = func(data []byte) { largest = max(largest, len(data)) }
	want := pattern(2 << 20)
	server.write(string(want))
	client.got(want)
	s.check("no piece is larger than 64 KiB", largest <= 64<<10)
}
