package deferredtest_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"skein/deferred"
	"skein/deferred/clock"
	"skein/deferred/deferredtest"
)

// brew is the code under test: tea, after three minutes; coffee is not served.
func brew(c clock.Scheduler, drink string) *deferred.Deferred {
	if drink == "coffee" {
		return deferred.Fail(errors.New("out of coffee"))
	}
	d := deferred.New()
	c.CallLater(3*time.Minute, func() { d.Callback(drink) })
	return d
}

// A test of code that returns Deferreds has no need to wait: it moves the
// clock and looks.
func Example() {
	test := func(t testing.TB) {
		c := clock.NewFake()
		d := brew(c, "tea")
		deferredtest.NoResult(t, d)
		c.Advance(3 * time.Minute)
		fmt.Println(deferredtest.ResultOf[string](t, d))

		fmt.Println(deferredtest.ErrorResultOf(t, brew(c, "coffee")))

		deferredtest.SuccessResultOf(t, brew(c, "coffee")) // fails the test
	}
	for _, failure := range watch(test).failures {
		fmt.Println("FAIL:", failure)
	}
	// Output:
	// tea
	// out of coffee
	// FAIL: SuccessResultOf: want a success, got the error: out of coffee
}

// A Log takes the place of the handler of unhandled errors, and fails a test
// that leaves some.
func ExampleUnhandled() {
	test := func(t testing.TB) {
		log := deferredtest.Unhandled(t)
		brew(clock.NewFake(), "coffee") // nobody looks at the Deferred
		for _, u := range log.Flush() {
			fmt.Println("expected:", u.Err)
		}
		brew(clock.NewFake(), "coffee")
	}
	s := watch(test)
	s.finish()
	fmt.Println("FAIL:", s.failures[0])
	// Output:
	// expected: out of coffee
	// FAIL: the test leaves an unhandled error: Unhandled error in Deferred: out of coffee
}
