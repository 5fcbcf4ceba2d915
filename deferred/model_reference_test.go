package deferred_test

import (
	"fmt"
	"slices"

	"skein/deferred"
)

// modelWorld is the reference interpreter: the rules of a Deferred in the most
// obvious form, one after the other, by recursion.
type modelWorld struct {
	ds        []*modelDeferred
	log       []string
	unhandled []string // of cancellers, whose panics are reported at once
}

type modelDeferred struct {
	index      int
	cancel     cancelKind
	called     bool
	running    bool
	cancelling bool
	swallow    bool
	failed     bool // counts as unhandled
	paused     int
	waiting    *modelDeferred
	value      any
	err        error
	queue      []modelLink
}

// modelLink is one of: a pair of scripts, a waiting outer, a chained other.
type modelLink struct {
	cb, eb *script
	outer  *modelDeferred
	other  *modelDeferred
}

func newModelWorld(p program) world {
	w := &modelWorld{}
	for i, kind := range p.cancellers {
		w.ds = append(w.ds, &modelDeferred{index: i, cancel: kind})
	}
	return w
}

func (w *modelWorld) note(format string, args ...any) {
	w.log = append(w.log, fmt.Sprintf(format, args...))
}

func (w *modelWorld) do(o op) {
	d := w.ds[o.target]
	switch o.kind {
	case opAddCallback:
		w.add(d, modelLink{cb: o.script})
	case opAddErrback:
		w.add(d, modelLink{eb: o.script})
	case opAddBoth:
		w.add(d, modelLink{cb: o.script, eb: o.script})
	case opAddPair:
		w.add(d, modelLink{cb: o.script, eb: o.second})
	case opChain:
		w.add(d, modelLink{other: w.ds[o.other]})
	case opFire:
		w.fire(o, d, fmt.Sprint("v", o.id), nil)
	case opFail:
		w.fire(o, d, nil, fmt.Errorf("e%d", o.id))
	case opCancel:
		w.cancel(d)
	case opPause:
		d.paused++
	case opUnpause:
		if d.paused == 0 {
			w.note("%d raised NotPaused", o.id)
			return
		}
		d.paused--
		w.run(d)
	}
}

func (w *modelWorld) add(d *modelDeferred, l modelLink) {
	d.queue = append(d.queue, l)
	w.run(d)
}

func (w *modelWorld) fire(o op, d *modelDeferred, v any, err error) {
	switch {
	case !d.called:
		d.called, d.value, d.err = true, v, err
		w.run(d)
	case d.swallow:
		d.swallow = false
	default:
		w.note("%d raised AlreadyCalled", o.id)
	}
}

func (w *modelWorld) cancel(d *modelDeferred) {
	for d.waiting != nil {
		d = d.waiting
	}
	if d.called || d.cancelling {
		return
	}
	if d.cancel == cancelNone {
		d.swallow = true
		w.fire(op{}, d, nil, deferred.ErrCancelled)
		return
	}
	d.cancelling = true
	w.note("canceller %d", d.index)
	switch d.cancel {
	case cancelFires:
		w.fire(op{}, d, "alt", nil)
	case cancelFails:
		w.fire(op{}, d, nil, errX)
	case cancelPanics:
		w.unhandled = append(w.unhandled, "PanicError canceller")
	}
	d.cancelling = false
	if !d.called {
		w.fire(op{}, d, nil, deferred.ErrCancelled)
	}
}

// run lets d go on.
func (w *modelWorld) run(d *modelDeferred) {
	if !d.called || d.running || d.paused > 0 || d.waiting != nil {
		return
	}
	d.running = true
	var next *modelDeferred
	for len(d.queue) > 0 && d.waiting == nil {
		l := d.queue[0]
		d.queue = d.queue[1:]
		if next = w.step(d, l); next == nil {
			continue
		}
		if len(d.queue) == 0 {
			break // d's run is over before next's begins
		}
		w.run(next)
		next = nil
		if d.paused > 0 {
			d.running = false
			return
		}
	}
	d.running, d.failed = false, d.err != nil
	if next != nil {
		w.run(next)
	}
}

// step does what one link asks for. It returns the Deferred that can run now.
func (w *modelWorld) step(d *modelDeferred, l modelLink) (next *modelDeferred) {
	switch {
	case l.outer != nil:
		l.outer.waiting = nil
		l.outer.take(d)
		next = l.outer
	case l.other != nil && !l.other.called:
		l.other.called = true
		l.other.take(d)
		next = l.other
	case l.other != nil && l.other.swallow:
		l.other.swallow = false
		d.value, d.err = nil, nil
	case l.other != nil:
		d.value, d.err = nil, deferred.ErrAlreadyCalled
	case d.err == nil && l.cb != nil:
		w.call(d, l.cb)
	case d.err != nil && l.eb != nil:
		w.call(d, l.eb)
	}
	if next != nil && next.paused > 0 {
		return nil
	}
	return next
}

// take makes the result of inner d's.
func (d *modelDeferred) take(inner *modelDeferred) {
	d.value, d.err = inner.value, inner.err
	inner.value, inner.err, inner.failed = nil, nil, false
}

// call runs a callback and takes what it returns.
func (w *modelWorld) call(d *modelDeferred, s *script) {
	w.note("%d got %s", s.id, describe(d.value, d.err))
	for _, o := range s.ops {
		w.do(o)
	}
	w.note("%d ends", s.id)
	switch s.ends {
	case returnValue:
		d.value, d.err = fmt.Sprint("r", s.id), nil
	case returnError:
		d.value, d.err = nil, fmt.Errorf("f%d", s.id)
	case returnPanic:
		d.value, d.err = nil, &deferred.PanicError{Value: fmt.Sprint("p", s.id)}
	case returnDeferred:
		w.returned(d, w.ds[s.target])
	}
}

// returned is what happens when a callback of d returns inner.
func (w *modelWorld) returned(d, inner *modelDeferred) {
	d.value, d.err = nil, nil
	switch {
	case inner == d:
		d.err = deferred.ErrReturnedSelf
	case inner.called && !inner.running && inner.paused == 0 && inner.waiting == nil:
		d.take(inner)
	case inner.waitsFor(d):
		d.err = deferred.ErrCycle
	default:
		d.waiting = inner
		inner.queue = append(inner.queue, modelLink{outer: d})
	}
}

func (d *modelDeferred) waitsFor(other *modelDeferred) bool {
	return d.waiting != nil && (d.waiting == other || d.waiting.waitsFor(other))
}

func (w *modelWorld) finish() (log, states, unhandled []string) {
	unhandled = w.unhandled
	for _, d := range w.ds {
		switch {
		case d.waiting != nil:
			states = append(states, fmt.Sprint("waits for ", d.waiting.index))
		case !d.called:
			states = append(states, "unfired")
		case d.err != nil:
			states = append(states, fmt.Sprint("current error: ", d.err))
		default:
			states = append(states, fmt.Sprint("current result: ", d.value))
		}
		if d.failed {
			unhandled = append(unhandled, short(d.err))
		}
	}
	slices.Sort(unhandled)
	return w.log, states, unhandled
}
