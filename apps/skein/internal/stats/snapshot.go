package stats

import (
	"time"

	"skein/reactor"
)

// Snapshot is what one process has done and has open. Workers send theirs to
// their supervisor as JSON.
type Snapshot struct {
	// Worker is the number of a worker, from 1 on; 0: the only process, or the
	// supervisor of the others.
	Worker int
	// PID is the process's number.
	PID int
	// Name is what the process runs.
	Name string
	// Started is when the process began.
	Started time.Time

	// Reactor is what the loop counts.
	Reactor reactor.Stats
	// Deferreds is how many have not fired: see [deferred.Pending].
	Deferreds int
	// LogDropped is how many lines the log had no room for.
	LogDropped uint64

	// Process is what the system and the runtime say.
	Process Process
}

// Process is what a process takes of the machine. A number that the system does
// not tell is 0.
type Process struct {
	CPU            time.Duration // in user and system mode
	Resident       uint64        // bytes of memory
	Descriptors    uint64        // open now
	MaxDescriptors uint64        // that may be
	Goroutines     uint64
	Heap           uint64 // bytes of live and dead objects
}
