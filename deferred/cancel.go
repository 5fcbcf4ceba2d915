package deferred

import "fmt"

// Cancel says that nobody wants the result any more. What happens depends on
// where d stands:
//
//	unfired, with a canceller   the canceller runs; if it does not fire d, d
//	                            fails with ErrCancelled
//	unfired, without            d fails with ErrCancelled, and one firing that
//	                            still comes is ignored instead of a panic
//	waits for another Deferred  that one is cancelled instead, and d goes on
//	                            with what becomes of it
//	finished                    nothing
//
// A canceller that panics is reported to the handler of [SetUnhandledHandler],
// and d fails with [ErrCancelled] all the same. A canceller that calls Cancel
// again changes nothing. A paused d fires, but runs only when unpaused.
//
// Twisted: defer.Deferred.cancel, but a canceller's exception cannot leave the
// Deferred unfired.
func (d *Deferred) Cancel() {
	for d.waiting != nil { // not recursion: a line of waiting Deferreds can be long
		d = d.waiting
	}
	switch {
	case d.called || d.cancelling:
	case d.inline:
		d.cancelAsked = true // its body runs right now: it hears of it when it next waits
	case d.canceller == nil:
		d.swallow = true
		d.fire(nil, ErrCancelled)
	default:
		if err := d.callCanceller(); err != nil {
			report(Unhandled{Err: fmt.Errorf("in a canceller: %w", err)})
		}
		if !d.called && !d.delegates {
			d.fire(nil, ErrCancelled)
		}
	}
}

// callCanceller runs the canceller and returns its panic, if any, as an error.
func (d *Deferred) callCanceller() (err error) {
	d.cancelling = true
	defer func() {
		d.cancelling = false
		if v := recover(); v != nil {
			err = newPanicError(v)
		}
	}()
	d.canceller(d)
	return nil
}
