package service_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"skein/deferred"
	"skein/deferred/deferredtest"
	"skein/reactor/service"
)

// world is the model and the real services side by side.
type world struct {
	model
	diary diary
	real  map[*node]service.Service
	slow  map[*node]*deferred.Deferred // stops that a test has to end
	stops []asked
}

// asked is a stop that somebody waits for.
type asked struct {
	n    *node
	need int  // it is over when n has ended so often
	none bool // there was nothing to stop
	fate *fate
}

// fate is what has become of a Deferred.
type fate struct {
	fired bool
	err   error
}

// newWorld makes collections and leaves, none in another.
func newWorld() *world {
	w := &world{real: map[*node]service.Service{}, slow: map[*node]*deferred.Deferred{}}
	for i := range 3 {
		n := &node{name: fmt.Sprintf("m%d", i), multi: true}
		w.nodes = append(w.nodes, n)
		w.real[n] = service.Named(n.name, &service.MultiService{})
	}
	for i := range 5 {
		n := &node{name: fmt.Sprintf("leaf%d", i), root: i%2 == 0}
		w.nodes = append(w.nodes, n)
		if n.root {
			p := newRootPart(n.name, &w.diary)
			p.prepare = outcome(&n.failsPrepare)
			w.equip(n, &p.part)
			w.real[n] = p
		} else {
			p := newPart(n.name, &w.diary)
			w.equip(n, p)
			w.real[n] = p
		}
	}
	return w
}

// outcome fails in one way or the other while the flag is set.
func outcome(fails *bool) func() error {
	calls := 0
	return func() error {
		calls++
		switch {
		case !*fails:
			return nil
		case calls%2 == 0:
			panic(errBroken)
		}
		return errBroken
	}
}

// equip makes a part do what its node says.
func (w *world) equip(n *node, p *part) {
	p.start = outcome(&n.failsStart)
	p.stop = func() *deferred.Deferred {
		fails := n.failsStop
		d := deferred.New()
		d.AddCallback(func(any) (any, error) {
			if fails {
				return nil, errBroken
			}
			return nil, nil
		})
		if n.slow {
			w.slow[n] = d
		} else {
			d.Callback(nil)
		}
		return d
	}
}

// wait remembers what a stop has returned.
func (w *world) wait(n *node, d *deferred.Deferred, need int, none bool) {
	f := &fate{}
	d.AddBoth(func(_ any, err error) (any, error) {
		f.fired, f.err = true, err
		return nil, nil
	})
	w.stops = append(w.stops, asked{n: n, need: need, none: none, fate: f})
}

// after returns how often n has ended when a stop that is asked for now is over.
func after(n *node) (ends int, none bool) {
	if n.state == isStopped {
		return len(n.ends), true
	}
	return len(n.ends) + 1, false
}

// compare fails the test where the two differ.
func (w *world) compare(t *rapid.T) {
	if !slices.Equal(w.diary.entries, w.log) {
		t.Fatalf("called\n %q, want\n %q", w.diary.entries, w.log)
	}
	w.diary.entries, w.log = nil, nil
	for _, n := range w.nodes {
		s := w.real[n]
		if got, want := s.Running(), n.state == isRunning; got != want {
			t.Fatalf("%v: running is %t", n, got)
		}
		if got := s.Parent(); (n.parent == nil) != (got == nil) || got != nil && got != w.real[n.parent] {
			t.Fatalf("%v: the parent is %v", n, got)
		}
		if !n.multi {
			continue
		}
		var kids []service.Service
		for _, k := range n.kids {
			kids = append(kids, w.real[k])
			if found, _ := s.(service.Collection).ServiceNamed(k.name); found != w.real[k] {
				t.Fatalf("%v: %s is not found by its name", n, k.name)
			}
		}
		if got := s.(service.Collection).Services(); !slices.Equal(got, kids) {
			t.Fatalf("%v: the services are %v", n, got)
		}
	}
	w.compareStops(t)
}

// compareStops looks at what the stops have come to.
func (w *world) compareStops(t *rapid.T) {
	var open []asked
	for _, a := range w.stops {
		over := len(a.n.ends) >= a.need
		if a.fate.fired != over {
			t.Fatalf("%v: the Deferred of its stop has fired: %t", a.n, a.fate.fired)
		}
		if !over {
			open = append(open, a)
			continue
		}
		if bad := !a.none && a.n.ends[a.need-1]; (a.fate.err != nil) != bad || bad && !errors.Is(a.fate.err, errBroken) {
			t.Fatalf("%v: its stop has come to %v, and should have gone wrong: %t", a.n, a.fate.err, bad)
		}
	}
	w.stops = open
}

// expect compares the errors of a step.
func expect(t *rapid.T, what string, got, model error) {
	if (got == nil) != (model == nil) || !errors.Is(got, model) {
		t.Fatalf("%s: the error is %v, want %v", what, got, model)
	}
}

// TestTreesAgreeWithTheModel does anything to a tree, in any order.
func TestTreesAgreeWithTheModel(t *testing.T) {
	log := deferredtest.Unhandled(t)
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		one := func(t *rapid.T) *node { return rapid.SampledFrom(w.nodes).Draw(t, "node") }
		leaf := func(t *rapid.T) *node { return rapid.SampledFrom(w.nodes[3:]).Draw(t, "leaf") }
		flip := func(which func(n *node) *bool) func(t *rapid.T) {
			return func(t *rapid.T) { f := which(leaf(t)); *f = !*f }
		}
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				n, to := one(t), rapid.SampledFrom(w.nodes[:3]).Draw(t, "to")
				want := w.add(n, to)
				expect(t, "add", w.real[to].(service.Collection).AddService(w.real[n]), want)
			},
			"start": func(t *rapid.T) {
				n := one(t)
				want := w.start(n)
				expect(t, "start", service.Start(w.real[n]), want)
			},
			"prepare": func(t *rapid.T) {
				n := one(t)
				want := w.prepare(n)
				expect(t, "prepare", service.PrivilegedStart(w.real[n]), want)
			},
			"stop": func(t *rapid.T) {
				n := one(t)
				need, none := after(n)
				w.stop(n)
				w.wait(n, service.Stop(w.real[n]), need, none)
			},
			"disown": func(t *rapid.T) {
				n := one(t)
				need, none := after(n)
				d := w.real[n].DisownServiceParent()
				if n.parent == nil {
					d.AddErrback(func(err error) (any, error) { expect(t, "disown", err, service.ErrNotChild); return nil, nil })
					return
				}
				w.unlink(n)
				w.stop(n)
				w.wait(n, d, need, none)
			},
			"end a slow stop": func(t *rapid.T) {
				for _, n := range w.nodes {
					if d := w.slow[n]; d != nil {
						delete(w.slow, n)
						w.ended(n)
						d.Callback(nil)
						return
					}
				}
			},
			"flip slow":          flip(func(n *node) *bool { return &n.slow }),
			"flip fails prepare": flip(func(n *node) *bool { return &n.failsPrepare }),
			"flip fails start":   flip(func(n *node) *bool { return &n.failsStart }),
			"flip fails stop":    flip(func(n *node) *bool { return &n.failsStop }),
			"":                   w.compare,
		})
		log.Flush() // what a failed undoing reports
	})
}
