package proc

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

const (
	settleTick = 2 * time.Millisecond
	settleIdle = settleTick / 40 // a runtime's own threads may tick
	settleRows = 3               // ticks in a row
)

// Cost returns the CPU time that run takes the process, with what is left to do
// after it, such as to close what its peers have left. A process that does not
// rest within the limit is charged for the run alone: it does something that is
// not the run's, such as to look for work again and again.
func (p *Process) Cost(run func() error, limit time.Duration) (time.Duration, error) {
	before, err := p.CPU()
	if err != nil {
		return 0, err
	}
	if err := run(); err != nil {
		return 0, err
	}
	after, err := p.CPU()
	if err != nil {
		return 0, err
	}
	rests, err := p.Settle(limit)
	if err == nil && rests {
		after, err = p.CPU()
	}
	return after - before, err
}

// Settle waits until the process has nothing more to do, or until the limit. It
// reports whether the process rests.
func (p *Process) Settle(limit time.Duration) (bool, error) {
	last, err := p.CPU()
	if err != nil {
		return false, err
	}
	ticker := time.NewTicker(settleTick)
	defer ticker.Stop()
	idle := 0
	for start := time.Now(); time.Since(start) < limit; {
		<-ticker.C
		now, err := p.CPU()
		if err != nil {
			return false, err
		}
		busy := now-last > settleIdle
		if !busy {
			// It may also be that others have its core.
			if busy, err = p.wantsCore(); err != nil {
				return false, err
			}
		}
		if busy {
			idle = 0
		} else if idle++; idle == settleRows {
			return true, nil
		}
		last = now
	}
	return false, nil
}

// wantsCore reports whether a thread of the process runs, waits for a core (R),
// or for a disk (D).
func (p *Process) wantsCore() (bool, error) {
	folder := fmt.Sprintf("/proc/%d/task", p.Pid())
	threads, err := os.ReadDir(folder)
	if err != nil {
		return false, p.failure(err)
	}
	for _, thread := range threads {
		text, err := os.ReadFile(folder + "/" + thread.Name() + "/stat")
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) {
			continue // the thread has ended
		}
		if err != nil {
			return false, p.failure(err)
		}
		// The state follows the name, which is in brackets and may have some, too.
		if i := bytes.LastIndexByte(text, ')'); i+2 < len(text) && (text[i+2] == 'R' || text[i+2] == 'D') {
			return true, nil
		}
	}
	return false, nil
}
