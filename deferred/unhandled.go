package deferred

import (
	"container/list"
	"errors"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
)

// Unhandled is an error that reached the end of its chain and that no errback
// has handled: without a report it would vanish.
//
// Twisted: the two log events of defer.DebugInfo.__del__.
type Unhandled struct {
	// Err is the error.
	Err error
	// Created and Fired are the stacks where the Deferred was made and fired.
	// They are empty unless the Deferred was made in debug mode.
	Created, Fired string
}

// Error returns a text for the log: the error, the stack if it was a panic, and
// in debug mode where the Deferred came from.
func (u Unhandled) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Unhandled error in Deferred: %v", u.Err)
	var p *PanicError
	if errors.As(u.Err, &p) {
		fmt.Fprintf(&b, "\n%s", p.Stack)
	}
	if u.Created != "" {
		fmt.Fprintf(&b, "\nthe Deferred was made at:\n%s", u.Created)
	}
	if u.Fired != "" {
		fmt.Fprintf(&b, "\nand fired at:\n%s", u.Fired)
	}
	return strings.TrimRight(b.String(), "\n")
}

// String is the same as Error.
func (u Unhandled) String() string { return u.Error() }

// Unwrap returns the error.
func (u Unhandled) Unwrap() error { return u.Err }

// handler is what SetUnhandledHandler has set; nil is the default.
var handler atomic.Pointer[func(Unhandled)]

// SetUnhandledHandler sets the function that hears of unhandled errors, and
// returns the one before. Nil stands for the default, which prints on standard
// error. Any goroutine may call it; h is called on any goroutine, also while
// others run, so it may only log, count or post. A panic of h is printed.
//
// An error is reported once: when its Deferred has become unreachable and the
// garbage collector has found out, or earlier by [SweepUnhandled].
func SetUnhandledHandler(h func(Unhandled)) (previous func(Unhandled)) {
	var p *func(Unhandled)
	if h != nil {
		p = &h
	}
	if old := handler.Swap(p); old != nil {
		return *old
	}
	return nil
}

// report passes u to the handler. A handler that panics must not take the
// goroutine with it: it may be one of the runtime's.
func report(u Unhandled) {
	h := handler.Load()
	if h == nil {
		fmt.Fprintln(os.Stderr, u.Error())
		return
	}
	defer func() {
		if v := recover(); v != nil {
			fmt.Fprintf(os.Stderr, "deferred: the handler of unhandled errors panicked: %v\nit was told: %v\n", v, u)
		}
	}()
	(*h)(u)
}

// tracker watches over one Deferred's error. It does not reference the
// Deferred: if it did, the registry would keep the Deferred alive, and the
// collector could never tell that it was dropped. (An error that references
// its own Deferred does just that; only a sweep finds it.) A Deferred gets a
// tracker when it first fails, or when it is made in one of the modes of
// modes.go; success costs nothing.
//
//	         ╭──── watch ────▶ pending ──── take ────▶ reported
//	nothing ─┤                    │                       │
//	         ╰◀───── clear ───────┴──────── clear ────────╯
//
//	watch   a run of the chain has ended in the error
//	clear   it was handled, or is somebody else's now
//	take    it was reported, because the Deferred was collected or by a sweep;
//	        watch leaves the same error reported
//
// Twisted: defer.DebugInfo.
type tracker struct {
	// Owned by the Deferred's goroutine, until the Deferred is unreachable.
	created, fired []uintptr // debug mode
	watched        bool      // the cleanup is attached

	counted atomic.Bool // among the unfired

	// Guarded by registry.mu.
	err      error         // unhandled, or already reported
	entry    *list.Element // in registry.pending; nil if there is nothing to report
	reported bool          // err has been reported
}

// registry holds the trackers of all errors that are unhandled now, oldest
// first, whatever goroutine their Deferreds belong to.
var registry struct {
	mu      sync.Mutex
	pending list.List // of *tracker
}

// watch notes that d has ended in an error.
func (d *Deferred) watch() {
	if d.track == nil {
		d.track = &tracker{}
	}
	t := d.track
	t.cleanUp(d)
	registry.mu.Lock()
	defer registry.mu.Unlock()
	if t.reported && same(t.err, d.err) {
		return // it went down a longer chain, but it is the one reported before
	}
	t.err, t.reported = d.err, false
	if t.entry == nil {
		t.entry = registry.pending.PushBack(t)
	}
}

// same reports whether a and b are one error. Errors need not be comparable.
func same(a, b error) bool {
	return reflect.ValueOf(a).Comparable() && reflect.ValueOf(b).Comparable() && a == b
}

// clear notes that the error has been handled, or is somebody else's now.
func (t *tracker) clear() {
	registry.mu.Lock()
	defer registry.mu.Unlock()
	t.unlist()
	t.err, t.reported = nil, false
}

// passTo tells d, which is about to take over the error of t's Deferred, if it
// has been reported: once is enough.
func (t *tracker) passTo(d *Deferred) {
	registry.mu.Lock()
	defer registry.mu.Unlock()
	if !t.reported {
		return
	}
	if d.track == nil {
		d.track = &tracker{}
	}
	d.track.unlist()
	d.track.err, d.track.reported = t.err, true
}

// unlist takes t out of the registry. The caller holds registry.mu.
func (t *tracker) unlist() {
	if t.entry != nil {
		registry.pending.Remove(t.entry)
		t.entry = nil
	}
}

// take claims t's error for a report; ok is false if there is none to make.
// The caller holds registry.mu.
func (t *tracker) take() (u Unhandled, ok bool) {
	if t.entry == nil {
		return u, false
	}
	t.unlist()
	t.reported = true
	return Unhandled{Err: t.err, Created: formatStack(t.created), Fired: formatStack(t.fired)}, true
}

// cleanUp makes t hear of it when d, whose tracker it is, has been collected.
// Once is enough: a cleanup that finds nothing to do costs less than taking it
// off and putting it on again.
func (t *tracker) cleanUp(d *Deferred) {
	if !t.watched {
		t.watched = true
		runtime.AddCleanup(d, (*tracker).dropped, t)
	}
}

// dropped runs when the Deferred of t has been collected, on a goroutine of
// the runtime.
func (t *tracker) dropped() {
	t.uncount()
	registry.mu.Lock()
	u, ok := t.take()
	registry.mu.Unlock()
	if ok {
		report(u)
	}
}

// SweepUnhandled reports every error that is at the end of its chain now and
// that nobody has handled, whether its Deferred is still referenced or not,
// oldest first, and returns how many. Use it when a reactor shuts down and at
// the end of a test, when "later" will not come. Any goroutine may call it,
// but an error that another goroutine was about to handle is reported too.
func SweepUnhandled() int {
	registry.mu.Lock()
	var found []Unhandled
	for e := registry.pending.Front(); e != nil; e = registry.pending.Front() {
		if u, ok := e.Value.(*tracker).take(); ok {
			found = append(found, u)
		}
	}
	registry.mu.Unlock()
	for _, u := range found {
		report(u)
	}
	return len(found)
}
