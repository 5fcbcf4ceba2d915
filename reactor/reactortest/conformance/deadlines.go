//go:build linux || darwin || freebsd

package conformance

import (
	"errors"
	"time"

	"skein/protocol"
	"skein/reactor"
	"skein/reactor/reactortest"
)

const (
	// short is a deadline for those who do nothing.
	short = 30 * time.Millisecond
	// long is a deadline that a busy machine does not pass by accident.
	long = 250 * time.Millisecond
)

// deadlines are what bounds a close.
var deadlines = []test{
	{name: "a peer that accepts nothing is aborted", f: closeStuck, opts: within(reactor.WithCloseTimeout(short))},
	{name: "with a cause, too", f: closeStuckCause, opts: within(reactor.WithCloseTimeout(short))},
	{name: "a slow peer is not aborted", f: closeProgress, opts: within(reactor.WithCloseTimeout(long))},
	{name: "a peer that keeps its side open is left", f: closeLinger, opts: within(reactor.WithLingerTimeout(short))},
	{name: "a peer that goes on sending is left", f: closeLingerFlood, opts: within(reactor.WithLingerTimeout(2 * time.Millisecond))},
	{name: "no timer is left", f: closeNoTimer},
}

// within makes options of a reactor those of a test.
func within(opts ...reactor.Option) []reactortest.Option {
	return []reactortest.Option{reactortest.With(opts...)}
}

func closeStuck(s *scene) {
	server, client := s.pair()
	client.Transport.PauseProducing()
	server.write(string(s.much()))
	s.marker()
	began := s.r.Now()
	server.Transport.LoseConnection()
	s.lost(server)
	s.isError("the reason", server.Reason(), protocol.ErrConnectionAborted, reactor.ErrCloseTimeout)
	s.check("not before its time", s.r.Now().Sub(began) >= short)
	client.Transport.ResumeProducing()
	s.reset(client)
}

func closeStuckCause(s *scene) {
	mine := errors.New("my own cause")
	server, client := s.pair()
	client.Transport.PauseProducing()
	server.write(string(s.much()))
	server.Transport.LoseConnectionCause(mine)
	s.lost(server)
	s.isError("the reason", server.Reason(), protocol.ErrConnectionAborted, mine)
}

// closeProgress reads a piece now and then, for twice the close timeout.
func closeProgress(s *scene) {
	server, client := s.pair()
	client.Transport.PauseProducing()
	began, pause := s.r.Now(), long/8
	client.OnData = func([]byte) {
		if s.r.Now().Sub(began) < 2*long {
			client.Transport.PauseProducing()
			s.r.CallLater(pause, func() { client.Transport.ResumeProducing() })
		}
	}
	want := pattern(4 << 20)
	server.write(string(want))
	server.Transport.LoseConnection()
	client.Transport.ResumeProducing()
	s.done(client, server)
	client.got(want)
	s.check("it took longer than the deadline", s.r.Now().Sub(began) > long)
}

func closeLinger(s *scene) {
	server, client := s.newEnd("the server"), s.newHalf("the client")
	s.join(server, client)
	began := s.r.Now()
	server.write("all there is")
	server.Transport.LoseConnection()
	s.done(server)
	s.check("not before its time", s.r.Now().Sub(began) >= short)
	s.sequence("the client", client.heard(), "MakeConnection", "ConnectionMade", "ReadConnectionLost")
	client.got([]byte("all there is"))
}

func closeLingerFlood(s *scene) {
	server, client := s.newEnd("the server"), s.newHalf("the client")
	s.join(server, client)
	p := &flood{e: client}
	s.check("register", client.Transport.RegisterProducer(p, true) == nil)
	p.ResumeProducing()
	s.until("the flood has come", func() bool { return len(server.in) > 0 })
	server.Transport.LoseConnection()
	s.done(server)
	s.lost(client)
}

// flood is a push producer that writes whenever it may.
type flood struct {
	e       *end
	stopped bool
}

func (f *flood) ResumeProducing() {
	for range 64 {
		_, _ = f.e.Transport.Write(make([]byte, 4096))
	}
}
func (f *flood) PauseProducing() {}
func (f *flood) StopProducing()  { f.stopped = true }

func closeNoTimer(s *scene) {
	before := s.r.PendingCalls()
	server, client := s.pair()
	server.write("bye")
	server.Transport.LoseConnection()
	s.done(client, server)
	equal(s, "delayed calls", s.r.PendingCalls(), before)

	server, client = s.pair()
	server.write(string(pattern(1 << 20)))
	server.Transport.LoseConnection()
	s.turns(1)
	server.Transport.AbortConnection()
	s.lost(client, server)
	equal(s, "delayed calls after an abort", s.r.PendingCalls(), before)
}
