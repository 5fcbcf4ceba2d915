package clock

import "time"

// Fake is a [Scheduler] whose time stands still until a test moves it. Calls
// run from inside [Fake.Advance], on the goroutine that calls it.
//
// Twisted: task.Clock.
type Fake struct {
	now   time.Time
	queue *Queue
}

var _ Scheduler = (*Fake)(nil)

// NewFake returns a fake clock. Its time begins at the first second of the
// year 2000 (UTC), so that a test's output does not change from run to run.
func NewFake() *Fake {
	epoch := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	f := &Fake{now: epoch}
	f.queue = NewQueue(epoch, func() time.Duration { return f.now.Sub(epoch) })
	return f
}

// Now returns the time that the test has reached.
func (f *Fake) Now() time.Time { return f.now }

// CallLater files fn to run when the test has advanced by d.
func (f *Fake) CallLater(d time.Duration, fn func()) *DelayedCall { return f.queue.Add(d, fn) }

// Pending returns the number of calls that wait.
//
// Twisted: Clock.getDelayedCalls.
func (f *Fake) Pending() int { return f.queue.Len() }

// Next returns the time of the earliest waiting call; ok is false if none waits.
func (f *Fake) Next() (at time.Time, ok bool) {
	ns, ok := f.queue.Next()
	if !ok {
		return time.Time{}, false
	}
	return f.queue.epoch.Add(time.Duration(ns)), true
}

// Advance moves the time forward by d, then runs every call that has become
// due, earliest first, including those that these calls add for a time already
// reached: a call that sets itself again at 0 for ever keeps Advance for ever.
// All of them see the time that Advance has moved to. A panic in a call goes to
// the caller of Advance; the calls behind it stay due and run at the next
// Advance, even by 0. It panics with an error that is [ErrNegativeDelay] if
// d < 0.
//
// Twisted: Clock.advance.
func (f *Fake) Advance(d time.Duration) {
	if d < 0 {
		panic(negativeDelay("Advance", d))
	}
	f.now = f.now.Add(d)
	for {
		at, ok := f.queue.Next()
		if !ok || at > f.queue.Now() {
			return
		}
		f.queue.popFirst()()
	}
}

// Pump advances by each of the steps in turn.
//
// Twisted: Clock.pump.
func (f *Fake) Pump(steps ...time.Duration) {
	for _, d := range steps {
		f.Advance(d)
	}
}

// popFirst takes the earliest call, which Next has just seen, off the queue, marks
// it as called and returns its function.
func (q *Queue) popFirst() func() {
	c := q.heap[0].call
	q.remove(c)
	c.index = inBatch
	return c.Begin()
}
