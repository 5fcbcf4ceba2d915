package clock

import (
	"errors"
	"fmt"
	"time"
)

// Scheduler tells the time and calls functions later. Everything in skein
// that waits takes one, so that a test can pass a [Fake].
//
// Its methods belong to the goroutine that runs the calls (for a reactor, the
// reactor's own).
//
// Twisted: IReactorTime.
type Scheduler interface {
	// Now returns the current time of this clock.
	Now() time.Time

	// CallLater runs f once, d from now, and returns the handle to cancel or
	// move it. f never runs from inside CallLater, not even for d == 0. Calls
	// for the same instant run in the order in which they were made. CallLater
	// panics with an error that is [ErrNegativeDelay] if d < 0, and with
	// [ErrNilCall] if f is nil.
	CallLater(d time.Duration, f func()) *DelayedCall
}

// The errors of this package. Match them with [errors.Is].
var (
	// ErrAlreadyCalled says that a call has run, or is running right now.
	ErrAlreadyCalled = errors.New("clock: the delayed call has already been called")
	// ErrAlreadyCancelled says that a call has been cancelled before.
	ErrAlreadyCancelled = errors.New("clock: the delayed call has already been cancelled")
	// ErrNegativeDelay says that a delay lies in the past.
	ErrNegativeDelay = errors.New("clock: negative delay")
	// ErrNilCall says that the function to call is nil.
	ErrNilCall = errors.New("clock: CallLater needs a function, not nil")
)

// negativeDelay is what a negative delay leads to, with the value and the remedy.
func negativeDelay(method string, d time.Duration) error {
	return fmt.Errorf("%w: %s(%v): use 0 to run at the next turn", ErrNegativeDelay, method, d)
}

// callState says where a [DelayedCall] stands in its one-way life.
type callState uint8

const (
	statePending callState = iota
	stateCalled
	stateCancelled
)

// DelayedCall is a function that waits for its time. The zero value is not
// useful: a [Scheduler] makes them.
//
// Its methods belong to the goroutine that owns the Scheduler.
//
// Twisted: internet.base.DelayedCall.
type DelayedCall struct {
	queue *Queue
	f     func()
	at    int64  // nanoseconds since queue.epoch
	seq   uint64 // breaks ties, so that equal times are FIFO
	index int32  // position in the heap, or one of the three below
	state callState

	train      uint8 // see train.go
	prev, next *DelayedCall
}

const (
	notQueued = -1 // run, cancelled, or popped
	inBatch   = -2 // popped by PopDue and not yet begun
	inTrain   = -3 // behind another call
)

// Cancel stops the call from running. It returns [ErrAlreadyCalled] if it has
// run or is running (a call cannot cancel itself), and [ErrAlreadyCancelled]
// if it was cancelled before.
//
// Twisted: DelayedCall.cancel.
func (c *DelayedCall) Cancel() error {
	if err := c.usable(); err != nil {
		return err
	}
	c.queue.remove(c)
	c.state = stateCancelled
	c.f = nil
	return nil
}

// Reset moves the call to d from now, whatever time it was set for; it then
// runs behind the calls already set for that instant. It returns an error that is
// [ErrNegativeDelay] if d < 0, [ErrAlreadyCalled] or [ErrAlreadyCancelled] if the
// call is over.
//
// Twisted: DelayedCall.reset.
func (c *DelayedCall) Reset(d time.Duration) error {
	if err := c.usable(); err != nil {
		return err
	}
	if d < 0 {
		return negativeDelay("Reset", d)
	}
	c.queue.move(c, saturate(c.queue.Now(), d), d)
	return nil
}

// Delay moves the call by d relative to the time it is set for, behind the
// calls already set for that instant. d may be negative: a call moved into the
// past runs at the next turn. It returns [ErrAlreadyCalled] or
// [ErrAlreadyCancelled] if the call is over.
//
// Twisted: DelayedCall.delay.
func (c *DelayedCall) Delay(d time.Duration) error {
	if err := c.usable(); err != nil {
		return err
	}
	c.queue.move(c, saturate(c.at, d), d)
	return nil
}

// Active reports whether the call still waits for its time.
//
// Twisted: DelayedCall.active.
func (c *DelayedCall) Active() bool { return c.state == statePending }

// Time returns the instant for which the call is set, or was set.
//
// Twisted: DelayedCall.getTime.
func (c *DelayedCall) Time() time.Time { return c.queue.epoch.Add(time.Duration(c.at)) }

// usable returns the error that a call that is over gives to its methods.
func (c *DelayedCall) usable() error {
	if c.queue.Guard != nil {
		c.queue.Guard()
	}
	switch c.state {
	case stateCalled:
		return ErrAlreadyCalled
	case stateCancelled:
		return ErrAlreadyCancelled
	}
	return nil
}
