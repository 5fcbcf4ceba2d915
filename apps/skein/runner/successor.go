package runner

import (
	"os"

	"skein/apps/skein/internal/process"
)

// handOver starts a successor. When it accepts, this process drains and ends;
// when it does not, this one goes on.
func (s *server) handOver() {
	if why := s.noSuccessor(); why != "" {
		s.log.Error().Msgf("Received SIGUSR2, but %s.", why)
		return
	}
	if !s.accepts {
		s.outdated = true
		s.log.Info().Msg("Received SIGUSR2, starting a successor when this process is ready.")
		return
	}
	if s.handover == nil {
		s.handover = &process.Handover{Reactor: s.reactor, Options: s.successor}
	}
	s.log.Info().Msg("Received SIGUSR2, starting a successor.")
	d := s.handover.Begin()
	if !d.Called() {
		s.takeover = d
	}
	d.AddCallbacks(func(child any) (any, error) {
		s.takeover = nil
		s.handedOver(child.(*process.Child))
		return nil, nil
	}, func(err error) (any, error) {
		s.takeover = nil
		s.keep(err)
		return nil, nil
	})
}

// noSuccessor says why none is started now, or "".
func (s *server) noSuccessor() string {
	switch {
	case s.options.Chroot != "" && !s.supervises(): // a supervisor stays outside
		return "there is no way to the program from inside --chroot: stop and start it instead"
	case s.draining: // perhaps for a successor, whose the pid file is
		return "this process is ending already"
	case s.handover != nil && s.handover.Busy():
		return "a successor is being started already"
	}
	return ""
}

// successor returns what a successor gets.
func (s *server) successor() (process.SpawnOptions, error) {
	sockets, err := s.reactor.Sockets()
	if err != nil {
		return process.SpawnOptions{}, err
	}
	shared, err := s.shared()
	if err != nil {
		process.CloseSockets(sockets)
		return process.SpawnOptions{}, err
	}
	sockets = append(sockets, shared...)
	o := process.SpawnOptions{
		Command: process.Command{Args: s.args, Dir: s.dir, Env: append(os.Environ(), s.notifier.Environ()...)},
		Sockets: sockets,
	}
	if s.pid != nil {
		o.PIDFile = s.pid.Descriptor()
	}
	return o, nil
}

// handedOver leaves everything to a successor that accepts.
func (s *server) handedOver(child *process.Child) {
	s.log.Info().Int("successor", child.PID()).Msg("The successor accepts, shutting down.")
	s.moved = true
	s.notifier.MainPID(child.PID())
	s.reactor.HandOver()
	s.stop()
}

// keep goes on without a successor.
func (s *server) keep(err error) {
	if s.draining {
		s.log.Info().Msg("The successor that was being started is killed.")
	} else {
		s.log.Error().Msgf("There is no successor, this process goes on: %s", s.program.explain(err))
	}
	if s.pid == nil {
		return
	}
	// It may have come as far as that.
	if err := s.pid.WritePID(os.Getpid()); err != nil {
		s.log.Error().Msg(err.Error())
	}
}
