package task

import (
	"container/list"
	"iter"

	"skein/deferred"
)

// Steps is the work of a [CooperativeTask], written as a function that calls
// yield between one step and the next. It yields nil to go on in its turn, or
// a Deferred to go on when that has fired; if that fails, the task fails with
// its error, so yield(deferred.Fail(err)) ends the task with err. When yield
// returns false the task has been stopped: the function cleans up and returns.
//
//	func(yield func(*deferred.Deferred) bool) {
//		for _, verse := range poem {
//			transform(verse)
//			if !yield(nil) {
//				return
//			}
//		}
//	}
//
// It must not call runtime.LockOSThread.
//
// Twisted: an iterator, most often a generator, that may yield Deferreds.
type Steps = iter.Seq[*deferred.Deferred]

// CooperativeTask is one task of a [Cooperator], which makes them.
//
// Twisted: task.CooperativeTask.
type CooperativeTask struct {
	cooperator *Cooperator
	inAll      *list.Element // nil once finished
	inReady    *list.Element // nil while paused or waiting, and once finished

	// The body, by iter.Pull, from the first step on.
	steps    Steps
	next     func() (*deferred.Deferred, bool)
	stop     func()
	stepping bool // the body runs now

	pauses  int  // Pause without Resume
	waiting bool // for a Deferred that the body has yielded

	state   error // how it is over: one of the ErrTask errors; nil before
	outcome error // what WhenDone fails with; nil: it succeeds
	waiters []*deferred.Deferred
	unseen  *deferred.Deferred // keeps a failure that nobody has asked about
}

// WhenDone returns a new Deferred that fires with the task when its steps have
// come to their end, and fails when the task is over for another reason: with
// the error of the step, a [*deferred.PanicError], [ErrTaskStopped] or
// [ErrSchedulerStopped]. If a task fails and nobody asks, the error is reported
// as unhandled.
//
// Twisted: CooperativeTask.whenDone, but no failure is lost.
func (t *CooperativeTask) WhenDone() *deferred.Deferred {
	switch {
	case t.state == nil:
		d := deferred.New()
		t.waiters = append(t.waiters, d)
		return d
	case t.outcome == nil:
		return deferred.Succeed(t)
	}
	if t.unseen != nil {
		t.unseen.AddErrback(func(error) (any, error) { return nil, nil })
	}
	return deferred.Fail(t.outcome)
}

// Pause keeps the task from taking steps until Resume has been called as often
// as Pause. It returns [ErrTaskDone], [ErrTaskFailed], [ErrTaskStopped] or
// [ErrSchedulerStopped] if the task is over.
//
// Twisted: CooperativeTask.pause.
func (t *CooperativeTask) Pause() error {
	if t.state != nil {
		return t.state
	}
	t.pauses++
	t.leave()
	return nil
}

// Resume takes one Pause back. It does not end the wait for a Deferred that
// the task has yielded. It returns [ErrNotPaused] if there is no Pause to take
// back, and an error as Pause does if the task is over.
//
// Twisted: CooperativeTask.resume, which does end the wait.
func (t *CooperativeTask) Resume() error {
	switch {
	case t.state != nil:
		return t.state
	case t.pauses == 0:
		return ErrNotPaused
	}
	t.pauses--
	t.enter()
	return nil
}

// Stop ends the task: the yield in which its body stands returns false, and
// WhenDone fails with [ErrTaskStopped]. A task may stop itself; its body then
// ends at its next yield. Stop returns an error as Pause does if the task is
// over.
//
// Twisted: CooperativeTask.stop.
func (t *CooperativeTask) Stop() error {
	if t.state != nil {
		return t.state
	}
	t.finish(ErrTaskStopped, ErrTaskStopped)
	return nil
}

// enter queues a task that is not queued for its next step, unless something
// keeps it from it.
func (t *CooperativeTask) enter() {
	if t.pauses == 0 && !t.waiting {
		t.inReady = t.cooperator.ready.PushBack(t)
		t.cooperator.schedule()
	}
}

// leave takes the task out of the queue.
func (t *CooperativeTask) leave() {
	c := t.cooperator
	if t.inReady == nil {
		return
	}
	if c.next == t.inReady {
		c.next = t.inReady.Next()
	}
	c.ready.Remove(t.inReady)
	t.inReady = nil
	c.unschedule()
}

// step runs the body to its next yield.
func (t *CooperativeTask) step() {
	t.stepping = true
	d, more, err := t.advance()
	t.stepping = false
	switch {
	case t.state != nil: // the step has stopped its own task
		if err != nil {
			deferred.Fail(err) // dropped, it is reported as unhandled
		}
		t.release()
	case err != nil:
		t.finish(ErrTaskFailed, err)
	case !more:
		t.finish(ErrTaskDone, nil)
	case d != nil:
		t.wait(d)
	}
}

// advance resumes the body and turns a panic into an error.
func (t *CooperativeTask) advance() (d *deferred.Deferred, more bool, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = newPanicError(v)
		}
	}()
	if t.next == nil { // not before: a task that is never run needs no coroutine
		t.next, t.stop = iter.Pull(t.steps)
	}
	d, more = t.next()
	return d, more, nil
}

// wait keeps the task from its next step until d has fired.
func (t *CooperativeTask) wait(d *deferred.Deferred) {
	t.waiting = true
	t.leave()
	d.AddCallbacks(
		func(any) (any, error) {
			t.waiting = false
			if t.state == nil {
				t.enter()
			}
			return nil, nil
		},
		func(err error) (any, error) {
			if t.state != nil {
				return nil, err // too late to be the task's: it stays where it was
			}
			t.finish(ErrTaskFailed, err)
			return nil, nil
		})
}

// finish ends the task. Its Deferreds fire last of all, when the task is out of
// the cooperator's hands: what they set going may add, pause or stop others,
// or stop the cooperator.
func (t *CooperativeTask) finish(state, outcome error) {
	t.state, t.outcome = state, outcome
	t.leave()
	t.cooperator.all.Remove(t.inAll)
	t.inAll = nil
	if !t.stepping {
		t.release()
	}
	waiters := t.waiters
	t.waiters = nil
	for _, d := range waiters {
		if outcome == nil {
			d.Callback(t)
		} else {
			d.Errback(outcome)
		}
	}
	if state == ErrTaskFailed && len(waiters) == 0 {
		t.unseen = deferred.Fail(outcome)
	}
}

// release ends the body, if it has begun and not ended yet: its yield returns
// false. What it panics with then is reported as unhandled.
func (t *CooperativeTask) release() {
	defer func() {
		if v := recover(); v != nil {
			deferred.Fail(newPanicError(v))
		}
	}()
	if t.stop != nil {
		t.stop()
	}
}
