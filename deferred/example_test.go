package deferred_test

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"skein/deferred"
	"skein/deferred/clock"
)

// A Deferred is made by who will have the result, and fired once; who wants
// the result adds callbacks.
func Example() {
	d := deferred.New()
	d.AddCallback(func(result any) (any, error) {
		fmt.Println("got", result)
		return strconv.Atoi(result.(string))
	})
	d.AddErrback(func(err error) (any, error) {
		fmt.Println("recovered from", err)
		return 0, nil
	})
	d.AddCallback(func(result any) (any, error) {
		fmt.Println("the number is", result)
		return nil, nil
	})

	d.Callback("forty-two")
	// Output:
	// got forty-two
	// recovered from strconv.Atoi: parsing "forty-two": invalid syntax
	// the number is 0
}

// A callback that returns a Deferred makes the chain wait for it.
func ExampleDeferred_AddCallback_wait() {
	poem := deferred.New()
	d := deferred.Succeed("a request")
	d.AddCallback(func(any) (any, error) { return poem, nil })
	d.AddCallback(func(result any) (any, error) {
		fmt.Println("the poem:", result)
		return nil, nil
	})
	fmt.Println("waiting")
	poem.Callback("a haiku")
	// Output:
	// waiting
	// the poem: a haiku
}

// An errback of the same pair does not see its callback's error; the next does.
func ExampleDeferred_AddCallbacks() {
	d := deferred.Succeed(1)
	d.AddCallbacks(
		func(any) (any, error) { return nil, errors.New("oops") },
		func(err error) (any, error) { fmt.Println("not called"); return nil, nil },
	)
	d.AddErrback(func(err error) (any, error) {
		fmt.Println("the next one:", err)
		return nil, nil
	})
	// Output: the next one: oops
}

func ExampleDeferred_AddBoth() {
	d := deferred.Fail(errors.New("connection lost"))
	d.AddBoth(func(result any, err error) (any, error) {
		fmt.Println(result, "/", err)
		return "fine", nil
	})
	fmt.Println(d.Called())
	// Output:
	// <nil> / connection lost
	// true
}

// Chaining hands a result to another Deferred, which goes its own way.
func ExampleDeferred_ChainDeferred() {
	listener := deferred.New()
	listener.AddCallback(func(result any) (any, error) {
		fmt.Println("the listener heard", result)
		return nil, nil
	})
	d := deferred.New()
	d.ChainDeferred(listener)
	d.Callback("a bell")
	// Output: the listener heard a bell
}

func ExampleDeferred_Pause() {
	d := deferred.New()
	d.AddCallback(func(result any) (any, error) { fmt.Println("got", result); return nil, nil })
	d.Pause()
	d.Callback(1)
	fmt.Println("not yet")
	d.Unpause()
	// Output:
	// not yet
	// got 1
}

// A canceller stops the work. What it leaves unfired fails with ErrCancelled.
func ExampleDeferred_Cancel() {
	d := deferred.NewCancellable(func(*deferred.Deferred) { fmt.Println("hanging up") })
	d.AddErrback(func(err error) (any, error) {
		fmt.Println(errors.Is(err, deferred.ErrCancelled))
		return nil, nil
	})
	d.Cancel()
	// Output:
	// hanging up
	// true
}

func ExampleDeferred_AddTimeout() {
	c := clock.NewFake() // a reactor in real life
	d := deferred.New()
	d.AddTimeout(5*time.Second, c)
	d.AddErrback(func(err error) (any, error) {
		fmt.Println(err, errors.Is(err, deferred.ErrTimeout))
		return nil, nil
	})
	c.Advance(5 * time.Second)
	// Output: deferred: timed out after 5s true
}

// MaybeDeferred makes one case of a function that may answer now, later, with
// an error, or with a panic.
func ExampleMaybeDeferred() {
	cache := map[string]string{"haiku": "an old silent pond"}
	lookUp := func(name string) *deferred.Deferred {
		return deferred.MaybeDeferred(func() (any, error) {
			if poem, ok := cache[name]; ok {
				return poem, nil
			}
			return nil, errors.New("no such poem: " + name)
		})
	}
	show := func(result any, err error) (any, error) { fmt.Println(result, err); return nil, nil }
	lookUp("haiku").AddBoth(show)
	lookUp("ode").AddBoth(show)
	// Output:
	// an old silent pond <nil>
	// <nil> no such poem: ode
}

// A DeferredList waits for all, whatever becomes of them.
func ExampleDeferredList() {
	ds := []*deferred.Deferred{deferred.New(), deferred.Fail(errors.New("refused")), deferred.New()}
	list := deferred.DeferredList(ds, deferred.ConsumeErrors())
	deferred.Then(list, func(results []deferred.Result) (any, error) {
		for _, r := range results {
			fmt.Println(r.OK(), r.Value, r.Err)
		}
		return nil, nil
	})
	ds[2].Callback("third, fired first")
	ds[0].Callback("first")
	// Output:
	// true first <nil>
	// false <nil> refused
	// true third, fired first <nil>
}

func ExampleFireOnOneCallback() {
	slow, fast := deferred.New(), deferred.New()
	list := deferred.DeferredList([]*deferred.Deferred{slow, fast}, deferred.FireOnOneCallback())
	deferred.Then(list, func(first deferred.FirstResult) (int, error) {
		return fmt.Println(first.Index, first.Value)
	})
	fast.Callback("fast")
	slow.Callback("slow")
	// Output: 1 fast
}

func ExampleGatherResults() {
	ds := []*deferred.Deferred{deferred.Succeed("a"), deferred.Succeed("b")}
	deferred.Then(deferred.GatherResults(ds), func(values []any) (int, error) {
		return fmt.Println(values)
	})
	ds = append(ds, deferred.Fail(errors.New("refused")))
	d := deferred.GatherResults(ds, deferred.ConsumeErrors())
	deferred.Catch(d, func(err *deferred.FirstError) (any, error) {
		return fmt.Println("number", err.Index, "failed:", err.Err)
	})
	// Output:
	// [a b]
	// number 2 failed: refused
}

func ExampleDeferredDict() {
	d := deferred.DeferredDict(map[string]*deferred.Deferred{
		"poem":   deferred.Succeed("a haiku"),
		"author": deferred.Succeed("Bashō"),
	})
	deferred.Then(d, func(results map[string]deferred.Result) (int, error) {
		return fmt.Println(results["author"].Value, "wrote", results["poem"].Value)
	})
	// Output: Bashō wrote a haiku
}

// The first of several servers to answer wins; the others are told to stop.
func ExampleRace() {
	slow := deferred.NewCancellable(func(*deferred.Deferred) { fmt.Println("slow is cancelled") })
	fast := deferred.New()
	d := deferred.Race([]*deferred.Deferred{slow, fast})
	deferred.Then(d, func(first deferred.FirstResult) (int, error) {
		return fmt.Println(first.Value, "wins")
	})
	fast.Callback("fast")
	// Output:
	// slow is cancelled
	// fast wins
}
