package drive

import (
	"errors"
	"time"

	"skein/bench/internal/proc"
)

// collectEvery is the time between two collections.
const collectEvery = 20 * time.Millisecond

// Collect has a server in Go collect its garbage n times while the load gives it
// work, and returns its figures after that: the longest pause, first of all. A
// server that allocates next to nothing would not collect at all, and its pauses
// would say nothing.
func Collect(server *proc.Server, load Load, n int) (proc.Stats, error) {
	ended := make(chan error, 1)
	go func() { ended <- load.RunFor(time.Duration(n)*collectEvery, NewResult()) }()
	ticker := time.NewTicker(collectEvery)
	defer ticker.Stop()
	var stats proc.Stats
	var err error
	for i := 0; i < n && err == nil; i++ {
		<-ticker.C
		stats, err = server.Collect()
	}
	return stats, errors.Join(err, <-ended)
}
