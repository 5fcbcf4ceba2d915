package reactor

import (
	"slices"

	"skein/deferred"
)

// WhenDrained returns a Deferred that fires with nil as soon as no connection is
// open: at once if none is. It counts, as Stats().Open does, the connections of
// ports and of connectors, and those that are being closed as long as they have
// something to send or to wait for. Ports go on accepting: stop them first. If
// the reactor ends with connections that were never closed, the Deferred fails
// with [ErrStopped]. It can be cancelled.
func (r *Reactor) WhenDrained() *deferred.Deferred {
	r.check("WhenDrained")
	switch {
	case r.stats.Open == 0:
		return deferred.Succeed(nil)
	case r.phase.Load() == stopped:
		return deferred.Fail(ErrStopped)
	}
	d := deferred.NewCancellable(func(d *deferred.Deferred) {
		r.draining = slices.DeleteFunc(r.draining, func(o *deferred.Deferred) bool { return o == d })
	})
	r.draining = append(r.draining, d)
	return d
}

// tellDrained fires what WhenDrained has returned if the last connection has
// ended.
func (r *Reactor) tellDrained() {
	for len(r.draining) > 0 && r.stats.Open == 0 {
		r.nextDraining().Callback(nil)
	}
}

// failDrained fails what WhenDrained has returned: the reactor has ended.
func (r *Reactor) failDrained() {
	for len(r.draining) > 0 {
		r.nextDraining().Errback(ErrStopped)
	}
}

// nextDraining takes the first of those who wait: its callbacks may cancel the
// others, or add some.
func (r *Reactor) nextDraining() *deferred.Deferred {
	d := r.draining[0]
	r.draining = slices.Delete(r.draining, 0, 1)
	return d
}
