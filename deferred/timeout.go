package deferred

import (
	"errors"
	"fmt"
	"time"

	"skein/deferred/clock"
)

// TimeoutError says that a Deferred took longer than it was given. It is an
// [ErrTimeout].
//
// Twisted: defer.TimeoutError, made by _cancelledToTimedOutError.
type TimeoutError struct {
	// After is the time that was given.
	After time.Duration
}

// Error names the time.
func (e *TimeoutError) Error() string { return fmt.Sprintf("deferred: timed out after %v", e.After) }

// Is makes every TimeoutError match ErrTimeout.
func (e *TimeoutError) Is(target error) bool { return target == ErrTimeout }

// Timeout makes it a timeout for [os.IsTimeout] and its like.
func (e *TimeoutError) Timeout() bool { return true }

// AddTimeout cancels d if it has no result when the time has passed. The
// cancellation then shows as a [*TimeoutError] to the callbacks added after
// this one; those added before it see [ErrCancelled]. If the canceller, or an
// errback added before, makes a result of it, the result stands. A
// cancellation by somebody else stays an ErrCancelled. In every case the timer
// is gone when d has its result. It returns d, and panics as CallLater of c
// does if after is negative.
//
// Twisted: defer.Deferred.addTimeout.
func (d *Deferred) AddTimeout(after time.Duration, c clock.Scheduler) *Deferred {
	return d.AddTimeoutFunc(after, c, func(result any, err error, after time.Duration) (any, error) {
		if errors.Is(err, ErrCancelled) {
			return nil, &TimeoutError{After: after}
		}
		return result, err
	})
}

// AddTimeoutFunc is AddTimeout with a say in what a timeout becomes: if the
// time has passed, onTimeout gets the result or error that the cancellation
// led to, and what it returns goes on.
//
// Twisted: defer.Deferred.addTimeout with onTimeoutCancel.
func (d *Deferred) AddTimeoutFunc(after time.Duration, c clock.Scheduler,
	onTimeout func(result any, err error, after time.Duration) (any, error)) *Deferred {
	timedOut := false
	timer := c.CallLater(after, func() {
		timedOut = true
		d.Cancel()
	})
	return d.AddBoth(func(result any, err error) (any, error) {
		if timedOut {
			return onTimeout(result, err, after)
		}
		_ = timer.Cancel() // it is pending: a timer that ran has set timedOut
		return result, err
	})
}
