package proc

import (
	"fmt"
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// Cores lists the cores that this process may use, as their numbers. Ask before
// PinSelf.
func Cores() ([]int, error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil, fmt.Errorf("proc: sched_getaffinity: %w", err)
	}
	var cores []int
	for core := range len(set) * 64 {
		if set.IsSet(core) {
			cores = append(cores, core)
		}
	}
	return cores, nil
}

// PinSelf moves all threads of this process to some cores, and with them those
// that will be.
func PinSelf(cores ...int) error {
	var set unix.CPUSet
	for _, core := range cores {
		set.Set(core)
	}
	// A thread starts where the one is that makes it, so a round that finds no
	// new one has found them all.
	pinned := map[int]bool{}
	for {
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return fmt.Errorf("proc: %w", err)
		}
		before := len(pinned)
		for _, thread := range threads {
			tid, err := strconv.Atoi(thread.Name())
			if err != nil || pinned[tid] {
				continue
			}
			if err := unix.SchedSetaffinity(tid, &set); err != nil && err != unix.ESRCH {
				return fmt.Errorf("proc: cores %d: %w", cores, err)
			}
			pinned[tid] = true
		}
		if len(pinned) == before {
			return nil
		}
	}
}

// onCore calls f on a thread that is pinned to a core, which a process that f
// starts inherits.
func onCore(core int, f func() error) error {
	if core < 0 {
		return f()
	}
	// A thread that cannot be moved back must not run other goroutines: it stays
	// locked, and ends with a goroutine of its own.
	result := make(chan error, 1)
	go func() {
		runtime.LockOSThread() //nolint:forbidigo // not the loop's goroutine: the affinity is the thread's
		var before, set unix.CPUSet
		set.Set(core)
		if err := unix.SchedGetaffinity(0, &before); err != nil {
			result <- err
			return
		}
		if err := unix.SchedSetaffinity(0, &set); err != nil {
			result <- fmt.Errorf("core %d: %w", core, err)
			return
		}
		err := f()
		if unix.SchedSetaffinity(0, &before) == nil {
			runtime.UnlockOSThread()
		}
		result <- err
	}()
	return <-result
}
