package proc

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// CPU is the time that all threads of the process have run, in user space and
// in the kernel, to the nanosecond.
func (p *Process) CPU() (time.Duration, error) {
	// The kernel's clock of the process: its number's complement, and the clock
	// (2) that adds up what the scheduler has accounted.
	clock := int32(^p.Pid()<<3 | 2)
	var ts unix.Timespec
	if err := unix.ClockGettime(clock, &ts); err != nil {
		return 0, p.failure(fmt.Errorf("its clock: %w", err))
	}
	return time.Duration(ts.Nano()), nil
}

// Memory is what a process holds, in bytes.
type Memory struct {
	// Private is what would be free if the process ended: the pages that are
	// its alone. It is the figure to compare. The kernel's memory for sockets
	// is in none of these.
	Private int64
	// Rss counts the pages of files and libraries, too, that it shares.
	Rss int64
}

// Memory reads what the process holds.
func (p *Process) Memory() (Memory, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", p.Pid()))
	if err != nil {
		return Memory{}, p.failure(err)
	}
	var m Memory
	seen := 0
	for line := range bytes.Lines(text) {
		fields := bytes.Fields(line)
		if len(fields) != 3 || string(fields[2]) != "kB" {
			continue
		}
		kB, err := strconv.ParseInt(string(fields[1]), 10, 64)
		if err != nil {
			return Memory{}, p.failure(fmt.Errorf("smaps_rollup: %w", err))
		}
		switch string(fields[0]) {
		case "Rss:":
			m.Rss = kB << 10
			seen++
		case "Private_Clean:", "Private_Dirty:":
			m.Private += kB << 10
			seen++
		}
	}
	if seen != 3 {
		return Memory{}, p.failure(fmt.Errorf("smaps_rollup: %q", text))
	}
	return m, nil
}
