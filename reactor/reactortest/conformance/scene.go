//go:build linux || darwin || freebsd

package conformance

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"slices"
	"testing"
	"time"

	"skein/deferred"
	"skein/protocol"
	"skein/reactor"
	"skein/reactor/reactortest"
)

// scene is one test on a running reactor. Its methods that wait are for the
// body of the test only; callbacks use the rest. A check that fails ends the
// test.
type scene struct {
	*place
	t       *testing.T
	in      *deferred.Inline
	network string
	keeps   int

	ports   []*reactor.Port
	ends    []*end
	waiters []*waiter
	poked   bool
}

// waiter is a condition that the body waits for.
type waiter struct {
	holds func() bool
	d     *deferred.Deferred
}

// patience is how long, by the reactor's clock, a test waits for what should
// happen.
const patience = 20 * time.Second

// play runs a test on a new reactor, and then closes what it has opened.
func (l Loop) play(t *testing.T, body func(s *scene), opts ...reactortest.Option) {
	t.Helper()
	l.run(t, func(p *place) *deferred.Deferred {
		s := &scene{place: p, t: t, network: l.network, keeps: l.keeps}
		return deferred.InlineCallbacks(func(in *deferred.Inline) (any, error) {
			s.in = in
			body(s)
			s.tidy()
			return nil, nil
		})
	}, opts...)
}

// tidy closes what is open, and checks that every protocol was told what it is
// owed.
func (s *scene) tidy() {
	s.t.Helper()
	for _, p := range s.ports {
		s.await(p.StopListening())
	}
	for _, e := range s.ends {
		if e.Made() && !e.Lost() {
			e.Transport.AbortConnection()
		}
	}
	for _, e := range s.ends {
		if e.Made() {
			s.lost(e)
		}
		if err := e.Err(); err != nil {
			s.t.Errorf("%s: %v", e.name, err)
		}
	}
}

// await returns what d fires with; an error ends the test.
func (s *scene) await(d *deferred.Deferred) any {
	s.t.Helper()
	v, err := s.try(d)
	if err != nil {
		s.t.Fatalf("a Deferred failed: %v", err)
	}
	return v
}

// try returns what d fires with.
func (s *scene) try(d *deferred.Deferred) (any, error) {
	s.t.Helper()
	return s.in.Yield(d)
}

// until waits until a condition holds. It is looked at when something has
// happened: see poke.
func (s *scene) until(what string, holds func() bool) {
	s.t.Helper()
	if holds() {
		return
	}
	w := &waiter{holds, deferred.New()}
	s.waiters = append(s.waiters, w)
	limit := s.r.CallLater(patience, func() { w.d.Errback(errors.New("it did not come to that")) })
	_, err := s.in.Yield(w.d)
	if err != nil {
		s.t.Fatalf("waited %v until %s%s", patience, what, s.story())
	}
	s.check("stop the clock", limit.Cancel() == nil)
}

// poke says that something has happened. The body goes on in a turn of its own,
// never from inside a callback.
func (s *scene) poke() {
	if s.poked {
		return
	}
	s.poked = true
	s.r.CallFromThread(func() {
		s.poked = false
		for _, w := range slices.Clone(s.waiters) {
			if w.holds() {
				s.waiters = slices.DeleteFunc(s.waiters, func(o *waiter) bool { return o == w })
				w.d.Callback(nil)
			}
		}
	})
}

// turns lets n whole turns go by.
func (s *scene) turns(n int) {
	s.t.Helper()
	for range n {
		d := deferred.New()
		s.r.CallFromThread(func() { d.Callback(nil) })
		s.await(d)
	}
}

// pass lets time go by, by the reactor's clock.
func (s *scene) pass(d time.Duration) {
	s.t.Helper()
	over := deferred.New()
	s.r.CallLater(d, func() { over.Callback(nil) })
	s.await(over)
}

// marker makes a round trip on a connection of its own, so that what the loop
// had to do before, in whatever order, is done.
func (s *scene) marker() {
	s.t.Helper()
	a, b := s.newEnd("the marker's server"), s.newEnd("the marker's client")
	s.join(a, b)
	for round := range 3 {
		want := bytes.Repeat([]byte("ping"), round+1)
		a.write("ping")
		b.got(want)
		b.write("ping")
		a.got(want)
	}
	b.Transport.LoseConnection()
	s.lost(a, b)
}

// check fails the test unless ok.
func (s *scene) check(what string, ok bool) {
	s.t.Helper()
	if !ok {
		s.t.Fatalf("it is not so that: %s%s", what, s.story())
	}
}

// equal fails the test unless both are the same.
func equal[T comparable](s *scene, what string, got, want T) {
	s.t.Helper()
	if got != want {
		s.t.Fatalf("%s: got %v, want %v%s", what, got, want, s.story())
	}
}

// sequence fails the test unless both lists are the same.
func (s *scene) sequence(what string, got []string, want ...string) {
	s.t.Helper()
	if !slices.Equal(got, want) {
		s.t.Fatalf("%s:\n got %q\nwant %q", what, got, want)
	}
}

// isError fails the test unless err is each of the targets.
func (s *scene) isError(what string, err error, targets ...error) {
	s.t.Helper()
	for _, target := range targets {
		if !errors.Is(err, target) {
			s.t.Fatalf("%s: %v is not %v%s", what, err, target, s.story())
		}
	}
}

// closed fails the test unless err says that it was too late.
func (s *scene) closed(what string, err error) {
	s.t.Helper()
	s.isError(what, err, net.ErrClosed)
}

// done fails the test unless the ends were closed cleanly.
func (s *scene) done(ends ...*end) {
	s.t.Helper()
	for _, e := range ends {
		s.lost(e)
		s.isError(e.name, e.Reason(), protocol.ErrConnectionDone)
		s.check(e.name+" is told of a clean end only", !errors.Is(e.Reason(), protocol.ErrConnectionLost))
	}
}

// reset fails the test unless the end hears that its peer has aborted. A UNIX
// socket cannot say so: there it is the end.
func (s *scene) reset(e *end) {
	s.t.Helper()
	s.lost(e)
	if s.network == "tcp" {
		s.isError(e.name, e.Reason(), protocol.ErrConnectionLost)
		s.check(e.name+" did not abort itself", !errors.Is(e.Reason(), protocol.ErrConnectionAborted))
	}
}

// lost waits until the ends have lost their connection.
func (s *scene) lost(ends ...*end) {
	s.t.Helper()
	for _, e := range ends {
		s.until(e.name+" has lost its connection", e.Lost)
	}
}

// story tells what the ends have seen.
func (s *scene) story() (text string) {
	for _, e := range s.ends {
		text += fmt.Sprintf("\n%s: %q, %d bytes, %v", e.name, e.heard(), len(e.in), e.Reason())
	}
	return text
}
