package reactor

import (
	"time"

	"skein/deferred/clock"
	"skein/reactor/internal/kernel"
)

var _ clock.Scheduler = (*Reactor)(nil)

// Now returns the time of the reactor's clock, with a monotonic reading. Any
// goroutine may call it.
//
// Twisted: reactor.seconds.
func (r *Reactor) Now() time.Time { return r.kernel.Now() }

// CallLater runs f once, d from now, on the reactor's goroutine: never from
// inside CallLater, and a call for 0 not before the descriptors that are ready
// have been served. Calls for the same instant run in the order in which they
// were made. A panic in f is logged. CallLater panics with an error that is
// [clock.ErrNegativeDelay] or [clock.ErrNilCall].
//
// Twisted: reactor.callLater.
func (r *Reactor) CallLater(d time.Duration, f func()) *clock.DelayedCall {
	return r.timers.Add(d, f)
}

// PendingCalls returns the number of delayed calls that wait, the reactor's own
// among them.
//
// Twisted: reactor.getDelayedCalls.
func (r *Reactor) PendingCalls() int {
	r.check("PendingCalls")
	return r.timers.Len() - r.idleTimers()
}

// newTimers returns an empty queue by the kernel's clock.
func newTimers(k kernel.Kernel) *clock.Queue {
	epoch := k.Now()
	return clock.NewQueue(epoch, func() time.Duration { return k.Since(epoch) })
}

// nanos returns the time as the timers count it.
func (r *Reactor) nanos() int64 { return r.timers.Now() }

// timerOwner is the owner of what timers do.
const timerOwner = ownerName("timer")

// runTimers runs the calls that are due now. A call that one of them sets waits
// for the next turn, even for 0.
func (r *Reactor) runTimers() {
	at, ok := r.timers.NotBefore()
	if !ok && r.alarmAt == 0 {
		return
	}
	now := r.nanos()
	if r.alarmAt <= now {
		r.alarmAt = 0 // it has rung, perhaps for a call that was cancelled or put off
	}
	if !ok || at > now {
		return
	}
	if at, _ = r.timers.Next(); at > now {
		return
	}
	late := time.Duration(now - at)
	r.stats.Lag, r.stats.MaxLag = late, max(late, r.stats.MaxLag)
	due := r.timers.PopDue(now, r.mark, r.due[:0])
	for i, c := range due {
		if f := c.Begin(); f != nil {
			r.stats.TimersRun++
			_ = r.do(timerOwner, "a timer", f)
		}
		due[i] = nil
	}
	r.due = due[:0]
}

// timerDue reports whether a call is due, or the kernel's timer has expired: if
// that happened during the turn, its call to Wake was one with the turn's.
func (r *Reactor) timerDue() bool {
	at, ok := r.timers.NotBefore()
	if !ok && r.alarmAt == 0 {
		return false
	}
	now := r.nanos()
	return ok && at <= now || r.alarmAt != 0 && r.alarmAt <= now
}

// setAlarm sets the kernel's timer if a call is due before it would expire. It
// runs once after each event, however many calls that has set, and leaves the
// timer alone when the earliest call was cancelled, or put off: waking up in vain
// later is cheaper than a system call now.
func (r *Reactor) setAlarm() {
	r.seen = r.timers.Mark()
	at, ok := r.timers.NotBefore()
	if !ok || r.alarmAt != 0 && r.alarmAt <= at {
		return
	}
	if now := r.nanos(); at > now {
		r.alarmAt = at
		r.kernel.SetTimer(time.Duration(at - now))
	} else {
		r.wakeTurn() // inside a turn, More sees it
	}
}
