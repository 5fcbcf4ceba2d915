package reactor

import (
	"context"
	"sync/atomic"

	"skein/deferred"
	"skein/protocol"
)

// The phases of a reactor's life.
const (
	idle int32 = iota
	running
	stopped
)

// loopsRunning counts the reactors of this process that run now. Suspended
// inline callbacks do not say which loop they wait for, so only the last loop
// to end may end them.
var loopsRunning atomic.Int32

// stopRounds bounds how often bodies that wait anew are ended at the end.
const stopRounds = 100

// Run runs the loop on the calling goroutine until [Reactor.Stop] is called or
// SIGINT or SIGTERM comes, and returns nil after an orderly shutdown, or
// [ErrForcedStop] after [Reactor.Crash] or a second signal. A reactor runs once:
// Run returns [ErrAlreadyRunning] or [ErrNotRestartable] the second time.
//
// Twisted: reactor.run.
func (r *Reactor) Run() error { return r.RunContext(context.Background()) }

// RunContext is Run that also stops, in good order, when ctx is done. It
// returns nil then: the caller knows its context.
func (r *Reactor) RunContext(ctx context.Context) error {
	if !r.phase.CompareAndSwap(idle, running) {
		if r.phase.Load() == running {
			return ErrAlreadyRunning
		}
		return ErrNotRestartable
	}
	loopsRunning.Add(1)
	r.loopID.Store(goroutineID())
	defer func() { _ = r.dismantle() }() // after a Goexit in a callback, too
	if r.opts.signals {
		defer r.catchSignals()()
	}
	defer context.AfterFunc(ctx, func() {
		r.CallFromThread(func() { _ = r.Stop() })
	})()
	r.calling = true
	r.fire(Startup, func() *deferred.Deferred { return nil }, func() { r.started = true })
	r.calling = false
	r.kernel.Wake() // for what the triggers have left
	if err := r.kernel.Poll(); err != nil {
		return err
	}
	if r.crashed {
		return ErrForcedStop
	}
	return nil
}

// Stop ends the loop in good order: the calls of this turn still run, then the
// Shutdown event's Before triggers, whose Deferreds are waited for while the
// loop serves on; then ports close, connections that are being closed may send
// what they have for as long as the shutdown grace allows, all others are reset
// (a clean end would pass a poem cut in the middle for a whole one); last the
// During and After triggers, and Run returns. Stop returns [ErrNotRunning] if
// the reactor does not run or is stopping already.
//
// Twisted: reactor.stop.
func (r *Reactor) Stop() error {
	r.check("Stop")
	if r.phase.Load() != running || r.stopCalled {
		return ErrNotRunning
	}
	r.stopCalled = true
	r.wakeTurn()
	return nil
}

// Running reports whether Run has begun and not returned. Any goroutine may
// call it.
func (r *Reactor) Running() bool { return r.phase.Load() == running }

// advanceShutdown begins what Stop asked for. The rest follows as its Deferreds
// fire.
func (r *Reactor) advanceShutdown() {
	if !r.stopCalled || r.stopping {
		return
	}
	r.stopping = true
	r.fire(Shutdown, r.disconnectAll, func() {
		r.over = true
		r.kernel.Wake() // a Deferred may fire between turns
	})
}

// disconnectAll closes ports, attempts and connections, and returns a Deferred
// that fires when the last of them has told its owner.
func (r *Reactor) disconnectAll() *deferred.Deferred {
	r.closed = true
	for _, s := range r.table {
		if s, ok := s.(interface{ shutdown() }); ok {
			s.shutdown()
		}
	}
	for _, c := range r.attempts {
		c.fail(ErrStopped)
	}
	r.threads.abandon()
	if r.live == 0 {
		return nil
	}
	r.drained = deferred.New()
	grace := r.timers.Add(r.opts.grace, func() {
		r.graceOver = true
		for _, s := range r.table {
			if c, ok := s.(*conn); ok {
				c.giveUp()
			}
		}
	})
	return r.drained.AddBoth(func(any, error) (any, error) {
		if grace.Active() {
			_ = grace.Cancel()
		}
		return nil, nil
	})
}

// opened counts what disconnectAll will have to wait for: ports, attempts and
// connections.
func (r *Reactor) opened() { r.live++ }

// ended counts one of them off, after its last callback.
func (r *Reactor) ended() {
	r.tellDrained()
	if r.live--; r.live == 0 && r.drained != nil {
		d := r.drained
		r.drained = nil
		d.Callback(nil)
	}
}

// Crash ends the loop at the end of this turn, whatever is open: connections are
// reset, and neither they nor their protocols are told; no trigger runs. Run
// returns [ErrForcedStop]. On a reactor that does not run it has no effect. See
// [Reactor.Stop] for good order.
//
// Twisted: reactor.crash.
func (r *Reactor) Crash() {
	r.check("Crash")
	if r.phase.Load() != running {
		return
	}
	r.crashed, r.over = true, true
	r.wakeTurn()
}

// dismantle gives back every descriptor. No user code runs any more, but for
// what waits for WhenDrained, and the deferred functions of inline callbacks that
// nobody will resume.
func (r *Reactor) dismantle() error {
	wasRunning := r.phase.Swap(stopped) == running
	for fd, s := range r.table {
		switch s := s.(type) {
		case nil, *descriptor: // a bare descriptor belongs to the user
		case *conn:
			r.kernel.CloseSocket(fd, !s.has(isLingering))
			s.flags |= isDead | isDisconnecting
			s.end = &ending{reason: protocol.CloseReason(protocol.ErrConnectionLost, ErrStopped)}
		case *Port:
			s.open = false
			s.removePath()
			r.kernel.CloseSocket(fd, false)
		case *DatagramPort:
			s.open = false // what is written from now on would go to whoever gets the number
			r.kernel.CloseSocket(fd, false)
		default:
			r.kernel.CloseSocket(fd, false)
		}
	}
	for _, d := range r.released {
		r.kernel.CloseSocket(d.fd, d.reset)
	}
	r.table, r.released, r.closed = nil, nil, true
	err := r.kernel.Close()
	close(r.finished)
	for _, g := range r.given {
		_ = g.File.Close()
	}
	r.given = nil
	r.failDrained()
	if wasRunning {
		if loopsRunning.Add(-1) == 0 {
			for range stopRounds {
				if deferred.StopSuspended() == 0 {
					break
				}
			}
		}
		deferred.SweepUnhandled()
	}
	return err
}
