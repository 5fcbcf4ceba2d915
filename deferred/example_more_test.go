package deferred_test

import (
	"errors"
	"fmt"

	"skein/deferred"
)

// A body reads like blocking code, and runs on the goroutine of whoever fires
// what it waits for.
func ExampleInlineCallbacks() {
	name, poem := deferred.New(), deferred.New()
	d := deferred.InlineCallbacks(func(in *deferred.Inline) (any, error) {
		fmt.Println("asking")
		n, err := deferred.Await[string](in, name)
		if err != nil {
			return nil, err
		}
		p, err := deferred.Await[string](in, poem)
		if err != nil {
			p = "(no poem: " + err.Error() + ")"
		}
		return n + ": " + p, nil
	})
	d.AddCallback(func(result any) (any, error) { return fmt.Println(result) })
	fmt.Println("InlineCallbacks has returned")
	name.Callback("Haiku")
	poem.Errback(errors.New("connection lost"))
	// Output:
	// asking
	// InlineCallbacks has returned
	// Haiku: (no poem: connection lost)
}

// Cancelling reaches the Deferred that the body waits for, and the body.
func ExampleInlineCallbacks_cancel() {
	work := deferred.NewCancellable(func(*deferred.Deferred) { fmt.Println("work is cancelled") })
	d := deferred.InlineCallbacks(func(in *deferred.Inline) (any, error) {
		defer fmt.Println("cleaning up")
		return in.Yield(work)
	})
	d.AddErrback(func(err error) (any, error) { return fmt.Println(err) })
	d.Cancel()
	// Output:
	// work is cancelled
	// cleaning up
	// deferred: cancelled
}

// When a loop ends, nobody will fire what the bodies wait for.
func ExampleStopSuspended() {
	d := deferred.InlineCallbacks(func(in *deferred.Inline) (any, error) {
		defer fmt.Println("cleaning up")
		return in.Yield(deferred.New()) // never fired
	})
	d.AddErrback(func(err error) (any, error) {
		return fmt.Println(errors.Is(err, deferred.ErrStopped))
	})
	fmt.Println(deferred.StopSuspended())
	// Output:
	// cleaning up
	// true
	// 1
}

// Then gives a callback its types; what does not fit is an error in the chain.
func ExampleThen() {
	double := func(n int) (int, error) { return 2 * n, nil }
	show := func(result any, err error) (any, error) { fmt.Println(result, err); return nil, nil }
	deferred.Then(deferred.Succeed(21), double).AddBoth(show)
	deferred.Then(deferred.Succeed("21"), double).AddBoth(show)
	// Output:
	// 42 <nil>
	// <nil> deferred: Then wants a result of type int, but it is of type string
}

func ExampleThenDeferred() {
	fetch := func(name string) *deferred.Deferred { return deferred.Succeed("the poem " + name) }
	d := deferred.Succeed("Haiku")
	deferred.ThenDeferred(d, fetch)
	deferred.Then(d, func(poem string) (int, error) { return fmt.Println(poem) })
	// Output: the poem Haiku
}

func ExampleTap() {
	d := deferred.Succeed("a poem")
	deferred.Tap(d, func(poem string) error { _, err := fmt.Println("logging", poem); return err })
	deferred.Then(d, func(poem string) (int, error) { return fmt.Println("still", poem) })
	// Output:
	// logging a poem
	// still a poem
}

// Catch and CatchIs handle one kind of error and let the others pass.
func ExampleCatch() {
	d := deferred.Succeed("x").AddCallback(func(any) (any, error) { panic("boom") })
	deferred.CatchIs(d, deferred.ErrTimeout, func(error) (any, error) { return "too late", nil })
	deferred.Catch(d, func(p *deferred.PanicError) (any, error) {
		return fmt.Sprint("survived ", p.Value), nil
	})
	d.AddCallback(func(result any) (any, error) { return fmt.Println(result) })
	// Output: survived boom
}

func ExampleFinally() {
	d := deferred.Fail(errors.New("connection lost"))
	deferred.Finally(d, func() { fmt.Println("closing the file") })
	d.AddErrback(func(err error) (any, error) { return fmt.Println(err) })
	// Output:
	// closing the file
	// connection lost
}

// A Lock keeps a piece of work whole that has to wait in the middle.
func ExampleLock() {
	var lock deferred.Lock
	answer := deferred.New()
	lock.Run(func() (any, error) {
		fmt.Println("first begins")
		return answer.AddCallback(func(any) (any, error) { return fmt.Println("first ends") }), nil
	})
	lock.Run(func() (any, error) { return fmt.Println("second") })
	fmt.Println("waiting:", lock.Waiting())
	answer.Callback(nil)
	// Output:
	// first begins
	// waiting: 1
	// first ends
	// second
}

// A Semaphore bounds how many do something at a time.
func ExampleSemaphore() {
	s := deferred.NewSemaphore(2)
	var running []*deferred.Deferred
	for i := range 3 {
		s.Run(func() (any, error) {
			fmt.Println("job", i)
			running = append(running, deferred.New())
			return running[i], nil
		})
	}
	fmt.Println("two run,", s.Waiting(), "waits")
	running[0].Callback(nil)
	// Output:
	// job 0
	// job 1
	// two run, 1 waits
	// job 2
}

// A Queue brings values and those who want them together, in order.
func ExampleQueue() {
	q := deferred.NewQueue(1, deferred.Unlimited)
	q.Get().AddCallback(func(v any) (any, error) { return fmt.Println("got", v) })
	fmt.Println(q.Put("one"), q.Put("two"), q.Put("three"))
	// Output:
	// got one
	// <nil> <nil> deferred: the queue is full
}

// An error that nobody handles is reported, not lost.
func ExampleSetUnhandledHandler() {
	deferred.SweepUnhandled() // what earlier examples have left
	previous := deferred.SetUnhandledHandler(func(u deferred.Unhandled) { fmt.Println(u) })
	defer func() { deferred.SetUnhandledHandler(previous) }()

	deferred.Succeed(1).AddCallback(func(any) (any, error) { return nil, errors.New("connection lost") })
	fmt.Println("reported:", deferred.SweepUnhandled())
	// Output:
	// Unhandled error in Deferred: connection lost
	// reported: 1
}
