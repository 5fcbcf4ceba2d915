package deferred

import "sync/atomic"

// unfired is how many Deferreds have been made while counting was on and have
// neither fired nor been collected.
var unfired atomic.Int64

// SetCounting turns the counting of unfired Deferreds on or off, for those made
// from now on; [Pending] has the number. It costs a third of a microsecond for each
// that is not made already fired, and nothing while it is off. Any goroutine may
// call it.
func SetCounting(on bool) { counting.set(on) }

// Pending returns how many of the Deferreds that were made while counting was on,
// in the whole process, have not been fired. One that was dropped counts until the
// collector has found out. A zero Deferred, which no function has made, is never
// counted. Any goroutine may call it.
func Pending() int { return int(unfired.Load()) }

// count counts d, whose tracker t is, until it fires or is collected.
func (t *tracker) count(d *Deferred) {
	t.counted.Store(true)
	unfired.Add(1)
	t.cleanUp(d)
}

// uncount is told that the Deferred has fired, or has been collected; the first
// of the two counts.
func (t *tracker) uncount() {
	if t.counted.Swap(false) {
		unfired.Add(-1)
	}
}
