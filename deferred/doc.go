// Package deferred holds the [Deferred]: a result that does not exist yet,
// with the callbacks that will be given it. It is the means by which the
// callback-driven parts of skein return values and errors to their callers.
//
// # The two sides
//
// A Deferred is fired once, with a result or with an error, and hands it down
// its chain. Each link has a callback for results and an errback for errors,
// either of which may be missing; what it returns goes to the next link.
//
//	Callback(result)           Errback(err)
//	       │                         │
//	       ▼                         ▼
//	 ┌──────────┐              ┌──────────┐
//	 │ callback │              │ errback  │     one pair: AddCallbacks(cb, eb)
//	 └─┬──────┬─┘              └─┬──────┬─┘
//	result  error             result  error
//	   │      ╰───────╮   ╭──────╯      │
//	   │      ╭───────│───╯             │
//	   │      │       ╰──────────╮      │
//	   ▼      ▼                  ▼      ▼
//	 ┌──────────┐              ┌──────────┐
//	 │ callback │              │ errback  │     the next pair
//	 └──────────┘              └──────────┘
//
// A returned error and a panic lead to the right side, any other return to the
// left, so an errback recovers by returning a value. A callback that returns
// another Deferred makes the chain wait for that one's result. A callback
// added after the firing runs at once.
//
//	d := client.Fetch("a poem")                  // returns at once, unfired
//	deferred.Then(d, func(p Poem) (int, error) { // when the poem is there
//		return fmt.Println(p)
//	})
//	d.AddErrback(func(err error) (any, error) {  // when either has failed
//		log.Print(err)
//		return nil, nil
//	})
//
// # One goroutine
//
// Nothing here locks. A Deferred, and everything made of Deferreds, belongs to
// the goroutine that owns it, for reactor code the reactor's own, and all
// callbacks run on that goroutine, inside the call that fires them. Functions
// for any goroutine say so.
//
// # What cannot happen
//
//   - Chains of any length run on a flat stack: a hundred thousand Deferreds
//     that wait for each other, or are chained, are one loop.
//   - A panic of a callback stays in its chain, as a [*PanicError].
//   - An error that reaches the end of its chain and is dropped does not
//     vanish: see [SetUnhandledHandler].
//   - A Deferred does not fire twice: the second firing panics with
//     [ErrAlreadyCalled].
//   - A Deferred does not wait for itself: see [ErrReturnedSelf], [ErrCycle].
//
// The bodies of [InlineCallbacks] are coroutines of package iter. They must be
// resumed with the same OS-thread locking as they were made with, so do not
// call runtime.LockOSThread in between on a goroutine that runs them.
//
// # Reading order
//
//	deferred.go   the Deferred: make, add, fire, pause
//	link.go       a link of a chain
//	run.go        the loop that runs chains
//	chain.go      one Deferred waits for another
//	cancel.go     Cancel; timeout.go: AddTimeout
//	make.go       Succeed, Fail, MaybeDeferred
//	unhandled.go  errors that nobody handles; debug.go: stacks; errors.go
//	pending.go    how many have not fired; modes.go: this and debug mode
//	then.go       Then and its relatives: static types
//	list.go       DeferredList; gather.go, race.go: its relatives
//	inline.go     InlineCallbacks; suspended.go: ending them
//	lock.go       Lock and Semaphore; queue.go: Queue
//
// Twisted: twisted.internet.defer.
package deferred
