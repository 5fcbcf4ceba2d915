package stats

import (
	"syscall"
	"time"
)

// machine is what the system says of this process.
type machine struct{ files files }

// openMachine opens what there is to read.
func openMachine() machine { return machine{openFiles()} }

// close closes it.
func (m *machine) close() { m.files.close() }

// process returns what the system says now. It takes a few microseconds and
// never waits.
func (m *machine) process() Process {
	var p Process
	var use syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &use) == nil {
		p.CPU = time.Duration(use.Utime.Nano() + use.Stime.Nano())
	}
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) == nil {
		p.MaxDescriptors = uint64(limit.Cur) //nolint:unconvert // FreeBSD's is signed
	}
	p.Resident = m.files.resident()
	p.Descriptors = m.files.descriptors()
	return p
}
