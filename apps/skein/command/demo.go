package command

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"skein/apps/poetry"
	"skein/deferred"
	"skein/protocol"
	"skein/reactor"
)

// demo is the command that shows what skein is: servers and a client in one
// process, on one loop.
type demo struct{}

// How slow the slow server of the demo is: the whole should take two seconds.
const (
	demoNumBytes = 32
	demoDelay    = 80 * time.Millisecond
)

// Run serves the built-in poems, fetches them, and tells the story.
func (c *demo) Run(e *env) error {
	r, err := e.newReactor()
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
		e.log.Error().Msg("Interrupted.")
		return &interruptedError{r.Signal()}
	case s.failure != nil:
		return s.failure
	}
	s.tellEnd(r.Stats())
	return nil
}

// show is one demonstration under way.
type show struct {
	*env
	reactor *reactor.Reactor
	scenes  []*scene
	began   time.Time
	failure error // why it ended early
}

// scene is one server, and the fetch from it.
type scene struct {
	server
	slow bool

	received    int
	pieces      int
	first, last time.Duration // when the bytes came, since the show began
	told        time.Duration // when the last line about its progress was
}

// open opens a server for each built-in poem; the last one is slow.
func (s *show) open() error {
	poems := poetry.Builtin()
	servers := make([]server, len(poems))
	for i, poem := range poems {
		sc := &scene{slow: i == len(poems)-1}
		var f protocol.Factory = &poetry.Factory{Poem: poem}
		if sc.slow {
			f = &poetry.SlowFactory{Poem: poem, Clock: s.reactor, NumBytes: demoNumBytes, Delay: demoDelay}
		}
		servers[i] = server{poem: poem, factory: f}
		s.scenes = append(s.scenes, sc)
	}
	if err := listen(s.reactor, &serverOptions{Iface: "localhost"}, servers); err != nil {
		return err
	}
	for i, sc := range s.scenes {
		sc.server = servers[i]
	}
	return nil
}

// begin starts all fetches at the same moment.
func (s *show) begin() {
	s.tellBeginning()
	s.began = s.reactor.Now()
	all := make([]*deferred.Deferred, len(s.scenes))
	for i, sc := range s.scenes {
		all[i] = s.fetch(sc)
	}
	deferred.GatherResults(all).
		AddErrback(func(err error) (any, error) {
			s.failure = errors.Unwrap(err) // of a FirstError
			return nil, nil
		}).
		AddCallback(func(any) (any, error) {
			_ = s.reactor.Stop() // a signal may have stopped it
			return nil, nil
		})
}

// fetch fetches one poem, compares it with what was served, and prints it.
func (s *show) fetch(sc *scene) *deferred.Deferred {
	d := poetry.GetPoem(s.reactor, sc.port.Addr().String(), poetry.Options{
		OnData: func(piece []byte) { s.arrived(sc, len(piece)) },
	})
	return deferred.Then(d, func(poem []byte) (any, error) {
		if !bytes.Equal(poem, sc.poem.Text) {
			return nil, fmt.Errorf("%s came changed over the network", sc.poem)
		}
		return nil, s.tellPoem(sc)
	})
}

// arrived notes a piece.
func (s *show) arrived(sc *scene, n int) {
	sc.last = s.reactor.Now().Sub(s.began)
	if sc.pieces == 0 {
		sc.first = sc.last
	}
	sc.pieces++
	sc.received += n
	s.tellProgress(sc)
}
