package reactor

import "skein/reactor/internal/kernel"

// loop is the reactor as its kernel sees it; the methods stay out of the
// public ones.
type loop struct{ *Reactor }

// Ready takes one event of a batch.
func (l loop) Ready(fd int, ev kernel.Events, tag uint32) {
	r := l.Reactor
	if uint(fd) >= uint(len(r.table)) {
		return
	}
	s := r.table[fd]
	if s == nil {
		return // it stood in the batch when its source was closed
	}
	r.calling = true
	s.ready(ev, tag)
	if r.timers.Mark() != r.seen {
		r.setAlarm()
	}
	r.calling = false
}

// Served follows a few dozen events: what each connection's own has left to do is done
// now, which is to write, most often. To read from all of them first and then to write
// to all of them costs less than to go from one to the other: the processor has the
// code of either way at hand. And it is the flush of those connections: what else is
// written to them meanwhile goes along.
func (l loop) Served() {
	r := l.Reactor
	if len(r.served) == 0 {
		return
	}
	r.calling = true
	for i, c := range r.served {
		r.served[i] = nil
		c.answer()
	}
	r.served = r.served[:0]
	if r.timers.Mark() != r.seen {
		r.setAlarm()
	}
	r.calling = false
}

// Turn is what follows a batch of events:
//
//  1. the backlog: what was left of busy descriptors, a share each;
//  2. the calls from other goroutines that are here now;
//  3. the timers that are due now;
//  4. the start or the next step of a shutdown;
//  5. one flush of each transport that was written to from elsewhere: what a
//     connection's own event has written, Served has sent;
//  6. the descriptors closed since the last turn are given back, and the
//     protocols that lost their connection hear of it.
//
// Each step takes what is there when it begins and leaves to the next turn what
// comes meanwhile: whoever adds work from inside work takes turns with the
// others.
func (l loop) Turn() (stop bool) {
	r := l.Reactor
	r.calling, r.inTurn = true, true
	r.stats.Turns++
	r.mark = r.timers.Mark()
	r.serveBacklog()
	r.runPosted()
	r.runTimers()
	r.advanceShutdown()
	r.flushDirty()
	r.closeReleased()
	r.deliverLost()
	r.setAlarm()
	r.calling, r.inTurn = false, false
	return r.over
}

// More reports whether the turn has left work for the next.
func (l loop) More() bool {
	r := l.Reactor
	switch {
	case len(r.backlog)+len(r.dirty)+len(r.lost)+len(r.released) > 0, r.timerDue(), r.stopCalled && !r.stopping:
		return true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.posted) > 0
}

// Away returns how many functions and name lookups run off the loop whose
// results are still to come. A kernel with a fake clock must not move it
// meanwhile.
func (l loop) Away() int { return len(l.threads.waiting) + l.lookups }

// wakeTurn makes sure that a turn follows. Inside one, More sees to that.
func (r *Reactor) wakeTurn() {
	if !r.inTurn {
		r.kernel.Wake()
	}
}

// serveBacklog gives each busy descriptor its share.
func (r *Reactor) serveBacklog() {
	for i, n := 0, len(r.backlog); i < n; i++ {
		s := r.backlog[i]
		r.backlog[i] = nil
		s.serve()
		if i == n-1 { // keep what the served ones have appended
			left := copy(r.backlog, r.backlog[n:])
			clear(r.backlog[left:])
			r.backlog = r.backlog[:left]
		}
	}
}

// enqueue puts a busy source behind the others.
func (r *Reactor) enqueue(s source) {
	r.backlog = append(r.backlog, s)
	r.wakeTurn()
}

// flushDirty flushes each transport that was written to, once. What producers
// write to other transports meanwhile is flushed in the next turn.
func (r *Reactor) flushDirty() {
	for i, n := 0, len(r.dirty); i < n; i++ {
		c := r.dirty[i]
		c.flags &^= isDirty
		c.serveOutput()
		if i == n-1 {
			left := copy(r.dirty, r.dirty[n:])
			clear(r.dirty[left:])
			r.dirty = r.dirty[:left]
		}
	}
}

// watch registers a source for its descriptor.
func (r *Reactor) watch(fd int, s source) error {
	if errno := r.kernel.Add(fd); errno != 0 {
		return errno
	}
	r.setSource(fd, s)
	return nil
}

// setSource makes s the one that hears of fd's events.
func (r *Reactor) setSource(fd int, s source) {
	for fd >= len(r.table) {
		r.table = append(r.table, make([]source, max(64, len(r.table)))...)
	}
	r.table[fd] = s
}

// released is a descriptor on its way back to the system.
type released struct {
	fd    int
	reset bool
}

// release stops listening to a descriptor at once, and leaves it open until the
// batch is over: else the next socket could get its number, and with it the
// events that still stand in the batch for the old one. The close ends the
// kernel's watch, too, so there is no need for a call of its own. A socket that
// another process may hold as well, a port's, would stay watched when it is closed
// here: its owner calls the kernel's Remove first.
func (r *Reactor) release(fd int, reset bool) {
	if r.phase.Load() == stopped {
		return // dismantle has closed it, and the number may be another's
	}
	if fd < len(r.table) { // else it was never watched
		r.table[fd] = nil
	}
	r.released = append(r.released, released{fd, reset})
	r.wakeTurn()
}

// closeReleased closes what was released, and lets ports that had run out of
// descriptors try again.
func (r *Reactor) closeReleased() {
	if len(r.released) == 0 {
		return
	}
	for _, d := range r.released {
		r.kernel.CloseSocket(d.fd, d.reset)
	}
	r.released = r.released[:0]
	finish := r.afterClose
	r.afterClose = nil
	for _, f := range finish {
		f()
	}
	r.retryStarved()
}

// deliverLost tells protocols, and then their port or connector, that their
// connection is over.
func (r *Reactor) deliverLost() {
	for i, n := 0, len(r.lost); i < n; i++ {
		r.lost[i].deliverLost()
		if i == n-1 {
			left := copy(r.lost, r.lost[n:])
			clear(r.lost[left:])
			r.lost = r.lost[:left]
		}
	}
}
