package task

import (
	"time"

	"skein/deferred"
	"skein/deferred/clock"
)

// DeferLater runs f once, after a delay, and returns a Deferred that fires with
// what f makes of it: its result, its error or its panic, or the outcome of
// the Deferred that it returns. A nil f makes a plain wait of it. Cancelling
// the Deferred cancels the call, or, once f has run, the Deferred of f.
// DeferLater panics as CallLater of c does if the delay is negative.
//
// Twisted: task.deferLater.
func DeferLater(c clock.Scheduler, after time.Duration, f func() (any, error)) *deferred.Deferred {
	var call *clock.DelayedCall
	d := deferred.NewCancellable(func(*deferred.Deferred) {
		_ = call.Cancel() // it is pending: once it runs, d has fired and is not cancelled here
	})
	call = c.CallLater(after, func() { d.Callback(nil) })
	if f == nil {
		return d
	}
	return d.AddCallback(func(any) (any, error) { return f() })
}
