package reactor

import "skein/deferred"

// CallFromThread runs f on the reactor's goroutine, in the next turn at the
// earliest. Calls run in the order in which they were posted; those that come
// while the turn's calls run wait for the next turn, so a call that posts
// itself starves nobody. What is posted after the reactor has stopped never
// runs. Any goroutine may call it, the reactor's own included.
//
// Twisted: reactor.callFromThread.
func (r *Reactor) CallFromThread(f func()) {
	if f == nil {
		panic(errNilFunc("CallFromThread"))
	}
	if r.phase.Load() == stopped {
		return
	}
	r.mu.Lock()
	r.posted = append(r.posted, f)
	first := len(r.posted) == 1
	r.mu.Unlock()
	if first {
		r.kernel.Wake()
	}
}

// postOwner is the owner of posted calls.
const postOwner = ownerName("call")

// runPosted runs the calls that are here now.
func (r *Reactor) runPosted() {
	r.mu.Lock()
	batch := r.posted
	if len(batch) > 0 {
		r.posted = r.spare[:0]
	}
	r.mu.Unlock()
	if len(batch) == 0 {
		return
	}
	for i, f := range batch {
		_ = r.do(postOwner, "a posted call", f)
		batch[i] = nil
	}
	r.spare = batch[:0]
}

// CallWhenRunning runs f at once if the reactor is running, else as soon as it
// is.
//
// Twisted: reactor.callWhenRunning.
func (r *Reactor) CallWhenRunning(f func()) {
	if f == nil {
		panic(errNilFunc("CallWhenRunning"))
	}
	r.check("CallWhenRunning")
	if r.phase.Load() == running && r.started {
		f()
		return
	}
	r.AddSystemEventTrigger(After, Startup, func() *deferred.Deferred { f(); return nil })
}
