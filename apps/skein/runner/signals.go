package runner

import (
	"os"
	"os/signal"
	"syscall"

	"skein/apps/skein/internal/process"
	"skein/deferred"
	"skein/reactor"
)

// catchSignals catches all that concern a server, from its beginning: one that
// comes in the middle of the start is heard when that is over. The function that
// it returns undoes it.
func (s *server) catchSignals() (undo func()) {
	s.terminal = startedAt() // before SIGHUP is caught
	s.ends, s.controls = make(chan os.Signal, 1), make(chan os.Signal, 4)
	signal.Notify(s.ends, os.Interrupt, syscall.SIGTERM)
	signal.Notify(s.controls, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2)
	return func() {
		signal.Stop(s.ends)
		signal.Stop(s.controls)
	}
}

// serveSignals begins to do what signals ask for, and reports whether the server
// has been told to end already. The signals for that are the reactor's from now on.
func (s *server) serveSignals() (ends bool) {
	signal.Stop(s.ends)
	select {
	case sig := <-s.ends:
		s.log.Info().Msgf("Received %s, shutting down.", signalName(sig))
		s.stop()
		ends = true
	default:
	}
	over, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case sig := <-s.controls:
				s.reactor.CallFromThread(func() { s.control(sig) })
			case <-over:
				return
			}
		}
	}()
	s.reactor.AddSystemEventTrigger(reactor.After, reactor.Shutdown, func() *deferred.Deferred {
		close(over)
		<-done // it only posts
		return nil
	})
	return ends
}

// control does what a signal asks for. A worker's log and successor are its
// supervisor's business.
func (s *server) control(sig os.Signal) {
	if s.in.Role == process.Worker {
		return
	}
	switch sig {
	case syscall.SIGHUP:
		if s.terminal.gone() {
			s.log.Info().Msg("Received SIGHUP, and the terminal is closed, shutting down.")
			s.stop()
			return
		}
		s.log.Info().Msg("Received SIGHUP, opening the log again.")
		s.late.log.Reopen() // if that fails, the log says so
	case syscall.SIGUSR1:
		s.log.Info().Msg("Received SIGUSR1, rotating the log.")
		s.late.log.Rotate()
	case syscall.SIGUSR2:
		s.handOver()
	}
}

// signalName returns the name that people know.
func signalName(sig os.Signal) string {
	if sig == os.Interrupt {
		return "SIGINT"
	}
	return "SIGTERM"
}
