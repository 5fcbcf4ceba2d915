package runner

import (
	"errors"
	"os"
	"time"

	"skein/apps/skein/internal/process"
	"skein/deferred"
	"skein/reactor"
	"skein/reactor/service"
)

// logPatience is how long the end waits for a log that is slow.
const logPatience = 2 * time.Second

// live starts the services and runs the loop until its end.
func (s *server) live() error {
	s.reactor.CallWhenRunning(func() {
		if s.app.Running() { // else a start that has failed is being taken back
			s.begin()
		}
	})
	err := s.app.Run()
	s.dismiss()
	s.catchUp()
	if s.begun {
		s.log.Info().Msg("Main loop terminated.")
	}
	if s.failure != nil {
		return s.failure // what has ended the loop counts, not how
	}
	return err
}

// catchUp lets the log catch up, so that there is room for the last lines: the end
// of thousands of connections has thousands of lines.
func (s *server) catchUp() {
	select {
	case <-s.late.log.Flush(): //nolint:errcheck // it has none
	case <-time.After(logPatience):
	}
}

// begin is the first turn of the loop: the services have been started.
func (s *server) begin() {
	s.begun = true
	r := s.reactor
	r.AddSystemEventTrigger(reactor.Before, reactor.Shutdown, s.drain)
	s.warnUnclaimed(r)
	if s.in.Control != nil {
		s.in.Control.WhenOrphaned(r).AddBoth(s.orphaned)
		s.beat()
	}
	if s.serveSignals() {
		return // nobody waits for what ends at once: a predecessor least of all
	}
	up := deferred.Succeed(nil)
	if s.workers != nil {
		up = s.workers.WhenReady()
	}
	up.AddCallbacks(s.ready, s.unready)
}

// warnUnclaimed says which sockets this process was given for nothing.
func (s *server) warnUnclaimed(r *reactor.Reactor) {
	for _, unclaimed := range r.UnclaimedSockets() {
		s.log.Warn().Str("network", unclaimed.Network).Str("socket", unclaimed.File.Name()).
			Msg("No service listens on a socket that this process was given.")
	}
}

// ready tells everybody who waits.
func (s *server) ready(any) (any, error) {
	if s.pid != nil {
		if err := s.pid.WritePID(os.Getpid()); err != nil { // until now it was the predecessor's
			return s.unready(err)
		}
	}
	s.accepts = true
	if s.in.Role == process.Successor {
		s.reactor.TakeOver()
	}
	_ = s.in.Status.Ready() // nobody may wait any more
	s.notifier.Ready()
	stop := s.notifier.Watch(s.reactor)
	s.reactor.AddSystemEventTrigger(reactor.After, reactor.Shutdown, func() *deferred.Deferred {
		stop()
		return nil
	})
	if s.outdated {
		s.handOver()
	}
	return nil, nil
}

// unready ends a start that has failed late. One that was told to stop has not.
func (s *server) unready(err error) (any, error) {
	if !errors.Is(err, service.ErrStopped) {
		s.failure = err
	}
	s.stop()
	return nil, nil
}

// orphaned ends a worker whose supervisor is gone, or cannot be watched.
func (s *server) orphaned(_ any, err error) (any, error) {
	if err == nil {
		err = errors.New("the supervisor is gone")
	}
	s.log.Warn().Err(err).Msg("This worker ends.")
	s.stop()
	return nil, nil
}

// stop ends the loop in good order, unless that goes on already.
func (s *server) stop() { _ = s.reactor.Stop() }
