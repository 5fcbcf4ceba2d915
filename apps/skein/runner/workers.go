package runner

import (
	"encoding/json"
	"io/fs"
	"os"
	"slices"
	"time"

	"skein/apps/skein/internal/process"
	"skein/deferred"
	"skein/deferred/task"
	"skein/reactor"
	"skein/reactor/service"
)

const (
	// heartbeat is how often a worker tells its supervisor how it is.
	heartbeat = time.Second
	// stuck is how long it may not do so before it is taken for stuck, unless
	// systemd's watchdog says otherwise.
	stuck = 10 * time.Second
	// farewell is how long a supervisor may take beyond its workers' --grace: they
	// are killed 3 s after it.
	farewell = 5 * time.Second
)

// supervision is what a supervisor has beyond other servers: it makes the services
// to bind their ports and no more, and shares these among processes that serve.
type supervision struct {
	binder  *service.Application
	workers *process.Supervisor
	sets    [][]process.Socket
}

// supervises reports whether the server is a supervisor.
func (s *server) supervises() bool { return s.options.Workers > 1 && s.in.Role != process.Worker }

// supervise binds the ports, and makes the service that runs the workers. The
// sockets of a successor are there already.
func (s *server) supervise() error {
	n := int(s.options.Workers)
	var own []reactor.Socket // the stats page's, which is no worker's
	set, err := s.bind()
	if err != nil {
		return err
	}
	if s.options.Stats != "" {
		own, set = set[:1], set[1:]
	}
	if s.in.Role == process.Successor {
		s.sets, err = process.SplitSockets(set, n)
	} else {
		s.sets, err = process.ShareSockets(set, n)
	}
	if err != nil {
		process.CloseSockets(append(own, set...))
		return err
	}
	if err := s.makeReactor(own); err != nil {
		return err
	}
	watchdog := s.notifier.Watchdog()
	if watchdog == 0 {
		watchdog = stuck
	}
	s.workers = service.Named("workers", &process.Supervisor{
		Command: process.Command{Args: s.args, Dir: s.dir},
		Workers: n, Sockets: s.sets, Log: s.late, Logger: s.log,
		Grace: max(time.Duration(s.options.Grace), 1), Watchdog: watchdog,
	})
	return s.app.AddService(s.workers)
}

// bind returns the sockets of all services, the stats page's first.
func (s *server) bind() (sockets []reactor.Socket, err error) {
	b := s.binder
	defer func() {
		service.Stop(b) // nothing that was only prepared needs the loop for that
		_ = b.Reactor.Close()
	}()
	if s.in.Role == process.Successor {
		return s.in.Sockets, nil
	}
	given := len(b.Reactor.UnclaimedSockets())
	if err := service.PrivilegedStart(b); err != nil {
		return nil, err
	}
	s.warnUnclaimed(b.Reactor)
	if sockets, err = b.Reactor.Sockets(); err != nil {
		return nil, err
	}
	b.Reactor.HandOver()
	if given > 0 {
		return sockets, nil // systemd goes on with them when this process is gone
	}
	return sockets, process.MakeReusable(sockets)
}

// shared returns duplicates of all workers' sockets, one set behind the other.
func (s *server) shared() ([]process.Socket, error) {
	return process.DuplicateSockets(slices.Concat(s.sets...))
}

// dismiss ends what is left of the workers, and removes the names of the sockets
// that none of them may remove. It comes when the loop has ended.
func (s *server) dismiss() {
	if s.workers == nil {
		return
	}
	s.workers.AbortAll()
	if s.moved || len(s.sets) == 0 || s.in.Role == process.Successor && !s.accepts {
		return
	}
	for _, socket := range s.sets[0] {
		info, err := os.Lstat(socket.Address)
		if socket.Network == "unix" && !socket.Lent && err == nil && info.Mode()&fs.ModeSocket != 0 {
			_ = os.Remove(socket.Address) // as a port does
		}
	}
}

// beat begins a worker's heartbeats, until the loop ends.
func (s *server) beat() {
	calls := task.NewLoopingCall(s.reactor, func() *deferred.Deferred {
		snapshot, err := json.Marshal(s.snapshot())
		if err == nil {
			_, err = s.in.Control.SendHeartbeat(snapshot)
		}
		if err != nil {
			s.log.Debug().Err(err).Msg("no heartbeat")
		}
		return nil
	})
	calls.Start(heartbeat, true)
}
