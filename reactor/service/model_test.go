package service_test

import (
	"fmt"
	"slices"

	"skein/reactor/service"
)

// The model is what a tree of services is, said without Deferreds, re-entrancy
// or panics: nodes with a state, and functions that walk over them. The test in
// model_real_test.go runs it side by side with the real thing.

// nodeState is where a node stands.
type nodeState int

const (
	isStopped nodeState = iota
	isPrepared
	isRunning
	isStopping
)

// node is a service of the model.
type node struct {
	name   string
	multi  bool
	root   bool // it has something to prepare
	parent *node
	kids   []*node
	state  nodeState

	// What it is going to do.
	failsPrepare, failsStart, failsStop, slow bool

	// A stop that is under way or over.
	awaits  []*node // a collection waits for these
	walking bool    // and is not through with its children
	bad     bool    // it has gone wrong
	ends    []bool  // how all of them ended: badly or not
}

// model is all of it.
type model struct {
	nodes []*node
	log   []string
}

// note adds to the log.
func (m *model) note(what string, n *node) { m.log = append(m.log, what+" "+n.name) }

// refused returns why a node cannot start in this state.
func refused(n *node) error {
	switch n.state {
	case isRunning:
		return service.ErrRunning
	case isStopping:
		return service.ErrStopping
	}
	return nil
}

// prepare is PrivilegedStart.
func (m *model) prepare(n *node) error {
	if err := refused(n); err != nil || n.state == isPrepared {
		return err
	}
	if n.root {
		m.note("prepare", n)
		if n.failsPrepare {
			m.ended(n)
			return errBroken
		}
	}
	for _, k := range n.kids {
		if err := m.bring(k, m.prepare); err != nil {
			m.stopKids(n)
			return err
		}
	}
	n.state = isPrepared
	return nil
}

// start is Start.
func (m *model) start(n *node) error {
	if err := refused(n); err != nil {
		return err
	}
	if err := m.prepare(n); err != nil {
		return err
	}
	if n.multi {
		for _, k := range n.kids {
			if err := m.bring(k, m.start); err != nil {
				m.stopKids(n)
				return err
			}
		}
		n.state = isRunning
		return nil
	}
	m.note("start", n)
	switch {
	case n.failsStart && n.root:
		m.stopLeaf(n)
		return errBroken
	case n.failsStart:
		m.ended(n)
		return errBroken
	}
	n.state = isRunning
	return nil
}

// bring does a step with a child, unless that is further.
func (m *model) bring(n *node, step func(*node) error) error {
	if n.state == isRunning {
		return nil
	}
	return step(n)
}

// stop is Stop.
func (m *model) stop(n *node) {
	switch {
	case n.state == isStopped || n.state == isStopping:
	case n.multi:
		m.stopKids(n)
	case n.state == isPrepared && !n.root:
		m.ended(n)
	default:
		m.stopLeaf(n)
	}
}

// stopLeaf stops one that is no collection.
func (m *model) stopLeaf(n *node) {
	m.note("stop", n)
	n.state, n.bad = isStopping, n.failsStop
	if !n.slow {
		m.ended(n)
	}
}

// stopKids stops a collection.
func (m *model) stopKids(n *node) {
	n.state, n.bad, n.walking = isStopping, false, true
	for _, k := range slices.Backward(n.kids) {
		if k.state == isStopped {
			continue
		}
		n.awaits = append(n.awaits, k)
		m.stop(k)
	}
	n.walking = false
	if len(n.awaits) == 0 {
		m.ended(n)
	}
}

// ended makes a node stopped, and then those that have waited for it.
func (m *model) ended(n *node) {
	n.state = isStopped
	n.ends = append(n.ends, n.bad)
	defer func() { n.bad = false }() // those that wait take it over first
	for _, p := range m.nodes {
		i := slices.Index(p.awaits, n)
		if i < 0 {
			continue
		}
		p.awaits = slices.Delete(p.awaits, i, i+1)
		p.bad = p.bad || n.bad
		if len(p.awaits) == 0 && !p.walking {
			m.ended(p)
		}
	}
}

// add is AddService.
func (m *model) add(n, to *node) error {
	if n.parent != nil {
		return service.ErrHasParent
	}
	for p := to; p != nil; p = p.parent {
		if p == n {
			return service.ErrCycle
		}
	}
	n.parent = to
	to.kids = append(to.kids, n)
	var err error
	switch to.state {
	case isRunning:
		err = m.bring(n, m.start)
	case isPrepared:
		err = m.bring(n, m.prepare)
	}
	if err != nil {
		m.unlink(n)
	}
	return err
}

// unlink takes a node out of its parent.
func (m *model) unlink(n *node) {
	i := slices.Index(n.parent.kids, n)
	n.parent.kids = slices.Delete(n.parent.kids, i, i+1)
	n.parent = nil
}

// String shows the node in a failure.
func (n *node) String() string {
	return fmt.Sprintf("%s(state %d, %d ends)", n.name, n.state, len(n.ends))
}
