package deferred

import (
	"errors"
	"fmt"
	"iter"
	"runtime"
	"strings"
)

// ErrNotInBody is the panic of an [Inline] that is used where its body is not
// running: after the body has returned, or from elsewhere while it waits.
var ErrNotInBody = errors.New("deferred: Yield or Await outside its running body: " +
	"use the *Inline only in the body that it was given to, and only until that returns")

// Inline lets the body of one [InlineCallbacks] wait. It is for that body
// only, from its start to its return, and for its goroutine only.
//
//	InlineCallbacks ──next──▶ body runs        on its own stack, while
//	                            │              the caller stands still
//	  returns outer ◀──yield── waits for d     d's chain now has a link to it
//	        ⋮
//	  d fires: its runner
//	  comes to that link ──next──▶ goes on     with d's result
//	                            │
//	  runs outer's chain ◀──end── returns
type Inline struct {
	outer *Deferred // what InlineCallbacks returned
	body  func(in *Inline) (any, error)

	// The coroutine, by iter.Pull: next goes on with the body until it waits
	// or ends, stop ends it, yield is the way back out.
	next  func() (struct{}, bool)
	stop  func()
	yield func(struct{}) bool

	// What goes in at a resumption, and out at the end.
	result any
	err    error

	state  bodyState
	ending bool // StopSuspended has stopped it: it may not wait any more
	roll   roll // its place among the suspended
}

// bodyState says what a body is doing.
type bodyState uint8

const (
	bodyRunning bodyState = iota
	bodySuspended
	bodyEnded
)

// InlineCallbacks runs body, which reads like blocking code: where it needs
// the result of a Deferred it calls [Await] or [Inline.Yield] and goes on when
// the result is there. The Deferred that InlineCallbacks returns fires with
// what body returns; a panic becomes a [*PanicError].
//
// The body runs at once, on the caller's goroutine, until it meets a Deferred
// without a result; then InlineCallbacks returns. It goes on inside whatever
// gives that Deferred its result. At no time do two pieces of code run side by
// side: no locks are needed. The body may use any Go statement, deferred
// functions included, but it may neither return a Deferred
// ([ErrDeferredResult]) nor call runtime.LockOSThread.
//
// Cancelling the returned Deferred cancels the one that the body waits for, so
// the body sees [ErrCancelled] there (or what that canceller made of it). It
// may return it, or recover, go on, and be cancelled again. If the Deferred is
// cancelled while the body runs, that happens where it next waits.
//
// A body that waits for a Deferred which never fires stays in memory, with its
// stack. [StopSuspended] ends such bodies.
//
// Twisted: defer.inlineCallbacks.
func InlineCallbacks(body func(in *Inline) (any, error)) *Deferred {
	if body == nil {
		return Fail(ErrNilFunc)
	}
	in := &Inline{outer: New(), body: body}
	in.outer.inline = true
	in.next, in.stop = iter.Pull(in.coroutine)
	if in.resume(false) {
		in.outer.run()
	}
	return in.outer
}

// Yield waits for v if it is a *Deferred, and returns its result; the Deferred
// goes on with nil. Anything else comes straight back, an error value too.
// One that already has its result costs no suspension, so a loop over such
// Deferreds needs no more stack than one.
//
// Twisted: yield in a function under inlineCallbacks.
func (in *Inline) Yield(v any) (any, error) {
	if d, ok := v.(*Deferred); ok {
		return in.wait(d)
	}
	in.mustRun()
	return v, nil
}

// Await waits for d and returns its result as a T. A nil result is the zero
// value of a T that can be nil; a result of another type is a [*TypeError].
//
// Twisted: yield, or await, in a function under inlineCallbacks.
func Await[T any](in *Inline, d *Deferred) (T, error) {
	result, err := in.wait(d)
	if err != nil {
		var zero T
		return zero, err
	}
	return cast[T]("Await", result)
}

// wait takes d's result; it suspends the body if there is none.
func (in *Inline) wait(d *Deferred) (any, error) {
	in.mustRun()
	if d == nil {
		return nil, ErrNilDeferred
	}
	if d.settled() {
		return d.give()
	}
	if in.ending {
		panic(ErrStopped) // it was told once, by an error; now its stack unwinds
	}
	if d == in.outer || d.leadsTo(in.outer) {
		return nil, ErrCycle
	}
	if in.outer.cancelAsked {
		// Cancel came while the body ran. d is cancelled before it gets its link
		// to the body: it may fire now, and the body is not suspended yet.
		in.outer.cancelAsked = false
		d.Cancel()
		if d.settled() {
			return d.give()
		}
	}
	return in.suspend(d)
}

// suspend leaves the body until d has a result.
func (in *Inline) suspend(d *Deferred) (any, error) {
	d.awaited = true
	d.push(link{on: in})
	if !in.outer.called {
		in.outer.waiting = d // Cancel and String follow this
	}
	in.state = bodySuspended
	in.roll.enter(in)
	if !in.yield(struct{}{}) {
		in.ending = true
		return nil, ErrStopped
	}
	result, err := in.result, in.err
	in.result, in.err = nil, nil
	return result, err
}

// mustRun panics if the body is not the one that runs.
func (in *Inline) mustRun() {
	if in.state != bodyRunning {
		panic(ErrNotInBody)
	}
}

// arrive is the joint that suspend leaves in d: it brings d's result into the
// body and lets it go on.
func (in *Inline) arrive(d *Deferred) (next *Deferred) {
	if in.state == bodyEnded {
		return nil // stopped meanwhile
	}
	in.result, in.err = d.give()
	if in.resume(false) {
		return in.outer
	}
	return nil
}

// resume lets the body go on until it waits or ends; with stop it is to end.
// If the end of it gave outer its result, it reports so, and the caller has to
// run outer.
func (in *Inline) resume(stop bool) (fired bool) {
	in.state = bodyRunning
	in.outer.waiting = nil
	if stop {
		in.stop()
	} else {
		in.next()
	}
	if in.state != bodyEnded {
		return false
	}
	if in.outer.called { // somebody else has fired it; there is no caller to panic at
		err := alreadyCalled(in.outer.track)
		report(Unhandled{Err: fmt.Errorf("the end of an InlineCallbacks body: %w", err)})
		return false
	}
	in.outer.start(in.result, in.err)
	return true
}

// coroutine runs the body on a stack of its own.
func (in *Inline) coroutine(yield func(struct{}) bool) {
	in.yield = yield
	defer func() { // runs also if the body calls runtime.Goexit, which iter.Pull passes on
		in.state = bodyEnded
		in.roll.leave()
		if v := recover(); v != nil {
			in.result, in.err = nil, bodyPanic(v)
		}
	}()
	in.result, in.err = in.body(in)
	switch _, ok := in.result.(*Deferred); {
	case in.err != nil:
		in.result = nil // if both are given, the error counts
	case ok:
		in.result, in.err = nil, fmt.Errorf("an InlineCallbacks body returned one: %w", ErrDeferredResult)
	}
}

// InBody reports whether it is called, however indirectly, by the body of an
// [InlineCallbacks]. A body has a goroutine of its own, though it runs only
// while the one that resumed it stands still; so a check of "which goroutine is
// this?" has to ask this, too. It reads the stack, which takes microseconds: it
// is for such checks only.
func InBody() bool {
	pcs := make([]uintptr, 64)
	for skip := 2; ; skip += len(pcs) {
		n := runtime.Callers(skip, pcs)
		frames := runtime.CallersFrames(pcs[:n])
		for more := n > 0; more; {
			var f runtime.Frame
			f, more = frames.Next()
			if strings.HasSuffix(f.Function, "deferred.(*Inline).coroutine") {
				return true
			}
		}
		if n < len(pcs) {
			return false
		}
	}
}

// bodyPanic describes a panic that ended a body; ErrStopped is our own.
func bodyPanic(v any) error {
	if v == any(ErrStopped) {
		return ErrStopped
	}
	return newPanicError(v)
}
