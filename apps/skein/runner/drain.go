package runner

import (
	"fmt"
	"time"

	"skein/deferred"
	"skein/deferred/clock"
	"skein/reactor/service"
)

// leastGrace is how long services may take to stop, however short --grace is for
// connections.
const leastGrace = time.Second

// draining is the end of a server, from when its services are told to stop:
//
//	stop the services ─▶ ports are closed ─▶ connections finish ─▶ the loop ends
//	        └──────────── --grace ──────────────────┘ else they are aborted
//
// It is a trigger before the reactor's shutdown, which resets what is still open
// when the Deferred has fired. A service that does not stop would keep it from
// that: its name is said, and the loop crashed.
type draining struct {
	s        *server
	over     *deferred.Deferred
	deadline *clock.DelayedCall

	grace time.Duration // for connections

	open int    // connections at the beginning
	made uint64 // in all, at the beginning
}

// drain begins the end.
func (s *server) drain() *deferred.Deferred {
	s.draining = true
	if !s.moved {
		s.notifier.Stopping()
	}
	if s.takeover != nil {
		s.takeover.Cancel() // a successor would outlive what was told to end
	}
	if s.site != nil {
		s.site.Abort() // nobody waits for those who only look
	}
	st := s.reactor.Stats()
	d := &draining{s: s, over: deferred.New(), grace: time.Duration(s.options.Grace), open: st.Open - s.watched(), made: st.Connections}
	if s.workers != nil {
		d.grace += farewell
	}
	if d.open > 0 && d.grace > 0 {
		s.log.Info().Msgf("Waiting for %s to finish, for %v at most.", connections(d.open), d.grace)
	}
	d.deadline = s.reactor.CallLater(d.grace, d.late)
	service.Stop(s.app).AddBoth(func(any, error) (any, error) { return s.reactor.WhenDrained(), nil }).
		AddBoth(func(_ any, err error) (any, error) {
			d.done(err)
			return nil, nil
		})
	return d.over
}

// done ends it in time, or with an error: by a second signal.
func (d *draining) done(err error) {
	if d.over.Called() {
		return
	}
	_ = d.deadline.Cancel() // it has not run
	if n := d.all(); err != nil {
		d.tell()
	} else if n > 0 {
		d.s.log.Info().Msgf("Of %s, all have finished.", connections(n))
	}
	d.over.Callback(nil)
}

// late ends it at the deadline.
func (d *draining) late() {
	d.tell()
	if len(unstopped(d.s.app)) == 0 {
		d.over.Callback(nil)
		return
	}
	d.deadline = d.s.reactor.CallLater(max(leastGrace-d.grace, 0), d.tooLate)
}

// tell says how many connections are aborted.
func (d *draining) tell() {
	if left := d.s.reactor.Stats().Open - d.s.watched(); left > 0 {
		d.s.log.Warn().Msgf("Of %s, %d have finished, and %d are aborted.", connections(d.all()), d.all()-left, left)
	}
}

// tooLate ends the loop as it is: there are services whose stop has no end.
func (d *draining) tooLate() {
	for _, name := range unstopped(d.s.app) {
		d.s.log.Error().Msgf("The service %s has not stopped within %v.", name, max(d.grace, leastGrace))
		d.s.failure = ErrReported
		d.s.reactor.Crash()
	}
	d.over.Callback(nil)
}

// all returns how many connections there were: those at the beginning, and those
// made since, which had come before the ports were closed, or are a proxy's own.
func (d *draining) all() int { return d.open + int(d.s.reactor.Stats().Connections-d.made) }

// connections is a number of them, in words.
func connections(n int) string {
	if n == 1 {
		return "1 connection"
	}
	return fmt.Sprintf("%d connections", n)
}

// unstopped returns what to call the services in c that have not stopped yet,
// though they have been told to.
func unstopped(c service.Collection) (names []string) {
	for _, child := range c.Services() {
		if service.Stop(child).Called() {
			continue
		}
		if inner, ok := child.(service.Collection); ok {
			if deeper := unstopped(inner); len(deeper) > 0 {
				names = append(names, deeper...)
				continue
			}
		}
		name := nearestName(child)
		if name == "" {
			name = fmt.Sprintf("%T", child)
		}
		names = append(names, name)
	}
	return names
}
