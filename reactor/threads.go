package reactor

import (
	"errors"
	"runtime/debug"

	"skein/deferred"
)

// threadPool runs functions off the loop.
type threadPool struct {
	tokens  chan struct{} // one for each function that may run now
	waiting map[*deferred.Deferred]struct{}
}

// DeferToThread runs f on another goroutine and returns a Deferred that fires,
// on the reactor's goroutine, with what f returns; a panic in f becomes a
// *deferred.PanicError. No more functions run at once than [WithThreads] says;
// the others wait. Cancelling the Deferred makes it fail at once; f, which
// cannot be stopped, runs to its end unheard. When the reactor stops in good
// order, what has not returned fails with [ErrStopped].
//
// Twisted: threads.deferToThread.
func (r *Reactor) DeferToThread(f func() (any, error)) *deferred.Deferred {
	if f == nil {
		panic(errNilFunc("DeferToThread"))
	}
	r.check("DeferToThread")
	if r.closed {
		return deferred.Fail(ErrStopped)
	}
	t := &r.threads
	if t.tokens == nil {
		t.tokens = make(chan struct{}, r.opts.threads)
		t.waiting = make(map[*deferred.Deferred]struct{})
	}
	d := deferred.NewCancellable(func(d *deferred.Deferred) { delete(t.waiting, d) })
	t.waiting[d] = struct{}{}
	go func() {
		select {
		case t.tokens <- struct{}{}:
			r.runThread(f, d)
		case <-r.finished:
		}
	}()
	return d
}

// runThread runs f and posts its result, also if f ends its goroutine, as
// t.FailNow does in a test.
func (r *Reactor) runThread(f func() (any, error), d *deferred.Deferred) {
	t := &r.threads
	value, err := any(nil), errGoexit
	defer func() {
		if v := recover(); v != nil {
			value, err = nil, &deferred.PanicError{Value: v, Stack: debug.Stack()}
		}
		<-t.tokens
		r.CallFromThread(func() { t.deliver(d, value, err) })
	}()
	value, err = f()
}

// errGoexit says that a function of DeferToThread has no result.
var errGoexit = errors.New("reactor: the function ended its goroutine with runtime.Goexit")

// deliver fires a Deferred that still waits.
func (t *threadPool) deliver(d *deferred.Deferred, value any, err error) {
	if _, ok := t.waiting[d]; !ok {
		return
	}
	delete(t.waiting, d)
	if err != nil {
		d.Errback(err)
	} else {
		d.Callback(value)
	}
}

// abandon fails every Deferred that still waits.
func (t *threadPool) abandon() {
	for d := range t.waiting {
		t.deliver(d, nil, ErrStopped)
	}
}

// BlockingCallFromThread runs f on the reactor's goroutine and waits for its
// result; if that is a *deferred.Deferred, for what it fires with. Any goroutine
// but the reactor's own may call it; there, and in an inline callback, it
// returns [ErrWouldDeadlock]. It
// returns [ErrStopped] if the reactor ends first. Called before Run, it waits
// for Run.
//
// Twisted: threads.blockingCallFromThread.
func (r *Reactor) BlockingCallFromThread(f func() (any, error)) (any, error) {
	if f == nil {
		panic(errNilFunc("BlockingCallFromThread"))
	}
	if r.phase.Load() == running && r.onLoop() {
		return nil, ErrWouldDeadlock
	}
	type outcome struct {
		value any
		err   error
	}
	done := make(chan outcome, 1)
	r.CallFromThread(func() {
		deferred.MaybeDeferred(f).AddBoth(func(value any, err error) (any, error) {
			done <- outcome{value, err}
			return nil, nil
		})
	})
	select {
	case o := <-done:
		return o.value, o.err
	case <-r.finished:
		return nil, ErrStopped
	}
}
