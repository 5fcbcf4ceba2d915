package deferred

import "sync/atomic"

// mode is what Deferreds do besides their work, for those who want to know.
type mode uint32

// The modes.
const (
	debugging mode = 1 << iota // they remember where they were made and fired
	counting                   // those that have not fired are counted
)

// modes are the modes that are on. They are read once per New, all together;
// everything else looks at the tracker that New then makes, as it has to anyway.
// So what is off costs nothing.
var modes atomic.Uint32

// chosen returns the modes that are on.
func chosen() mode { return mode(modes.Load()) }

// has reports whether m is among them.
func (ms mode) has(m mode) bool { return ms&m != 0 }

// set turns one mode on or off for Deferreds made from now on.
func (m mode) set(on bool) {
	if on {
		modes.Or(uint32(m))
	} else {
		modes.And(^uint32(m))
	}
}

// trackFor gives a new d the tracker that the modes ask for; there is one.
func (d *Deferred) trackFor(ms mode) {
	d.track = &tracker{}
	if ms.has(debugging) {
		d.track.created = callers()
	}
	if ms.has(counting) {
		d.track.count(d)
	}
}

// started is told that the Deferred is fired now.
func (t *tracker) started() {
	if len(t.created) > 0 {
		t.fired = callers()
	}
	t.uncount()
}
