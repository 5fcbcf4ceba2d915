package task_test

import (
	"fmt"
	"strings"
	"time"

	"skein/deferred"
	"skein/deferred/clock"
	"skein/deferred/task"
)

// A function that is called every second, until it says that it is enough.
func ExampleLoopingCall() {
	c := clock.NewFake() // a reactor in a program
	n := 0
	var l *task.LoopingCall
	l = task.NewLoopingCall(c, func() *deferred.Deferred {
		n++
		fmt.Println("tick", n)
		if n == 3 {
			_ = l.Stop()
		}
		return nil
	})
	l.Start(time.Second, true).AddCallback(func(any) (any, error) {
		fmt.Println("stopped")
		return nil, nil
	})
	c.Pump(time.Second, time.Second, time.Second)
	// Output:
	// tick 1
	// tick 2
	// tick 3
	// stopped
}

// A call that takes longer than the interval: the loop waits for its Deferred,
// skips what it has missed, and stays on the grid.
func ExampleLoopingCall_slow() {
	c := clock.NewFake()
	start := c.Now()
	l := task.NewLoopingCall(c, func() *deferred.Deferred {
		fmt.Println("call at", c.Now().Sub(start))
		return task.DeferLater(c, 1500*time.Millisecond, nil) // the work
	})
	l.Start(time.Second, true)
	for range 9 {
		c.Advance(500 * time.Millisecond)
	}
	// Output:
	// call at 0s
	// call at 2s
	// call at 4s
}

// The count tells how many instants have passed, so that nothing is missed
// when the loop is late.
func ExampleNewLoopingCallWithCount() {
	c := clock.NewFake()
	frames := 0
	l := task.NewLoopingCallWithCount(c, func(count int) *deferred.Deferred {
		frames += count
		fmt.Printf("%d new, %d in all\n", count, frames)
		return nil
	})
	l.Start(time.Second, false)
	c.Pump(time.Second, 3*time.Second) // on time, then two too late
	// Output:
	// 1 new, 1 in all
	// 3 new, 4 in all
}

// A function that runs later, with its result in a Deferred. Without a
// function it is a wait.
func ExampleDeferLater() {
	c := clock.NewFake()
	show := func(v any) (any, error) { fmt.Println("got", v); return nil, nil }

	task.DeferLater(c, 3*time.Minute, func() (any, error) { return "tea", nil }).AddCallback(show)
	task.DeferLater(c, time.Minute, nil).AddCallback(show)
	changedMind := task.DeferLater(c, time.Minute, func() (any, error) { return "coffee", nil })
	changedMind.AddErrback(func(err error) (any, error) { fmt.Println(err); return nil, nil })
	changedMind.Cancel()

	c.Pump(time.Minute, 2*time.Minute)
	// Output:
	// deferred: cancelled
	// got <nil>
	// got tea
}

// Two long pieces of work, step by step, side by side on one goroutine.
func ExampleCooperator() {
	c := clock.NewFake()
	tasks := task.NewCooperator(c)
	tasks.MaxSteps = 2 // per turn; a program leaves it to the 10 ms slice
	shout := func(poem string) task.Steps {
		return func(yield func(*deferred.Deferred) bool) {
			for word := range strings.FieldsSeq(poem) {
				fmt.Print(strings.ToUpper(word), " ")
				if !yield(nil) {
					return
				}
			}
		}
	}
	tasks.Cooperate(shout("one three five"))
	tasks.Cooperate(shout("two four six")).WhenDone().AddCallback(func(any) (any, error) {
		fmt.Println("(done)")
		return nil, nil
	})
	for range 4 {
		c.Advance(time.Millisecond)
		fmt.Println("| the loop turns")
	}
	// Output:
	// ONE TWO | the loop turns
	// THREE FOUR | the loop turns
	// FIVE SIX | the loop turns
	// (done)
	// | the loop turns
}

// A step may yield a Deferred; the task goes on when it has fired.
func ExampleCooperate() {
	c := clock.NewFake()
	t := task.Cooperate(c, func(yield func(*deferred.Deferred) bool) {
		for i := range 3 {
			fmt.Println("verse", i+1)
			if !yield(task.DeferLater(c, time.Second, nil)) {
				fmt.Println("interrupted")
				return
			}
		}
	})
	c.Pump(0, time.Millisecond, time.Second, time.Millisecond)
	fmt.Println(t.Stop())
	t.WhenDone().AddErrback(func(err error) (any, error) { fmt.Println(err); return nil, nil })
	// Output:
	// verse 1
	// verse 2
	// interrupted
	// <nil>
	// task: the cooperative task is finished: it was stopped
}
