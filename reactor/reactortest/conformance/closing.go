//go:build linux || darwin || freebsd

package conformance

import (
	"errors"
	"io"
	"time"

	"skein/protocol"
	"skein/reactor"
)

// patient makes a close that only a deadline would end fail the test.
var patient = within(reactor.WithCloseTimeout(time.Hour), reactor.WithLingerTimeout(time.Hour))

// closing is LoseConnection.
var closing = []test{
	{name: "a slow reader gets every byte, and a clean end", f: closeSlow},
	{name: "in the callback that writes", f: closeAtOnce},
	{name: "twice is once", f: closeTwice},
	{name: "no data is delivered any more", f: closeStopsInput},
	{name: "ConnectionLost does not come from inside it", f: closeIsLater},
	{name: "unread input does not make it a reset", f: closeUnread, opts: patient},
	{name: "of a paused connection", f: closePaused, opts: patient},
	{name: "both ends at once", f: closeBoth, opts: patient},
	{name: "both ends at once, with much to send", f: closeBothFull, opts: patient},
	{name: "then abort", f: closeThenAbort},
	{name: "a cause is in the reason", f: closeCause},
	{name: "the second cause comes too late", f: closeCauses},
	{name: "Disconnecting tells of it", f: closeTells},
	{name: "in ConnectionMade", f: closeInMade},
	{name: "in ConnectionLost", f: closeInLost},
}

func closeSlow(s *scene) {
	server, client := s.pair()
	client.slowly()
	want := pattern(4 << 20)
	server.write(string(want))
	server.Transport.LoseConnection()
	s.done(client, server)
	client.got(want)
}

func closeAtOnce(s *scene) {
	server, client := s.pair()
	server.OnData = func([]byte) {
		server.write("reply")
		server.Transport.LoseConnection()
	}
	client.write("request")
	s.done(client, server)
	client.got([]byte("reply"))
}

func closeTwice(s *scene) {
	server, client := s.pair()
	server.write("bye")
	server.Transport.LoseConnection()
	server.Transport.LoseConnection()
	s.turns(1)
	server.Transport.LoseConnection()
	s.done(client, server)
	server.Transport.LoseConnection()
	s.marker()
	client.got([]byte("bye"))
}

func closeStopsInput(s *scene) {
	server, client := s.pair()
	client.OnData = func([]byte) { client.Transport.LoseConnection() }
	server.write(string(pattern(1 << 20)))
	s.lost(client)
	equal(s, "calls of DataReceived", len(client.Calls())-len(client.heard()), 1)
	s.done(client, server)
}

// closeIsLater tries it with both directions open, and with only one left, so
// that nothing is left to wait for.
func closeIsLater(s *scene) {
	for range 3 {
		server, client := s.newHalf("the server"), s.newHalf("the client")
		s.join(server, client)
		switch len(s.ends) {
		case 4:
			server.Transport.LoseWriteConnection()
			s.until("the server has no output", func() bool { return len(server.heard()) == 3 })
		case 6:
			client.Transport.LoseWriteConnection()
			s.until("the server has no input", func() bool { return len(server.heard()) == 3 })
		}
		server.Transport.LoseConnection()
		s.check("ConnectionLost does not come from inside LoseConnection", !server.Lost())
		client.Transport.LoseConnection()
		s.check("ConnectionLost does not come from inside LoseConnection", !client.Lost())
		s.done(server, client)
	}
}

func closeUnread(s *scene) {
	server, client := s.pair()
	server.Transport.PauseProducing()
	client.Transport.PauseProducing()
	client.write("unread")
	s.marker()
	want := pattern(1 << 20)
	server.write(string(want))
	server.Transport.LoseConnection()
	s.marker()
	client.write("unread, too")
	s.marker()
	client.slowly()
	client.Transport.ResumeProducing()
	s.done(client, server)
	client.got(want)
	equal(s, "bytes delivered after LoseConnection", len(server.in), 0)
}

func closePaused(s *scene) {
	server, client := s.pair()
	server.Transport.PauseProducing()
	server.write("bye")
	server.Transport.LoseConnection()
	s.done(client, server)
	client.got([]byte("bye"))
}

func closeBoth(s *scene) {
	server, client := s.pair()
	server.Transport.LoseConnection()
	client.Transport.LoseConnection()
	s.done(client, server)
}

// closeBothFull has both ends wait for the other to read, which neither does
// for its protocol any more.
func closeBothFull(s *scene) {
	server, client := s.pair()
	server.write(string(s.much()))
	client.write(string(s.much()))
	server.Transport.LoseConnection()
	client.Transport.LoseConnection()
	s.done(client, server)
}

func closeThenAbort(s *scene) {
	server, client := s.pair()
	client.Transport.PauseProducing()
	server.write(string(s.much()))
	server.Transport.LoseConnection()
	s.marker()
	s.check("the close waits for the reader", !server.Lost())
	server.Transport.AbortConnection()
	s.lost(server)
	s.isError("the reason", server.Reason(), protocol.ErrConnectionAborted)
	client.Transport.ResumeProducing()
	s.reset(client)
	s.check("the rest is not sent", len(client.in) < len(s.much()))
}

func closeCause(s *scene) {
	server, client := s.pair()
	server.Transport.LoseConnectionCause(io.ErrUnexpectedEOF)
	s.done(client, server)
	s.isError("the reason", server.Reason(), io.ErrUnexpectedEOF)
	s.check("the peer does not know the cause", !errors.Is(client.Reason(), io.ErrUnexpectedEOF))
}

func closeCauses(s *scene) {
	server, client := s.pair()
	server.Transport.LoseConnectionCause(io.ErrUnexpectedEOF)
	server.Transport.LoseConnectionCause(io.ErrNoProgress)
	s.done(client, server)
	s.isError("the reason", server.Reason(), io.ErrUnexpectedEOF)
	s.check("the second cause is not the reason", !errors.Is(server.Reason(), io.ErrNoProgress))
}

func closeTells(s *scene) {
	server, client := s.pair()
	s.check("not at first", !server.Transport.Disconnecting())
	server.Transport.LoseConnection()
	s.check("at once", server.Transport.Disconnecting())
	s.done(client, server)
	s.check("after the end", server.Transport.Disconnecting() && client.Transport.Disconnecting())
}

func closeInMade(s *scene) {
	server, client := s.newEnd("the server"), s.newEnd("the client")
	server.OnMade = func() {
		server.write("not today")
		server.Transport.LoseConnection()
	}
	s.join(server, client)
	s.done(client, server)
	client.got([]byte("not today"))
}

func closeInLost(s *scene) {
	server, client := s.pair()
	server.OnLost = func(error) {
		server.Transport.LoseConnection()
		server.Transport.AbortConnection()
	}
	client.Transport.LoseConnection()
	s.done(client, server)
	s.marker()
}
