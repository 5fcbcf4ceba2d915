package reactor

import "time"

// Stats is what a reactor has done and has open.
type Stats struct {
	Turns     uint64 // turns of the loop; a batch of events that leaves nothing to do needs none
	Callbacks uint64 // calls of user code

	BytesRead    uint64
	BytesWritten uint64

	TimersRun uint64 // delayed calls that have run
	Panics    uint64 // panics recovered from user code

	SlowCallbacks uint64 // callbacks slower than 100 ms, under WithTiming or WithDebug

	Lag    time.Duration // how late the last timer ran
	MaxLag time.Duration // how late a timer ran at worst

	Connections uint64 // connections made, in and out
	Accepted    uint64 // of these, the accepted ones
	Open        int    // connections open now
	Starved     uint64 // times that a port ran out of descriptors

	PendingTimers int // delayed calls that wait
}

// Stats returns the numbers so far. From another goroutine, ask by
// [Reactor.BlockingCallFromThread].
func (r *Reactor) Stats() Stats {
	r.check("Stats")
	s := r.stats
	s.PendingTimers = r.timers.Len() - r.idleTimers()
	return s
}
