package task

import (
	"container/list"
	"time"

	"skein/deferred"
	"skein/deferred/clock"
)

// DefaultSlice is how long a [Cooperator] works before it lets the event loop
// turn.
//
// Twisted: task._Timer.MAX_SLICE.
const DefaultSlice = 10 * time.Millisecond

// betweenTurns is when a cooperator asks to go on: as soon as possible, and yet
// later than now, so that one Advance of a fake clock is one turn of the
// cooperator and not all of them.
//
// Twisted: task._EPSILON.
const betweenTurns = time.Nanosecond

// Cooperator shares the event loop's time among tasks that are too long to run
// in one go. Each task is a function that yields between its steps; the
// cooperator takes one step of each in turn for a slice of time, lets the loop
// turn, and goes on.
//
// The slice is measured, not enforced: a step that takes a second takes it from
// everybody. A task that is not finished holds its body, with its stack: stop
// the cooperator when the event loop ends.
//
// Make one with [NewCooperator], and set its fields before the first task.
//
// Twisted: task.Cooperator.
type Cooperator struct {
	// Slice is how long to work per turn; 0: [DefaultSlice].
	Slice time.Duration
	// MaxSteps is how many steps to take per turn at most; 0: no such bound. A
	// test on a fake clock, whose slices never end, sets it.
	MaxSteps int

	clock   clock.Scheduler
	all     list.List     // every task that is not finished, in the order made
	ready   list.List     // those of them that can take a step, in turn
	next    *list.Element // of ready: whose turn it is; nil: the first's
	timer   *clock.DelayedCall
	turning bool // a turn is under way: it schedules the next at its end
	stopped bool
}

// NewCooperator returns a cooperator whose turns c schedules.
//
// Twisted: task.Cooperator().
func NewCooperator(c clock.Scheduler) *Cooperator { return &Cooperator{clock: c} }

// Cooperate runs steps on a cooperator of its own. Tasks that should share
// their slices need a common [Cooperator].
//
// Twisted: task.cooperate.
func Cooperate(c clock.Scheduler, steps Steps) *CooperativeTask {
	return NewCooperator(c).Cooperate(steps)
}

// Cooperate adds a task that runs steps, first in the next turn. On a stopped
// cooperator the task is finished at once, with [ErrSchedulerStopped]. It
// panics with [deferred.ErrNilFunc] if steps is nil.
//
// Twisted: Cooperator.cooperate, and coiterate by WhenDone.
func (c *Cooperator) Cooperate(steps Steps) *CooperativeTask {
	if steps == nil {
		panic(deferred.ErrNilFunc)
	}
	t := &CooperativeTask{cooperator: c, steps: steps}
	t.inAll = c.all.PushBack(t)
	if c.stopped {
		t.finish(ErrSchedulerStopped, ErrSchedulerStopped)
		return t
	}
	t.enter()
	return t
}

// Stop finishes every task with [ErrSchedulerStopped], also those that are
// paused or wait, and every task that is added before Start.
//
// Twisted: Cooperator.stop, which leaves paused and waiting tasks to find out
// when they resume.
func (c *Cooperator) Stop() {
	c.stopped = true
	for e := c.all.Front(); e != nil; e = c.all.Front() {
		e.Value.(*CooperativeTask).finish(ErrSchedulerStopped, ErrSchedulerStopped)
	}
}

// Start takes Stop back, for the tasks added from now on. A new cooperator is
// started.
//
// Twisted: Cooperator.start.
func (c *Cooperator) Start() { c.stopped = false }

// Running reports whether the cooperator takes tasks.
//
// Twisted: Cooperator.running.
func (c *Cooperator) Running() bool { return !c.stopped }

// turn takes steps for one slice.
func (c *Cooperator) turn() {
	c.timer, c.turning = nil, true
	slice := c.Slice
	if slice == 0 {
		slice = DefaultSlice
	}
	end := c.clock.Now().Add(slice)
	for steps := 1; c.ready.Len() > 0; steps++ {
		e := c.next
		if e == nil {
			e = c.ready.Front()
		}
		c.next = e.Next()
		e.Value.(*CooperativeTask).step()
		if steps == c.MaxSteps || !c.clock.Now().Before(end) {
			break
		}
	}
	c.turning = false
	c.schedule()
}

// schedule asks for the next turn if there is anything to do in it.
func (c *Cooperator) schedule() {
	if c.timer == nil && !c.turning && c.ready.Len() > 0 {
		c.timer = c.clock.CallLater(betweenTurns, c.turn)
	}
}

// unschedule takes the request back once there is nothing to do any more, so
// that an idle cooperator leaves no timer behind.
func (c *Cooperator) unschedule() {
	if c.timer != nil && c.ready.Len() == 0 {
		_ = c.timer.Cancel() // it is pending: turn forgets a timer that runs
		c.timer = nil
	}
}
