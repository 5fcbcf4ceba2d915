package deferred

// accept takes what a callback of d returned as d's result. A Deferred among
// the values makes d take its result over, or wait for it:
//
//	inner has a result to give    d adopts it and goes on in the same run
//	inner has none yet            d leaves a link in inner's chain, behind those
//	                              already there, and waits; whoever gets to that
//	                              link (see arrive) lets d go on
//	waiting would never end       d goes on with an error
func (d *Deferred) accept(value any, err error) {
	if err != nil {
		d.result, d.err = nil, err
		return
	}
	inner, ok := value.(*Deferred)
	if !ok {
		d.result, d.err = value, nil
		return
	}
	d.result, d.err = nil, nil
	switch {
	case inner == nil: // a *Deferred that is nil, hidden in a value that is not
		d.err = ErrNilDeferred
	case inner == d:
		d.err = ErrReturnedSelf
	case inner.settled():
		d.adopt(inner)
	case inner.leadsTo(d):
		d.err = ErrCycle
	default:
		d.waiting = inner
		inner.awaited = true
		inner.push(link{on: d})
	}
}

// settled reports whether d has a result to give away now: it has fired, and
// nothing is left that could still change the result. One that is running is
// in the middle of its callbacks, even if this very call comes from one of
// them: what it has at the moment is not its result.
func (d *Deferred) settled() bool {
	return d.called && !d.running && d.waiting == nil && d.paused == 0
}

// leadsTo reports whether d waits, directly or over others, for end: if end
// now waited for d, neither would ever run. Only an end that somebody waits
// for can close a circle, and without one the question costs nothing.
func (d *Deferred) leadsTo(end *Deferred) bool {
	if !end.awaited {
		return false
	}
	for d.waiting != nil {
		d = d.waiting
	}
	return d == end
}

// adopt makes the result of inner d's own. With an error goes the duty to
// handle it: from now on it counts as d's.
func (d *Deferred) adopt(inner *Deferred) {
	if inner.track != nil {
		inner.track.passTo(d)
	}
	d.result, d.err = inner.give()
}

// give hands d's result away: d goes on with nil, and an error is no longer
// its to report.
func (d *Deferred) give() (any, error) {
	result, err := d.result, d.err
	d.result, d.err = nil, nil
	if d.track != nil {
		d.track.clear()
	}
	return result, err
}

// arrive ends the wait of d for inner. This is the joint that accept leaves in
// the inner Deferred.
//
// Twisted: the _CONTINUE marker of defer.Deferred._runCallbacks.
func (d *Deferred) arrive(inner *Deferred) (next *Deferred) {
	d.waiting = nil
	d.adopt(inner)
	return d
}

// ChainDeferred fires other with the result that d has at this point of its
// chain, success or error; d itself goes on with nil. If other has been fired
// by then, d goes on with an error that is [ErrAlreadyCalled]. What becomes of
// other has no effect on d: to make d wait for other, return other from a
// callback. It panics with [ErrNilDeferred] if other is nil, and returns d.
//
// Twisted: defer.Deferred.chainDeferred, but a chain of any length needs no
// stack.
func (d *Deferred) ChainDeferred(other *Deferred) *Deferred {
	if other == nil {
		panic(ErrNilDeferred)
	}
	d.add(link{on: forward{other}})
	return d
}

// forward is the joint that ChainDeferred adds.
type forward struct{ to *Deferred }

func (f forward) arrive(d *Deferred) (next *Deferred) {
	if f.to.called {
		// d's own result is lost either way, as a late Callback's would be; but
		// the misuse shows in d's chain, for there is no caller to panic at.
		err := f.to.forgive()
		d.result, d.err = nil, err
		return nil
	}
	f.to.start(nil, nil)
	f.to.adopt(d) // with the duty to handle an error
	return f.to
}
