package deferred

import (
	"fmt"
	"strings"
)

// RaceError says that nobody won a [Race].
//
// Twisted: defer.FailureGroup.
type RaceError struct {
	// Errs are the errors, in the order of the Deferreds.
	Errs []error
}

// Error names every error.
func (e *RaceError) Error() string {
	texts := make([]string, len(e.Errs))
	for i, err := range e.Errs {
		texts[i] = err.Error()
	}
	return fmt.Sprintf("deferred: all %d of the race failed: %s", len(texts), strings.Join(texts, "; "))
}

// Unwrap returns all errors, so that [errors.Is] and [errors.As] look at each.
func (e *RaceError) Unwrap() []error { return e.Errs }

// Race returns a Deferred that fires with the [FirstResult] of the first of ds
// to succeed, after it has cancelled the others. If all fail it fails with a
// [*RaceError]; if ds is empty, at once with [ErrNoDeferreds]. Cancelling the
// race cancels all of ds. The race takes the results of ds over: each goes on
// with nil, and no error of a loser is left to be handled. A nil element is a
// panic with an error that is [ErrNilDeferred] and names the place.
//
// Twisted: defer.race, which never fires if ds is empty.
func Race(ds []*Deferred) *Deferred {
	refuseNil(ds)
	if len(ds) == 0 {
		return Fail(ErrNoDeferreds)
	}
	cancel := cancelAll(ds)
	r := &race{
		cancel:  cancel,
		outcome: NewCancellable(cancel),
		errs:    make([]error, len(ds)),
		missing: len(ds),
	}
	runners := make([]contestant, len(ds))
	for i, d := range ds {
		runners[i] = contestant{r, i}
		d.add(link{on: &runners[i]})
	}
	return r.outcome
}

// race is what the contestants share.
type race struct {
	cancel  Canceller // of all Deferreds in it
	outcome *Deferred
	errs    []error
	missing int // those that have not failed
}

// contestant is the joint that a race adds to each of its Deferreds.
type contestant struct {
	*race
	index int
}

// arrive makes d the winner, if it succeeded and is the first, and the race
// failed if d was its last hope.
func (c *contestant) arrive(d *Deferred) (next *Deferred) {
	value, err := d.give() // also a loser's: nobody else is there to handle it
	if err != nil {
		c.errs[c.index] = err
		c.missing--
	}
	switch {
	case c.outcome.called:
		return nil // too late
	case err == nil:
		// Decided before the others are cancelled: a canceller may make its own
		// Deferred succeed, which must not win any more. For the winner, which
		// has fired, Cancel does nothing.
		c.outcome.start(FirstResult{value, c.index}, nil)
		c.cancel(c.outcome)
	case c.missing == 0:
		c.outcome.start(nil, &RaceError{c.errs})
	default:
		return nil
	}
	return c.outcome
}
