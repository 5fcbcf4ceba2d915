//go:build !linux

package systemd

import "time"

// started stands for the time at which the machine's clock began.
var started = time.Now()

// monotonic returns microseconds that only grow: systemd is on Linux.
func monotonic() int64 { return time.Since(started).Microseconds() }
