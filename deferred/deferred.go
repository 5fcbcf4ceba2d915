package deferred

import "fmt"

// Callback receives a result and returns the next one. A returned error moves
// the chain to its errback side; a returned *Deferred makes the chain wait for
// it; if both are given, the error counts.
type Callback func(result any) (any, error)

// Errback receives an error. To recover it returns a result, which may be nil;
// to stay on the errback side it returns an error, the same or another.
type Errback func(err error) (any, error)

// Canceller stops the work that would have fired d. It may fire d itself, with
// whatever suits; if it does not, d fails with [ErrCancelled].
type Canceller func(d *Deferred)

// Deferred stands for a result that does not exist yet. Who will have the
// result makes one with [New], hands it out, and fires it once; who wants the
// result adds callbacks. See the package documentation for the whole picture.
//
// A Deferred belongs to one goroutine at a time: the one that owns it, which
// in reactor code is the reactor's own. None of its methods may be called from
// another. The zero value is an unfired Deferred. It must not be copied.
//
// Twisted: defer.Deferred.
type Deferred struct {
	_ noCopy

	// The result so far. INVARIANT: at most one of the two is not nil; both are
	// nil while the Deferred is unfired or waits.
	result any
	err    error

	canceller Canceller
	waiting   *Deferred // what this one waits for; INVARIANT: never a circle
	track     *tracker  // nil until it fails, or from the start in debug mode

	// The callbacks still to run: those of first[pos:n], then those of more.
	first [inlineLinks]link
	more  []link

	paused int32 // the user's pauses; waiting does not count
	pos, n uint8

	called      bool // fired; stays true
	running     bool // a runner holds it: what is added now must not be run nested
	awaited     bool // some other Deferred waits, or waited, for this one
	swallow     bool // cancelled without canceller: one late firing is forgiven
	cancelling  bool // its canceller runs
	cancelAsked bool // inline: cancelled while its body ran
	inline      bool // made by InlineCallbacks, fired by its body
	delegates   bool // its canceller only passes the cancellation on (lists)
}

// noCopy makes go vet report a Deferred that is copied.
type noCopy struct{}

func (*noCopy) Lock()   {}
func (*noCopy) Unlock() {}

// New returns an unfired Deferred. Cancelling it makes it fail with
// [ErrCancelled], and the firing that comes too late is forgiven once.
//
// Twisted: defer.Deferred().
func New() *Deferred { return NewCancellable(nil) }

// NewCancellable returns an unfired Deferred that c cancels. c runs at most
// once per [Deferred.Cancel], on the goroutine that calls it, and never after
// the Deferred has fired. A nil c is as [New].
//
// Twisted: defer.Deferred(canceller).
func NewCancellable(c Canceller) *Deferred {
	d := &Deferred{canceller: c}
	if m := chosen(); m != 0 {
		d.trackFor(m)
	}
	return d
}

// AddCallbacks adds a pair: cb runs if the result before it is a success, eb
// if it is an error; an error of cb goes to the next pair, not to eb. A nil cb
// or eb passes its result on. If d has fired and its chain has run, the pair
// runs at once, before AddCallbacks returns; if a callback of d is running
// now, the pair runs after it, behind those already added. AddCallbacks
// returns d.
//
// Twisted: defer.Deferred.addCallbacks. The extra arguments are left to closures.
func (d *Deferred) AddCallbacks(cb Callback, eb Errback) *Deferred {
	switch {
	case cb != nil:
		d.add(link{on: cb, eb: eb})
	case eb != nil:
		d.add(link{eb: eb})
	}
	return d
}

// AddCallback adds cb for success; errors pass it by. It returns d.
//
// Twisted: defer.Deferred.addCallback.
func (d *Deferred) AddCallback(cb Callback) *Deferred {
	if cb != nil {
		d.add(link{on: cb})
	}
	return d
}

// AddErrback adds eb for errors; successes pass it by. It returns d.
//
// Twisted: defer.Deferred.addErrback.
func (d *Deferred) AddErrback(eb Errback) *Deferred {
	if eb != nil {
		d.add(link{eb: eb})
	}
	return d
}

// AddBoth adds f for either outcome: err is nil for a success, result is nil
// for an error. To change nothing, f returns both as they came. AddBoth
// returns d.
//
// Twisted: defer.Deferred.addBoth.
func (d *Deferred) AddBoth(f func(result any, err error) (any, error)) *Deferred {
	if f != nil {
		d.add(link{on: both(f)})
	}
	return d
}

// add appends l and, if d has fired, lets the chain go on.
func (d *Deferred) add(l link) {
	d.push(l)
	if d.called {
		d.run()
	}
}

// Callback fires d with a result and runs its callbacks before it returns. An
// error given as the result is a result like any other: use Errback to fail.
// It panics with an error that is [ErrAlreadyCalled] if d has been fired, and
// [ErrDeferredResult] if the result is a *Deferred.
//
// Twisted: defer.Deferred.callback.
func (d *Deferred) Callback(result any) {
	if _, ok := result.(*Deferred); ok {
		panic(ErrDeferredResult)
	}
	if d.called {
		d.calledAgain()
		return
	}
	d.fire(result, nil)
}

// Errback fires d with an error and runs its errbacks before it returns. It
// panics with an error that is [ErrAlreadyCalled] if d has been fired, and
// [ErrNilError] if err is nil.
//
// Twisted: defer.Deferred.errback.
func (d *Deferred) Errback(err error) {
	if err == nil {
		panic(ErrNilError)
	}
	if d.called {
		d.calledAgain()
		return
	}
	d.fire(nil, err)
}

// fire gives an unfired d its result and runs its chain.
func (d *Deferred) fire(result any, err error) {
	d.start(result, err)
	d.run()
}

// start gives an unfired d its result and leaves the running to the caller.
func (d *Deferred) start(result any, err error) {
	d.called = true
	d.result, d.err = result, err
	d.canceller = nil
	d.waiting = nil // only an inline one can have waited before it fired
	if d.track != nil {
		d.track.started()
	}
}

// calledAgain forgives a second firing that a cancellation has made too late,
// and panics about any other.
func (d *Deferred) calledAgain() {
	if err := d.forgive(); err != nil {
		panic(err)
	}
}

// forgive uses up the one late firing that a cancelled d may get; without one
// it returns an error that is [ErrAlreadyCalled].
func (d *Deferred) forgive() error {
	if d.swallow {
		d.swallow = false
		return nil
	}
	return alreadyCalled(d.track)
}

// Pause keeps the callbacks from running until Unpause has been called as
// often as Pause. A run that is going on is not interrupted: a callback that
// pauses its own Deferred stops only what a later event would run.
//
// Twisted: defer.Deferred.pause.
func (d *Deferred) Pause() { d.paused++ }

// Unpause takes one Pause back and, if it was the last and d has fired, lets
// the chain go on. It panics with [ErrNotPaused] if d is not paused.
//
// Twisted: defer.Deferred.unpause, which lets the count go negative.
func (d *Deferred) Unpause() {
	if d.paused == 0 {
		panic(ErrNotPaused)
	}
	d.paused--
	if d.called {
		d.run()
	}
}

// Called reports whether d has been fired. Its callbacks may still wait: d may
// be paused, or one of them may have returned an unfired Deferred.
//
// Twisted: the attribute defer.Deferred.called.
func (d *Deferred) Called() bool { return d.called }

// String shows the state: unfired, its result so far, or what it waits for.
//
// Twisted: defer.Deferred.__str__.
func (d *Deferred) String() string {
	switch {
	case d.waiting != nil:
		return fmt.Sprintf("<Deferred at %p waiting on Deferred at %p>", d, d.waiting)
	case !d.called:
		return fmt.Sprintf("<Deferred at %p>", d)
	case d.err != nil:
		return fmt.Sprintf("<Deferred at %p current error: %v>", d, d.err)
	}
	return fmt.Sprintf("<Deferred at %p current result: %v>", d, d.result)
}
