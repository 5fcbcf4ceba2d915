package stats

import (
	"os"
	"runtime/metrics"
	"time"

	"skein/deferred"
	"skein/deferred/task"
	"skein/reactor"
	"skein/reactor/service"
)

// Tick is how often a [Self] runs a timer of its own.
const Tick = time.Second

// Self is this process as the stats see it, and the service that makes it worth
// seeing: while it runs, a timer goes off each [Tick], so that the lag of the loop
// is never older than that, also in a program that has no timers; and Deferreds
// are counted.
//
// Make one with [NewSelf], add it to the application's services, and ask for
// [Self.Snapshot] on the loop.
type Self struct {
	service.Base

	reactor *reactor.Reactor
	snap    Snapshot // what does not change
	dropped func() uint64

	machine machine
	samples []metrics.Sample
	tick    *task.LoopingCall
}

// Identity says who a process is.
type Identity struct {
	// Name is what the process runs.
	Name string
	// Worker is its number among several, from 1 on; 0: it is the only one, or
	// their supervisor.
	Worker int
	// LogDropped returns how many lines the log had no room for; nil: none.
	LogDropped func() uint64
}

// NewSelf returns the stats of the process that r runs in. Deferreds are counted
// from now on. It is for the start, before a chroot, from which the files that it
// reads could not be reached. They are closed by [Self.Close].
func NewSelf(r *reactor.Reactor, id Identity) *Self {
	deferred.SetCounting(true)
	s := &Self{
		reactor: r,
		snap:    Snapshot{Worker: id.Worker, PID: os.Getpid(), Name: id.Name, Started: r.Now()},
		dropped: id.LogDropped,
		machine: openMachine(),
		samples: []metrics.Sample{{Name: "/sched/goroutines:goroutines"}, {Name: "/memory/classes/heap/objects:bytes"}},
	}
	s.tick = task.NewLoopingCall(r, func() *deferred.Deferred { return nil })
	return s
}

// StartService begins to tick.
func (s *Self) StartService() error {
	s.tick.Start(Tick, false)
	return nil
}

// StopService stops ticking.
func (s *Self) StopService() *deferred.Deferred {
	_ = s.tick.Stop() // it runs: its function returns nothing that could end it
	return nil
}

// Close lets go of the files, and ends the counting.
func (s *Self) Close() {
	deferred.SetCounting(false)
	s.machine.close()
}

// Snapshot returns the numbers of now.
func (s *Self) Snapshot() Snapshot {
	snap := s.snap
	snap.Reactor = s.reactor.Stats()
	snap.Deferreds = deferred.Pending()
	if s.dropped != nil {
		snap.LogDropped = s.dropped()
	}
	snap.Process = s.machine.process()
	metrics.Read(s.samples)
	snap.Process.Goroutines = number(s.samples[0])
	snap.Process.Heap = number(s.samples[1])
	return snap
}

// number returns a sample's value; 0 if this runtime does not have it.
func number(s metrics.Sample) uint64 {
	if s.Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return s.Value.Uint64()
}
