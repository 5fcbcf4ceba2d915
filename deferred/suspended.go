package deferred

import (
	"container/list"
	"sync"
)

// suspended holds all bodies that have waited and not ended, whatever
// goroutine they belong to. A body is entered when it first waits, so one that
// never does costs nothing here.
var suspended struct {
	mu     sync.Mutex
	bodies list.List // of *Inline
}

// roll is the place of a body in suspended.
type roll struct{ entry *list.Element }

// enter adds in, if it is not there yet.
func (r *roll) enter(in *Inline) {
	if r.entry != nil {
		return
	}
	suspended.mu.Lock()
	defer suspended.mu.Unlock()
	r.entry = suspended.bodies.PushBack(in)
}

// leave removes the body, if it is there.
func (r *roll) leave() {
	if r.entry == nil {
		return
	}
	suspended.mu.Lock()
	defer suspended.mu.Unlock()
	suspended.bodies.Remove(r.entry)
	r.entry = nil
}

// StopSuspended ends every body of [InlineCallbacks] that waits now, oldest
// first, and returns how many. In each, the call that waits returns
// [ErrStopped]; a body that does not end then but tries to wait again is
// unwound by a panic, which its deferred functions see. Either way its
// Deferred is fired and runs its callbacks. The Deferreds waited for are left
// as they are. Bodies that begin to wait while it runs are not included: call
// it until it returns 0.
//
// It is for the end of a loop, when nobody will fire anything any more:
// without it the goroutines of such bodies would stay for ever. It acts on the
// bodies of the whole process, so other goroutines must not be running
// Deferreds of theirs at the time.
//
// Twisted: the generators are closed when they are collected; a suspended
// goroutine never is.
func StopSuspended() int {
	suspended.mu.Lock()
	var bodies []*Inline
	for e := suspended.bodies.Front(); e != nil; e = e.Next() {
		bodies = append(bodies, e.Value.(*Inline))
	}
	suspended.mu.Unlock()
	stopped := 0
	for _, in := range bodies {
		if in.state != bodySuspended {
			continue // it runs now (and called this), or an earlier one has made it go on
		}
		stopped++
		if in.resume(true) {
			in.outer.run()
		}
	}
	return stopped
}
