package task

import (
	"time"

	"skein/deferred"
	"skein/deferred/clock"
)

// NewLoopingCallWithCount is as [NewLoopingCall], but tells f how many instants
// of the grid have passed since the last call: 1 if the loop keeps up, more if
// it has skipped some. It is never less than 1, and always 1 if the interval
// is 0. Who draws one frame per instant thus knows how many to drop.
//
// Twisted: LoopingCall.withCount.
func NewLoopingCallWithCount(c clock.Scheduler, f func(count int) *deferred.Deferred) *LoopingCall {
	if f == nil {
		panic(deferred.ErrNilFunc)
	}
	var l *LoopingCall
	l = NewLoopingCall(c, func() *deferred.Deferred {
		return f(l.ticks.next(c.Now(), l.start, l.interval))
	})
	return l
}

// tickCount counts the instants of a grid from call to call.
type tickCount struct {
	last    time.Time // the last call; zero before the first
	atStart bool      // the first call is that of the instant 0
}

// next returns the number of instants from the last call to now. Divisions
// round towards the grid's start, so an instant counts once it is reached.
func (t *tickCount) next(now, start time.Time, interval time.Duration) int {
	last := t.last
	t.last = now
	switch {
	case interval == 0:
		return 1
	case last.IsZero() && t.atStart:
		last = start.Add(-interval)
	case last.IsZero():
		last = start
	}
	return int(now.Sub(start)/interval - last.Sub(start)/interval)
}
