//go:build linux || darwin || freebsd

package process

import (
	"encoding/json"
	"errors"
	"syscall"
	"time"

	"skein/deferred/clock"
)

// The pauses between the starts of a worker that does not live.
const (
	lived      = time.Second // who has served for that long has lived
	firstPause = time.Second
	longest    = 10 * time.Second
)

// worker is one of a supervisor's, through all its processes:
//
//	starting ──ready──▶ serving ──ended──▶ waiting ──pause over──▶ starting
//	    └───────────────ended─────────────────▲
//
// INVARIANT: of child and pause at least one is nil.
type worker struct {
	s      *Supervisor
	number int

	child     *Child // starting or serving; nil: there is no process
	ready     bool
	served    bool // it has been ready once, in whichever process
	started   time.Time
	serving   time.Time // since when it is ready
	beat      time.Time // when the last sign of life came
	heartbeat json.RawMessage
	cause     error // why it was killed, before it was ready
	kill      *clock.DelayedCall
	watch     *clock.DelayedCall // waits for it to be ready, or looks whether it is alive

	pause    *clock.DelayedCall // until the next start
	short    int                // lives in a row that were none
	restarts int
}

// state is the worker as others see it.
func (w *worker) state() WorkerState {
	s := WorkerState{Worker: w.number, Ready: w.ready, Started: w.started, Restarts: w.restarts, Heartbeat: w.heartbeat}
	if w.child != nil {
		s.PID = w.child.PID()
	}
	return s
}

// start starts a process.
func (w *worker) start() {
	s := w.s
	w.pause, w.ready, w.heartbeat, w.cause = nil, false, nil, nil
	if s.ending { // the start of another has failed
		s.left--
		s.look()
		return
	}
	w.started = s.r.Now()
	o := SpawnOptions{Command: s.Command, Reactor: s.r, Role: Worker, Worker: w.number, Workers: s.Workers, Log: s.Log}
	if s.Sockets != nil {
		o.Sockets = s.Sockets[w.number-1]
	}
	var c *Child
	o.Heartbeat = func(snapshot json.RawMessage) {
		if w.child == c { // else these are the last words of one that has ended
			w.beat, w.heartbeat = s.r.Now(), snapshot
		}
	}
	c, err := Spawn(o)
	if err != nil {
		s.Logger.Error().Err(err).Int("worker", w.number).Msg("worker was not started")
		w.over(err)
		return
	}
	w.child = c
	w.watch = s.r.CallLater(s.StartTimeout, func() {
		w.cause = &NotReadyError{Name: c.name, PID: c.PID(), After: s.StartTimeout}
		c.Kill()
	})
	c.WhenReady().AddCallbacks(w.readied, w.failed)
	c.WhenEnded().AddCallback(func(ending any) (any, error) {
		w.ended(ending.(Ending))
		return nil, nil
	})
}

// readied takes the word that the process serves.
func (w *worker) readied(any) (any, error) {
	now := w.s.r.Now()
	w.ready, w.serving, w.beat = true, now, now
	cancel(w.watch)
	if w.s.Watchdog > 0 && !w.s.ending {
		w.watch = w.s.r.CallLater(w.s.Watchdog, w.look)
	}
	w.s.Logger.Info().Int("worker", w.number).Int("pid", w.child.PID()).Msg("worker is ready")
	if !w.served {
		w.served = true
		w.s.readied()
	}
	return nil, nil
}

// look kills a process that has given no sign of life for too long.
func (w *worker) look() {
	s := w.s
	if left := s.Watchdog - s.r.Now().Sub(w.beat); left > 0 {
		w.watch = s.r.CallLater(left, w.look)
		return
	}
	s.Logger.Error().Int("worker", w.number).Int("pid", w.child.PID()).
		Msgf("worker has sent no heartbeat for %v: it is stuck, and killed", s.Watchdog)
	_ = w.child.Signal(syscall.SIGABRT) // it may have ended
	w.killLater(killMargin)
}

// failed takes the reason of a process that could not start. Its end follows.
func (w *worker) failed(err error) (any, error) {
	if w.cause == nil {
		w.cause = err
	}
	var said *FailedError
	if errors.As(err, &said) {
		w.killLater(killMargin) // else it has ended
	}
	return nil, nil
}

// ended takes the end of the process, which follows the rest.
func (w *worker) ended(ending Ending) {
	c := w.child
	w.child = nil
	cancel(w.watch)
	cancel(w.kill)
	e := w.s.Logger.Info()
	if !w.s.ending {
		e = w.s.Logger.Warn()
	}
	e = e.Int("worker", w.number).Int("pid", c.PID())
	var said *FailedError
	if errors.As(w.cause, &said) {
		e = e.Err(said)
	}
	e.Msgf("worker %s", ending)
	if w.cause == nil { // it was ready
		w.cause = &EndedError{Name: c.name, PID: c.PID(), Ending: ending}
	}
	w.over(w.cause)
}

// over decides what follows a process, or the failure to start one.
func (w *worker) over(cause error) {
	s := w.s
	if w.ready && s.r.Now().Sub(w.serving) >= lived {
		w.short = 0
	} else {
		w.short++
	}
	w.ready, w.heartbeat = false, nil
	if s.ending || !s.ready.over {
		s.left--
		s.fail(cause)
		s.look()
		return
	}
	after := w.backoff()
	if after > 0 {
		s.Logger.Warn().Int("worker", w.number).Msgf("worker does not live: the next start is in %v", after)
	}
	w.restarts++
	w.pause = s.r.CallLater(after, w.start)
}

// backoff returns the pause before the next start: none after a life, and none
// the first time that it was too short.
func (w *worker) backoff() time.Duration {
	if w.short < 2 {
		return 0
	}
	return min(firstPause<<min(w.short-2, 10), longest)
}

// end stops the worker for good.
func (w *worker) end() {
	if w.pause != nil {
		cancel(w.pause)
		w.pause = nil
		w.s.left--
	}
	if w.child == nil {
		return
	}
	cancel(w.watch)
	_ = w.child.Signal(syscall.SIGTERM) // it may have ended
	w.killLater(w.s.Grace + killMargin)
}

// killLater sees to it that the process ends.
func (w *worker) killLater(after time.Duration) {
	cancel(w.kill)
	c := w.child
	w.kill = w.s.r.CallLater(after, func() {
		w.s.Logger.Warn().Int("worker", w.number).Int("pid", c.PID()).Msg("worker does not end, and is killed")
		c.Kill()
	})
}

// cancel cancels a call that still waits.
func cancel(c *clock.DelayedCall) {
	if c != nil && c.Active() {
		_ = c.Cancel()
	}
}
