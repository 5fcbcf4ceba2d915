//go:build linux || darwin || freebsd

package conformance

import (
	"bytes"
	"slices"

	"skein/protocol"
	"skein/reactor"
)

// producing is RegisterProducer.
var producing = []test{
	{name: "a push producer is paused above the high-water mark", f: pushPaused},
	{name: "and resumed at the low-water mark", f: pushResumed},
	{name: "the marks can be set", f: pushMarks, opts: within(reactor.WithWatermarks(10, 100))},
	{name: "it is paused at once if too much is queued already", f: pushLate},
	{name: "a pull producer is asked whenever the queue is empty", f: pullAsked},
	{name: "a second one is refused", f: produceTwice},
	{name: "a streaming one must be able to pause", f: produceWrongKind},
	{name: "it is stopped at the end, before ConnectionLost", f: produceStopped},
	{name: "LoseConnection waits for UnregisterProducer", f: produceLose},
	{name: "LoseConnection waits for a pull producer", f: pullLose},
	{name: "not on a connection that is over", f: produceTooLate},
	{name: "not on a connection that is closing", f: produceClosing},
	{name: "unregistering twice does nothing", f: produceUnregister},
}

// producer is a producer of either kind that notes its calls.
type producer struct {
	s        *scene
	e        *end
	calls    []string
	inside   bool // a call of the test's runs, inside which it is paused
	sync     bool // the last call came from inside that
	onResume func()
}

func (p *producer) note(call string) {
	p.calls = append(p.calls, call)
	p.sync = p.inside
	p.s.poke()
}

func (p *producer) PauseProducing() { p.note("pause") }
func (p *producer) StopProducing()  { p.note("stop") }
func (p *producer) ResumeProducing() {
	p.note("resume")
	if p.onResume != nil {
		p.onResume()
	}
}

// produce registers a new producer.
func (e *end) produce(streaming bool) *producer {
	e.s.t.Helper()
	p := &producer{s: e.s, e: e}
	if err := e.Transport.RegisterProducer(p, streaming); err != nil {
		e.s.t.Fatalf("RegisterProducer: %v", err)
	}
	return p
}

func pushPaused(s *scene) {
	server, client := s.pair()
	writes := map[string]func([]byte){
		"Write":         func(b []byte) { _, _ = server.Transport.Write(b) },
		"WriteSequence": func(b []byte) { _ = server.Transport.WriteSequence([][]byte{b}) },
		"WriteShared":   func(b []byte) { _ = server.Transport.WriteShared(b) },
	}
	total := 0
	for name, write := range writes {
		p := server.produce(true)
		write(make([]byte, 64<<10))
		s.sequence(name+" of 64 KiB", p.calls)
		p.inside = true
		write([]byte{1})
		p.inside = false
		s.sequence(name+" of one byte more", p.calls, "pause")
		s.check("the pause comes from inside "+name, p.sync)
		write(make([]byte, 64<<10))
		s.sequence(name+" of a paused producer", p.calls, "pause")
		server.Transport.UnregisterProducer()
		total += 128<<10 + 1
		s.until("all has arrived", func() bool { return len(client.in) == total })
	}
}

func pushResumed(s *scene) {
	server, client := s.pair()
	client.Transport.PauseProducing()
	p := server.produce(true)
	p.onResume = func() {
		if n := server.Transport.Buffered(); n > 16<<10 {
			s.t.Errorf("resumed with %d bytes in the queue", n)
		}
	}
	want := s.much()
	server.write(string(want))
	s.marker()
	s.sequence("while the peer does not read", p.calls, "pause")
	client.Transport.ResumeProducing()
	s.until("the producer is resumed", func() bool { return len(p.calls) == 2 })
	s.sequence("when it reads", p.calls, "pause", "resume")
	s.check("not from inside a call", !p.sync)
	client.got(want)
	s.sequence("at the end", p.calls, "pause", "resume")
}

func pushMarks(s *scene) {
	server, client := s.pair()
	p := server.produce(true)
	resumedAt := -1
	p.onResume = func() { resumedAt = server.Transport.Buffered() }
	server.write(string(make([]byte, 100)))
	s.sequence("at the mark", p.calls)
	server.write("x")
	s.sequence("above it", p.calls, "pause")
	s.until("the producer is resumed", func() bool { return resumedAt >= 0 })
	s.check("at or below the low mark", resumedAt <= 10)
	client.got(append(make([]byte, 100), 'x'))
}

func pushLate(s *scene) {
	server, client := s.pair()
	want := pattern(64<<10 + 1)
	server.write(string(want))
	p := server.produce(true)
	s.sequence("after registration", p.calls, "pause")
	s.until("the producer is resumed", func() bool { return len(p.calls) == 2 })
	client.got(want)
}

func pullAsked(s *scene) {
	server, client := s.pair()
	pieces := 0
	p := &producer{s: s, e: server}
	p.onResume = func() {
		if n := server.Transport.Buffered(); n != 0 {
			s.t.Errorf("asked with %d bytes in the queue", n)
		}
		if pieces++; pieces > 20 {
			server.Transport.UnregisterProducer()
			return
		}
		_, _ = server.Transport.Write(bytes.Repeat([]byte{byte(pieces)}, 10000))
	}
	s.check("register", server.Transport.RegisterProducer(p, false) == nil)
	s.until("it has been asked for everything", func() bool { return pieces > 20 })
	var want []byte
	for i := range 20 {
		want = append(want, bytes.Repeat([]byte{byte(i + 1)}, 10000)...)
	}
	client.got(want)
	s.marker()
	equal(s, "asked after UnregisterProducer", pieces, 21)
}

func produceTwice(s *scene) {
	server, _ := s.pair()
	p := server.produce(true)
	second := &producer{s: s, e: server}
	s.isError("a second producer", server.Transport.RegisterProducer(second, true), protocol.ErrProducerRegistered)
	s.isError("the same again", server.Transport.RegisterProducer(p, false), protocol.ErrProducerRegistered)
	s.sequence("the second one's calls", second.calls)
	server.Transport.UnregisterProducer()
	server.produce(true)
}

// pullOnly is a producer that cannot pause.
type pullOnly struct{ protocol.Producer }

func produceWrongKind(s *scene) {
	server, client := s.pair()
	err := server.Transport.RegisterProducer(pullOnly{&producer{s: s, e: server}}, true)
	s.isError("a streaming producer that cannot pause", err, protocol.ErrNotPushProducer)
	server.produce(true) // none is registered
	server.Transport.UnregisterProducer()
	server.write("x")
	client.got([]byte("x"))
}

func produceStopped(s *scene) {
	for _, streaming := range []bool{true, false} {
		server, client := s.pair()
		p := server.produce(streaming)
		server.OnLost = func(error) { p.note("ConnectionLost") }
		if s.network == "tcp" {
			client.Transport.AbortConnection()
		} else { // where that is a clean end, which waits for the producer
			server.Transport.AbortConnection()
		}
		s.lost(server, client)
		i := slices.Index(p.calls, "stop")
		s.check("stopped before ConnectionLost, once", i >= 0)
		s.sequence("the last calls", p.calls[i:], "stop", "ConnectionLost")
	}
}

func produceLose(s *scene) {
	server, client := s.pair()
	p := server.produce(true)
	server.write("first, ")
	server.Transport.LoseConnection()
	client.got([]byte("first, "))
	s.marker()
	s.check("the connection waits for its producer", !server.Lost() && !client.Lost())
	server.write("second, ")
	s.marker()
	server.write("third")
	server.Transport.UnregisterProducer()
	s.tooLate("after UnregisterProducer", server.Transport)
	s.done(client, server)
	client.got([]byte("first, second, third"))
	s.sequence("the producer", p.calls)

	server, client = s.pair() // with nothing left to send
	server.produce(true)
	server.Transport.LoseConnection()
	s.marker()
	server.Transport.UnregisterProducer()
	s.done(client, server)
}

func pullLose(s *scene) {
	server, client := s.pair()
	p, pieces := &producer{s: s, e: server}, 0
	p.onResume = func() {
		if pieces++; pieces <= 50 {
			server.write("piece ")
		} else {
			server.Transport.UnregisterProducer()
		}
	}
	s.check("register", server.Transport.RegisterProducer(p, false) == nil)
	server.Transport.LoseConnection()
	s.done(client, server)
	client.got(bytes.Repeat([]byte("piece "), 50))
}

func produceTooLate(s *scene) {
	server, client := s.pair()
	server.Transport.AbortConnection()
	for range 2 {
		p := &producer{s: s, e: server}
		s.closed("RegisterProducer", server.Transport.RegisterProducer(p, true))
		s.sequence("the producer", p.calls, "stop")
		s.lost(server, client)
	}
	server.Transport.UnregisterProducer()
}

func produceClosing(s *scene) {
	server, client := s.pair()
	server.Transport.LoseConnection()
	p := &producer{s: s, e: server}
	s.closed("RegisterProducer", server.Transport.RegisterProducer(p, true))
	s.sequence("the producer", p.calls, "stop")
	s.done(client, server)
	s.sequence("the producer", p.calls, "stop")
}

func produceUnregister(s *scene) {
	server, client := s.pair()
	server.Transport.UnregisterProducer()
	p := server.produce(true)
	server.Transport.UnregisterProducer()
	server.Transport.UnregisterProducer()
	server.write(string(make([]byte, 128<<10)))
	server.Transport.LoseConnection()
	s.done(client, server)
	s.sequence("a producer that was unregistered", p.calls)
}
