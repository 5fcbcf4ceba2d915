package task

import (
	"fmt"
	"time"

	"skein/deferred"
	"skein/deferred/clock"
)

// LoopingCall calls a function again and again. The calls lie on the grid
// start + k*interval, so they do not drift; a call that takes longer than the
// interval makes the loop skip the instants it has missed, never bunch them. A
// call that returns a Deferred is not over until that fires.
//
//	grid     0    1    2    3    4    5
//	calls    ├──┤ ├─┤  ├───────────┤  ├─┤     the long one skips 3 and 4
//
// Make one with [NewLoopingCall].
//
// Twisted: task.LoopingCall.
type LoopingCall struct {
	clock clock.Scheduler
	f     func() *deferred.Deferred

	// The methods below as function values: made once, so that a call that
	// returns no Deferred allocates nothing but its timer.
	onTick func()
	onDone deferred.Callback
	onFail deferred.Errback

	running  bool
	start    time.Time // where the grid begins
	interval time.Duration
	timer    *clock.DelayedCall // the next call; nil while one is under way
	busy     bool               // a call is under way
	pending  *deferred.Deferred // what the call under way has returned
	finished *deferred.Deferred // what Start returned; nil once fired
	ticks    tickCount
}

// NewLoopingCall returns a loop, not yet running, that calls f. f returns nil
// when it is done, a Deferred for work that goes on (the loop waits for it),
// or deferred.Fail(err) to end the loop with an error; its panic does so, too.
// The result of the Deferred is not looked at. NewLoopingCall panics with
// [deferred.ErrNilFunc] if f is nil.
//
// Twisted: task.LoopingCall(f), with LoopingCall.clock set.
func NewLoopingCall(c clock.Scheduler, f func() *deferred.Deferred) *LoopingCall {
	if f == nil {
		panic(deferred.ErrNilFunc)
	}
	l := &LoopingCall{clock: c, f: f}
	l.onTick = l.tick
	l.onDone = func(any) (any, error) { l.done(); return nil, nil }
	l.onFail = l.fail
	return l
}

// Start begins the loop: the first call comes at once, before Start returns,
// if now is true, and after one interval otherwise. An interval of 0 calls
// once per turn of the event loop.
//
// The Deferred that Start returns fires with the LoopingCall when the loop has
// been stopped and no call is under way; it fails with the error that ended
// the loop. Cancelling it stops the loop, and cancels the call under way.
//
// Start panics with an error that is [ErrLoopRunning] if the loop runs or its
// last call does, and [clock.ErrNegativeDelay] if the interval is negative.
//
// Twisted: LoopingCall.start.
func (l *LoopingCall) Start(interval time.Duration, now bool) *deferred.Deferred {
	if l.running || l.busy {
		panic(ErrLoopRunning)
	}
	if interval < 0 {
		panic(fmt.Errorf("%w: Start(%v): use 0 to call once per turn", clock.ErrNegativeDelay, interval))
	}
	d := deferred.NewCancellable(l.cancelled)
	l.running, l.finished = true, d
	l.interval, l.start = interval, l.clock.Now()
	l.ticks = tickCount{atStart: now}
	if now {
		l.tick()
	} else {
		l.schedule()
	}
	return d
}

// Stop ends the loop. If no call is under way, the Deferred of Start fires
// before Stop returns, otherwise when that call is over. It returns
// [ErrLoopNotRunning] if the loop does not run.
//
// Twisted: LoopingCall.stop.
func (l *LoopingCall) Stop() error {
	if !l.running {
		return ErrLoopNotRunning
	}
	l.running = false
	if l.unschedule() {
		l.finish(nil)
	}
	return nil
}

// Reset begins the grid anew: the next call comes one interval from now, or,
// if a call is under way, at the first instant of the new grid after it. It
// returns [ErrLoopNotRunning] if the loop does not run.
//
// Twisted: LoopingCall.reset.
func (l *LoopingCall) Reset() error {
	if !l.running {
		return ErrLoopNotRunning
	}
	l.start = l.clock.Now()
	if l.unschedule() {
		l.schedule()
	}
	return nil
}

// Running reports whether the loop has been started and has neither been
// stopped nor failed.
//
// Twisted: LoopingCall.running.
func (l *LoopingCall) Running() bool { return l.running }

// tick makes one call.
func (l *LoopingCall) tick() {
	l.timer, l.busy = nil, true
	d, err := l.call()
	switch {
	case err != nil:
		if _, err = l.fail(err); err != nil {
			deferred.Fail(err) // nobody waits any more: dropped, it is reported as unhandled
		}
	case d == nil:
		l.done()
	default:
		l.pending = d
		d.AddCallbacks(l.onDone, l.onFail)
	}
}

// call runs f and turns a panic into an error.
func (l *LoopingCall) call() (d *deferred.Deferred, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = newPanicError(v)
		}
	}()
	return l.f(), nil
}

// done ends a call that succeeded.
func (l *LoopingCall) done() {
	l.busy, l.pending = false, nil
	if l.running {
		l.schedule()
		return
	}
	l.finish(nil)
}

// fail ends the loop with the error of a call. If the loop was cancelled
// meanwhile, its Deferred has fired, and the error stays where it was.
func (l *LoopingCall) fail(err error) (any, error) {
	l.busy, l.pending, l.running = false, nil, false
	if l.finished == nil {
		return nil, err
	}
	l.finish(err)
	return nil, nil
}

// finish fires the Deferred of Start, unless a cancellation has. The loop is
// ready to be started again by what that sets going.
func (l *LoopingCall) finish(err error) {
	d := l.finished
	l.finished = nil
	switch {
	case d == nil:
	case err != nil:
		d.Errback(err)
	default:
		d.Callback(l)
	}
}

// cancelled is the canceller of Start's Deferred. Unless the cancelled call
// fires it, with what became of the call, it fails with ErrCancelled.
func (l *LoopingCall) cancelled(*deferred.Deferred) {
	l.running = false
	l.unschedule()
	if l.pending != nil {
		l.pending.Cancel()
	}
	l.finished = nil
}

// schedule sets the timer to the next instant of the grid. One that is just
// passing counts as passed.
func (l *LoopingCall) schedule() {
	var wait time.Duration
	if l.interval > 0 {
		elapsed := l.clock.Now().Sub(l.start)
		wait = l.interval - elapsed%l.interval
	}
	l.timer = l.clock.CallLater(wait, l.onTick)
}

// unschedule takes the timer back and reports whether there was one.
func (l *LoopingCall) unschedule() bool {
	if l.timer == nil {
		return false
	}
	_ = l.timer.Cancel() // it is pending: tick forgets a timer that runs
	l.timer = nil
	return true
}
