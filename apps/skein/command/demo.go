package command

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"time"

	"skein/apps/poetry"
	"skein/apps/proxy"
	"skein/apps/skein/runner"
	"skein/apps/transform"
	"skein/deferred"
	"skein/protocol"
	"skein/reactor"
)

// demo is the command that shows what skein is: all its servers and a client in
// one process, on one loop.
type demo struct{}

// How slow the slow server of the demo is: the whole should take two seconds.
const (
	demoNumBytes = 32
	demoDelay    = 80 * time.Millisecond
)

// run opens the servers, lets the client ask them, and tells the story.
func (c *demo) run(e *env) error {
	r, err := e.NewReactor()
	if err != nil {
		return err
	}
	s := &show{env: e, reactor: r}
	if err := s.open(); err != nil {
		_ = r.Close() // what matters is why
		return err
	}
	r.CallWhenRunning(s.begin)
	if err := r.Run(); err != nil && r.Signal() == nil {
		return err
	}
	switch {
	case r.Signal() != nil:
		e.Log.Error().Msg("Interrupted.")
		return &runner.InterruptedError{Signal: r.Signal()}
	case s.failure != nil:
		return s.failure
	}
	s.tellEnd(r.Stats(), s.proxy.Stats())
	return nil
}

// show is one demonstration under way.
type show struct {
	*env
	reactor *reactor.Reactor

	servers   []server // of the built-in poems; the last one is slow
	proxyPort *reactor.Port
	proxy     *proxy.Service
	xformPort *reactor.Port
	service   *transform.Service
	xform     *transform.Proxy

	tales   []*tale
	began   time.Time
	slow    progress
	failure error // why it ended early
}

// server is one poem with what serves it.
type server struct {
	poem    poetry.Poem
	factory protocol.Factory
	port    *reactor.Port
}

// tale is what happens to one poem.
type tale struct {
	poem      poetry.Poem
	from      string // who is asked for it
	addr      string
	transform string // what it is to become; "" for nothing

	pieces   int
	first    time.Duration // when its first bytes were here, since the show began
	ready    time.Duration // when it was printed
	fellBack bool          // it could not be transformed
}

// progress is how far the slow poem has come to the proxy.
type progress struct {
	received int
	told     time.Duration // when the last line about it was
}

// open opens the servers and makes the plan.
func (s *show) open() error {
	poems := poetry.Builtin()
	last := len(poems) - 1
	for _, poem := range poems[:last] {
		s.servers = append(s.servers, server{poem: poem, factory: &poetry.Factory{Poem: poem}})
	}
	s.servers = append(s.servers, server{poem: poems[last], factory: &poetry.SlowFactory{
		Poem: poems[last], Clock: s.reactor, NumBytes: demoNumBytes, Delay: demoDelay,
	}})
	for i := range s.servers {
		var err error
		if s.servers[i].port, err = s.listen(s.servers[i].factory); err != nil {
			return err
		}
	}
	if err := s.openProxy(s.servers[last]); err != nil {
		return err
	}
	if err := s.openTransform(); err != nil {
		return err
	}
	s.tales = []*tale{
		{poem: poems[0], from: "its server", addr: addr(s.servers[0].port), transform: "cummingsify"},
		{poem: poems[1], from: "its server", addr: addr(s.servers[1].port), transform: "haiku"},
		{poem: poems[last], from: "the proxy", addr: addr(s.proxyPort)},
		{poem: poems[last], from: "the proxy's cache", addr: addr(s.proxyPort), transform: "gobbledegook"},
	}
	return nil
}

// openProxy opens a proxy in front of the slow server.
func (s *show) openProxy(slow server) (err error) {
	fetch := proxy.FetchFrom(s.reactor, addr(slow.port), poetry.Options{OnData: s.slowPiece})
	s.proxy = proxy.NewService(s.reactor, map[string]proxy.Fetch{slow.poem.Title: fetch}, proxy.Options{})
	s.proxyPort, err = s.listen(&proxy.Factory{Service: s.proxy, Origin: slow.poem.Title})
	return err
}

// openTransform opens a transform server.
func (s *show) openTransform() (err error) {
	s.service = &transform.Service{Clock: s.reactor}
	s.xformPort, err = s.listen(&transform.Factory{
		Server: &transform.Server{Permitted: s.service.Table(), Direct: s.service.Direct(), Clock: s.reactor},
	})
	if err == nil {
		s.xform = &transform.Proxy{Reactor: s.reactor, Addr: addr(s.xformPort)}
	}
	return err
}

// listen opens one port.
func (s *show) listen(f protocol.Factory) (*reactor.Port, error) {
	return s.reactor.ListenTCP(net.JoinHostPort("localhost", "0"), f)
}

// addr returns where a port is.
func addr(p *reactor.Port) string { return p.Addr().String() }

// begin lets the client ask for all poems at the same moment; but for the last,
// which it asks for again when the proxy has it.
func (s *show) begin() {
	s.tellBeginning()
	s.began = s.reactor.Now()
	last := len(s.tales) - 1
	all := make([]*deferred.Deferred, last)
	for i, t := range s.tales[:last] {
		all[i] = s.follow(t)
	}
	all[last-1].AddCallback(func(any) (any, error) { return s.follow(s.tales[last]), nil })
	deferred.DeferredList(all, deferred.FireOnOneErrback(), deferred.ConsumeErrors()).
		AddErrback(func(err error) (any, error) {
			s.failure = errors.Unwrap(err) // of a FirstError
			return nil, nil
		}).
		AddCallback(func(any) (any, error) {
			_ = s.reactor.Stop() // a signal may have stopped it
			return nil, nil
		})
}

// follow fetches one poem, has it transformed, compares it with what it should
// be, and prints it.
func (s *show) follow(t *tale) *deferred.Deferred {
	d := poetry.GetPoem(s.reactor, t.addr, poetry.Options{OnData: func([]byte) {
		if t.pieces++; t.pieces == 1 {
			t.first = s.now()
		}
	}})
	deferred.Tap(d, func([]byte) error { s.tellCame(t); return nil })
	if t.transform != "" {
		deferred.ThenDeferred(d, func(poem []byte) *deferred.Deferred { return s.transform(t, poem) })
	}
	return deferred.Tap(d, func(poem []byte) error {
		if !bytes.Equal(poem, s.expected(t)) {
			return fmt.Errorf("%s came changed over the network", t.poem)
		}
		t.ready = s.now()
		return s.tellPoem(t, poem)
	})
}

// transform has a poem transformed. It falls back to the poem itself.
func (s *show) transform(t *tale, poem []byte) *deferred.Deferred {
	d := s.xform.Xform(t.transform, poem)
	return deferred.CatchIs(d, transform.ErrNoAnswer, func(error) (any, error) {
		t.fellBack = true
		return poem, nil
	})
}

// expected is what a poem should be in the end.
func (s *show) expected(t *tale) []byte {
	switch t.transform {
	case "cummingsify":
		return []byte(s.service.Cummingsify(string(t.poem.Text)))
	case "gobbledegook":
		return []byte(s.service.Gobbledegook(string(t.poem.Text)))
	}
	return t.poem.Text
}

// now returns the time since the show began.
func (s *show) now() time.Duration { return s.reactor.Now().Sub(s.began) }

// slowPiece notes a piece of the slow poem at the proxy.
func (s *show) slowPiece(piece []byte) {
	s.slow.received += len(piece)
	s.tellProgress()
}
