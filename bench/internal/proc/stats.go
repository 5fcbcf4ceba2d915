package proc

// Stats is what a server in Go says of itself when it reads the line "stats"
// or, after a collection of garbage, "collect": the figures of runtime.MemStats under the names below. All but HeapInuse
// count from the start of the process.
type Stats struct {
	Mallocs      uint64 `json:"mallocs"`        // objects allocated
	TotalAlloc   uint64 `json:"total_alloc"`    // their bytes
	HeapInuse    uint64 `json:"heap_inuse"`     // bytes in use now
	NumGC        uint32 `json:"num_gc"`         // collections
	MaxPauseNs   uint64 `json:"max_pause_ns"`   // the longest pause of a collection
	PauseTotalNs uint64 `json:"pause_total_ns"` // all pauses
}
