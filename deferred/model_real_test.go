package deferred_test

import (
	"fmt"
	"slices"
	"strings"

	"skein/deferred"
)

// realWorld runs a program on the package.
type realWorld struct {
	ds        []*deferred.Deferred
	log       []string
	unhandled []string
	restore   func(deferred.Unhandled)
}

func newRealWorld(p program) world {
	w := &realWorld{}
	deferred.SweepUnhandled()
	w.restore = deferred.SetUnhandledHandler(func(u deferred.Unhandled) {
		w.unhandled = append(w.unhandled, short(u.Err))
	})
	for _, kind := range p.cancellers {
		w.ds = append(w.ds, deferred.NewCancellable(w.canceller(kind, len(w.ds))))
	}
	return w
}

func (w *realWorld) canceller(kind cancelKind, i int) deferred.Canceller {
	if kind == cancelNone {
		return nil
	}
	return func(d *deferred.Deferred) {
		w.log = append(w.log, fmt.Sprintf("canceller %d", i))
		switch kind {
		case cancelFires:
			d.Callback("alt")
		case cancelFails:
			d.Errback(errX)
		case cancelPanics:
			panic("canceller")
		case cancelAgain:
			d.Cancel()
		}
	}
}

func (w *realWorld) do(o op) {
	defer func() {
		if v := recover(); v != nil {
			w.log = append(w.log, fmt.Sprintf("%d raised %s", o.id, short(v.(error))))
		}
	}()
	d := w.ds[o.target]
	switch o.kind {
	case opAddCallback:
		d.AddCallback(w.callback(o.script))
	case opAddErrback:
		d.AddErrback(w.errback(o.script))
	case opAddBoth:
		d.AddBoth(func(v any, err error) (any, error) { return w.run(o.script, v, err) })
	case opAddPair:
		d.AddCallbacks(w.callback(o.script), w.errback(o.second))
	case opFire:
		d.Callback(fmt.Sprint("v", o.id))
	case opFail:
		d.Errback(fmt.Errorf("e%d", o.id))
	case opCancel:
		d.Cancel()
	case opPause:
		d.Pause()
	case opUnpause:
		d.Unpause()
	case opChain:
		d.ChainDeferred(w.ds[o.other])
	}
}

func (w *realWorld) callback(s *script) deferred.Callback {
	return func(v any) (any, error) { return w.run(s, v, nil) }
}

func (w *realWorld) errback(s *script) deferred.Errback {
	return func(err error) (any, error) { return w.run(s, nil, err) }
}

// run is the body of every callback.
func (w *realWorld) run(s *script, v any, err error) (any, error) {
	w.log = append(w.log, fmt.Sprintf("%d got %s", s.id, describe(v, err)))
	for _, o := range s.ops {
		w.do(o)
	}
	w.log = append(w.log, fmt.Sprintf("%d ends", s.id))
	switch s.ends {
	case returnValue:
		return fmt.Sprint("r", s.id), nil
	case returnError:
		return nil, fmt.Errorf("f%d", s.id)
	case returnDeferred:
		return w.ds[s.target], nil
	case returnPanic:
		panic(fmt.Sprint("p", s.id))
	}
	return v, err
}

func describe(v any, err error) string {
	if err != nil {
		return "error " + short(err)
	}
	return fmt.Sprint("value ", v)
}

// finish returns the log, what every Deferred looks like, and which errors
// nobody has handled.
func (w *realWorld) finish() (log, states, unhandled []string) {
	deferred.SweepUnhandled()
	deferred.SetUnhandledHandler(w.restore)
	for _, d := range w.ds {
		states = append(states, w.state(d))
	}
	slices.Sort(w.unhandled)
	return w.log, states, w.unhandled
}

// state writes d's String with the number of the Deferred in place of its
// address, and errors by their short names.
func (w *realWorld) state(d *deferred.Deferred) string {
	text := d.String()
	if _, waiting, ok := strings.Cut(text, " waiting on Deferred at "); ok {
		for i, other := range w.ds {
			if waiting == fmt.Sprintf("%p>", other) {
				return fmt.Sprint("waits for ", i)
			}
		}
	}
	if !d.Called() {
		return "unfired"
	}
	return strings.TrimSuffix(text[strings.Index(text, "current"):], ">")
}
