package servers

import (
	"math"
	"runtime"
	"runtime/metrics"

	"skein/bench/internal/proc"
)

// stats returns the answer to a line "stats", or "collect".
func stats() proc.Stats {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return proc.Stats{
		Mallocs: m.Mallocs, TotalAlloc: m.TotalAlloc, HeapInuse: m.HeapInuse,
		NumGC: m.NumGC, MaxPauseNs: maxPause(), PauseTotalNs: m.PauseTotalNs,
	}
}

// maxPause returns the longest pause of a collection, in nanoseconds, or up to a
// quarter more: MemStats has them exactly, but forgets all but the last few.
func maxPause() uint64 {
	pauses := []metrics.Sample{{Name: "/sched/pauses/total/gc:seconds"}}
	metrics.Read(pauses)
	h := pauses[0].Value.Float64Histogram()
	for i := len(h.Counts) - 1; i >= 0; i-- {
		if h.Counts[i] == 0 {
			continue
		}
		longest := h.Buckets[i+1] // what the bucket ends before
		if math.IsInf(longest, 1) {
			longest = h.Buckets[i]
		}
		return uint64(longest * 1e9)
	}
	return 0
}
