package clock_test

import (
	"errors"
	"fmt"
	"time"

	"skein/deferred/clock"
)

// A function that waits takes a Scheduler. A program passes its reactor, a test
// passes a Fake and moves the time by hand.
func Example() {
	c := clock.NewFake()
	remind := func(s clock.Scheduler) {
		s.CallLater(2*time.Minute, func() { fmt.Println("the tea is ready") })
	}

	remind(c)
	c.Advance(time.Minute)
	fmt.Println("a minute has passed")
	c.Advance(time.Minute)
	// Output:
	// a minute has passed
	// the tea is ready
}

// Calls for the same instant run in the order in which they were made.
func ExampleFake_CallLater() {
	c := clock.NewFake()
	c.CallLater(time.Second, func() { fmt.Println("second") })
	c.CallLater(time.Second, func() { fmt.Println("third") })
	c.CallLater(0, func() { fmt.Println("first") })
	c.Advance(time.Second)
	// Output:
	// first
	// second
	// third
}

// A timeout that is put off whenever something happens, and cancelled in the end.
func ExampleDelayedCall() {
	c := clock.NewFake()
	idle := c.CallLater(30*time.Second, func() { fmt.Println("timed out") })

	c.Advance(29 * time.Second)
	_ = idle.Reset(30 * time.Second) // something happened: 30 s from now
	c.Advance(29 * time.Second)
	fmt.Println("waiting:", idle.Active())

	fmt.Println("cancel:", idle.Cancel())
	err := idle.Cancel()
	fmt.Println("again:", errors.Is(err, clock.ErrAlreadyCancelled))
	// Output:
	// waiting: true
	// cancel: <nil>
	// again: true
}

// A Queue is the heap without a clock of its own, for those who write a loop.
// PopDue takes what is due; what the calls set meanwhile waits for the next turn.
func ExampleQueue() {
	begin := time.Now()
	q := clock.NewQueue(begin, func() time.Duration { return time.Since(begin) })
	q.Add(0, func() {
		fmt.Println("turn 1")
		q.Add(0, func() { fmt.Println("turn 2") })
	})

	var batch []*clock.DelayedCall
	for q.Len() > 0 {
		batch = q.PopDue(q.Now(), q.Mark(), batch[:0])
		for _, c := range batch {
			if f := c.Begin(); f != nil { // nil: cancelled by a call before it
				f()
			}
		}
		fmt.Println("end of turn")
	}
	// Output:
	// turn 1
	// end of turn
	// turn 2
	// end of turn
}

// Pump moves the time in several steps, as time does.
func ExampleFake_Pump() {
	c := clock.NewFake()
	var tick func()
	tick = func() {
		fmt.Println("tick at", c.Now().Format("04:05"))
		c.CallLater(time.Second, tick)
	}
	c.CallLater(time.Second, tick)
	c.Pump(time.Second, time.Second, time.Second)
	// Output:
	// tick at 00:01
	// tick at 00:02
	// tick at 00:03
}
