package main

import (
	"math"
	"runtime"
	"runtime/metrics"
)

// stats is the answer to a line "stats" or "collect", under the names that package bench
// reads. All but HeapInuse count from the start of the process.
type stats struct {
	Mallocs      uint64 `json:"mallocs"`        // objects allocated
	TotalAlloc   uint64 `json:"total_alloc"`    // their bytes
	HeapInuse    uint64 `json:"heap_inuse"`     // bytes in use now
	NumGC        uint32 `json:"num_gc"`         // collections
	MaxPauseNs   uint64 `json:"max_pause_ns"`   // the longest pause of a collection
	PauseTotalNs uint64 `json:"pause_total_ns"` // all pauses
}

// measure fills in stats.
func measure() stats {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return stats{
		Mallocs: m.Mallocs, TotalAlloc: m.TotalAlloc, HeapInuse: m.HeapInuse,
		NumGC: m.NumGC, MaxPauseNs: longestPause(), PauseTotalNs: m.PauseTotalNs,
	}
}

// longestPause looks in the runtime's histogram, since MemStats forgets all
// pauses but the last. It is the upper end of the longest one's bucket.
func longestPause() uint64 {
	sample := []metrics.Sample{{Name: "/sched/pauses/total/gc:seconds"}}
	metrics.Read(sample)
	h := sample[0].Value.Float64Histogram()
	for i := len(h.Counts) - 1; i >= 0; i-- {
		if h.Counts[i] > 0 {
			seconds := h.Buckets[i+1]
			if math.IsInf(seconds, 1) {
				seconds = h.Buckets[i]
			}
			return uint64(seconds * 1e9)
		}
	}
	return 0
}
