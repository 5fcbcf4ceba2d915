//go:build linux || darwin || freebsd

package process

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"skein/deferred"
	"skein/reactor"
	"skein/reactor/service"
)

// Supervisor is a service of processes: it starts workers, starts one that ends
// again, and stops them all.
//
//	Start ─▶ all started ─▶ all ready: WhenReady fires
//	              │
//	              └─▶ one fails: all stopped, WhenReady fails with its reason
//
// From when all are ready, a worker that ends is started again with the same
// sockets, whose queues this process holds open meanwhile, so that nobody is
// refused: at once, and after a pause of up to 10 s when it has not served for a
// second, twice in a row.
//
// Its fields are set before it is started, which can be done once. Its methods
// are the loop's.
//
// Twisted: procmon.ProcessMonitor.
type Supervisor struct {
	service.Base
	// Command is what the workers run.
	Command

	// Reactor is the loop; nil: the application's.
	Reactor *reactor.Reactor
	// Workers is how many there are.
	Workers int
	// Sockets are the workers' sets, one each, as [ShareSockets] makes them; nil:
	// they get none. The supervisor closes them when it is stopped.
	Sockets [][]Socket
	// Log takes the lines of the workers' standard error, as that of
	// [SpawnOptions].
	Log io.Writer
	// Logger takes what the supervisor itself has to say.
	Logger zerolog.Logger
	// Grace is how long a worker that is told to stop may take by its own rules;
	// 0: 10 s. After it, and 3 s more, it is killed.
	Grace time.Duration
	// StartTimeout is how long a worker may take to be ready before it is killed;
	// 0: 30 s.
	StartTimeout time.Duration
	// Watchdog is how long a worker may send no heartbeat before it is killed, by
	// SIGABRT, so that its log shows what it was at, and 3 s later by SIGKILL. 0:
	// there is no such check. It should be a few heartbeats.
	Watchdog time.Duration

	r       *reactor.Reactor
	workers []*worker
	left    int // workers that have a process, or are about to have one
	unready int // workers that have not been ready yet, in the first start
	ready   occasion
	failure error // why the first start has failed
	ending  bool  // nothing is started any more
	gone    occasion
}

// killMargin is how long a worker may take beyond its own rules.
const killMargin = 3 * time.Second

// abortPatience is how long workers have to reset their connections, and
// abortPause how often one looks meanwhile.
const (
	abortPatience = time.Second
	abortPause    = 5 * time.Millisecond
)

// WorkerState is how a worker is.
type WorkerState struct {
	// Worker is its number, from 1 on.
	Worker int
	// PID is its process, or 0 if it has none now.
	PID int
	// Ready reports whether it serves.
	Ready bool
	// Started is when its process was started.
	Started time.Time
	// Restarts is how often it was started again.
	Restarts int
	// Heartbeat is the last snapshot of this process; nil if there is none yet.
	Heartbeat json.RawMessage
}

// StartService starts the workers. [service.Start] calls it. How they go on is
// for WhenReady to say.
func (s *Supervisor) StartService() error {
	switch {
	case s.workers != nil:
		return ErrSpent
	case s.Workers < 1:
		return fmt.Errorf("process: %d workers: there must be one at least", s.Workers)
	case s.Sockets != nil && len(s.Sockets) != s.Workers:
		return fmt.Errorf("process: %d sets of sockets for %d workers", len(s.Sockets), s.Workers)
	}
	if s.r = s.Reactor; s.r == nil {
		s.r = service.ReactorOf(s)
	}
	if s.r == nil {
		return service.ErrNoReactor
	}
	s.Grace, s.StartTimeout = cmp.Or(s.Grace, 10*time.Second), cmp.Or(s.StartTimeout, readyTimeout)
	s.left, s.unready = s.Workers, s.Workers
	for i := range s.Workers {
		s.workers = append(s.workers, &worker{s: s, number: i + 1})
	}
	for _, w := range s.workers {
		w.start()
	}
	return nil
}

// StopService stops the workers by SIGTERM, and those that take too long by
// SIGKILL. [service.Stop] calls it. The Deferred fires when all are gone.
func (s *Supervisor) StopService() *deferred.Deferred {
	for _, set := range s.Sockets {
		CloseSockets(set) // now, so that clients are refused when the workers stop to accept
	}
	if s.failure == nil {
		s.failure = service.ErrStopped
	}
	s.endAll()
	return s.gone.when()
}

// WhenReady returns a Deferred that fires with nil when all workers are ready for
// the first time. If one of them is not, all are stopped, and it fails with that
// one's error when they are gone: a [*FailedError], an [*EndedError], a
// [*NotReadyError], or that of [Spawn]; and with service.ErrStopped if the
// supervisor was stopped before that. It may be called more than once.
func (s *Supervisor) WhenReady() *deferred.Deferred { return s.ready.when() }

// States returns how each worker is, in order.
func (s *Supervisor) States() []WorkerState {
	states := make([]WorkerState, 0, len(s.workers))
	for _, w := range s.workers {
		states = append(states, w.state())
	}
	return states
}

// Signal sends each worker a signal.
func (s *Supervisor) Signal(sig os.Signal) {
	for _, w := range s.workers {
		if w.child != nil {
			_ = w.child.Signal(sig) // it may have ended
		}
	}
}

// KillAll ends all workers at once, and starts none again: for a second signal,
// also when the reactor has ended by it.
func (s *Supervisor) KillAll() {
	s.ending = true
	s.Signal(syscall.SIGKILL)
}

// AbortAll ends all workers at once, for a second signal: by SIGTERM, which is
// their second, too, so that they reset their connections. A client of one that is
// killed would take what it has for all that there is. Those that do not listen
// are killed after a second. It blocks: the reactor has ended.
func (s *Supervisor) AbortAll() {
	s.ending = true
	s.Signal(syscall.SIGTERM)
	for until := time.Now().Add(abortPatience); s.alive() && time.Now().Before(until); {
		time.Sleep(abortPause) // sleeps: there is no loop any more that hears of their ends
	}
	s.KillAll()
}

// alive reports whether a worker has a process.
func (s *Supervisor) alive() bool {
	return slices.ContainsFunc(s.workers, func(w *worker) bool {
		return w.child != nil && w.child.Signal(syscall.Signal(0)) == nil
	})
}

// endAll stops each worker. It may be called again.
func (s *Supervisor) endAll() {
	if s.ending {
		return
	}
	s.ending = true
	for _, w := range s.workers {
		w.end()
	}
	s.look()
}

// readied counts a worker that is ready for the first time.
func (s *Supervisor) readied() {
	if s.unready--; s.unready == 0 && !s.ending {
		s.ready.happen(nil, nil)
	}
}

// fail ends the first start, by the first failure.
func (s *Supervisor) fail(err error) {
	if s.failure == nil {
		s.failure = err
	}
	s.endAll()
}

// look sees whether all workers are gone for good.
func (s *Supervisor) look() {
	if !s.ending || s.left > 0 || s.gone.over {
		return
	}
	if !s.ready.over {
		s.ready.happen(nil, s.failure)
	}
	s.gone.happen(nil, nil)
}
