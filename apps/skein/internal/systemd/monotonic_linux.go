package systemd

import "golang.org/x/sys/unix"

// monotonic returns the time of the clock by which systemd knows a reload from
// the one before, in microseconds.
func monotonic() int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		return 0 // it cannot fail for this clock
	}
	return t.Nano() / 1000
}
