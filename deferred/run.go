package deferred

// runner runs one Deferred and all that are set going by it: those that wait
// for it, those chained to it, the lists it completes, the bodies it resumes.
// It is a loop with a stack of its own, so that 100,000 nested Deferreds need
// no more of the goroutine's stack than one.
//
//	d      d's links:  a  b  ⊳e  c        ⊳e: hand the result to e, which waits
//	│                        │
//	│   stack: [d]           └──▶ e's links: f g    run until e has none left,
//	└── back to c  ◀──────────────────────────┘     then back to d
//
// Twisted: defer.Deferred._runCallbacks.
type runner struct {
	d     *Deferred   // the one whose links run now; nil at the end
	stack []*Deferred // those that were left with links still to run
}

// run lets d go on as far as it can, unless a runner has it already, it is
// paused, or it waits. The caller has made sure that d has fired.
func (d *Deferred) run() {
	if d.running || d.paused > 0 || d.waiting != nil {
		return
	}
	if d.drained() { // Succeed and Fail come here: nothing to run
		d.settle()
		return
	}
	d.running = true
	r := runner{d: d}
	for !r.guarded() {
	}
}

// guarded loops under one recover for all callbacks: setting it up per
// callback would cost more than most callbacks do. It reports whether the loop
// has come to its end; after a panic it has not, and is to be entered again.
func (r *runner) guarded() (done bool) {
	defer r.caught()
	r.loop()
	return true
}

// caught turns the panic of a callback into the error its chain goes on with.
func (r *runner) caught() {
	if r.d == nil {
		return // the loop has come to its end
	}
	if v := recover(); v != nil {
		r.d.result, r.d.err = nil, newPanicError(v)
		return
	}
	// No panic, and yet the loop did not end: the callback called
	// runtime.Goexit, as t.FailNow does. It goes on; leave a clean state.
	r.d.result, r.d.err = nil, errGoexit
	r.d.running = false
	for _, d := range r.stack {
		d.running = false
	}
}

// loop takes one link after the other.
func (r *runner) loop() {
	for d := r.d; d != nil; d = r.d {
		if d.waiting != nil || d.drained() {
			r.leave()
			continue
		}
		// A link is gone before it runs: a pair is used up as one, and a callback
		// that panics is not tried again when the loop is re-entered.
		l := d.pop()
		switch on := l.on.(type) {
		case Callback:
			if d.err == nil {
				d.accept(on(d.result))
			} else if l.eb != nil {
				d.accept(l.eb(d.err))
			}
		case nil: // only an errback
			if d.err != nil {
				d.accept(l.eb(d.err))
			}
		case both:
			d.accept(on(d.result, d.err))
		case joint:
			if next := on.arrive(d); next != nil {
				r.enter(next)
			}
		}
	}
}

// enter turns to next, which has just got a result, and comes back to the
// current one later if that has links left. If it has none it is left for
// good, so a long line of Deferreds, each the last link of the one before,
// does not lengthen the stack.
//
// INVARIANT: next is not running. It has just begun to have a result, and what
// waits or is unfired is in no runner.
func (r *runner) enter(next *Deferred) {
	if next.paused > 0 {
		return // its Unpause will run it
	}
	current := r.d
	if current.drained() {
		current.settle()
	} else {
		r.stack = append(r.stack, current)
	}
	next.running = true
	r.d = next
}

// leave ends the current Deferred, which waits or has no links left, and goes
// back to one that was left with some. One that was paused meanwhile is left
// to its Unpause.
func (r *runner) leave() {
	r.d.settle()
	for len(r.stack) > 0 {
		last := len(r.stack) - 1
		d := r.stack[last]
		r.stack[last] = nil
		r.stack = r.stack[:last]
		if d.paused == 0 {
			r.d = d
			return
		}
		d.running = false
	}
	r.d = nil
}

// settle marks the end of a run of d: if it has ended in an error, that error
// is unhandled until somebody proves otherwise.
func (d *Deferred) settle() {
	d.running = false
	switch {
	case d.err != nil:
		d.watch()
	case d.track != nil:
		d.track.clear()
	}
}
