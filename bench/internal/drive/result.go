package drive

import (
	"encoding/json"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// latencies are recorded up to a minute, with three digits.
const (
	longestLatency = int64(time.Minute)
	latencyDigits  = 3
)

// A Result adds up what runs have done.
type Result struct {
	Ops     int           // operations that are complete, with the right answer
	Wall    time.Duration // how long the runs took
	Latency *hdrhistogram.Histogram
}

// NewResult returns an empty Result.
func NewResult() *Result {
	return &Result{Latency: hdrhistogram.New(1, longestLatency, latencyDigits)}
}

// Merge adds what is in other.
func (r *Result) Merge(other *Result) {
	r.Ops += other.Ops
	r.Wall += other.Wall
	r.Latency.Merge(other.Latency)
}

// Rate is the operations in a second.
func (r *Result) Rate() float64 { return float64(r.Ops) / r.Wall.Seconds() }

// Quantile is the latency that the share q of the operations stays within: 0.999
// for the 99.9th percentile. A Stream has no latencies: zero.
func (r *Result) Quantile(q float64) time.Duration {
	return time.Duration(r.Latency.ValueAtQuantile(q * 100))
}

// record notes n operations that took as long.
func (r *Result) record(latency time.Duration, n int) {
	r.Ops += n
	// The value is within the range, so there is no error.
	_ = r.Latency.RecordValues(min(max(int64(latency), 1), longestLatency), int64(n))
}

// wire is a Result as JSON.
type wire struct {
	Ops     int
	Wall    time.Duration
	Latency []byte
}

// MarshalJSON makes the Result fit for a pipe.
func (r *Result) MarshalJSON() ([]byte, error) {
	latency, err := r.Latency.EncodeV2()
	if err != nil {
		return nil, err
	}
	return json.Marshal(wire{r.Ops, r.Wall, latency})
}

// UnmarshalJSON reads what MarshalJSON has written.
func (r *Result) UnmarshalJSON(text []byte) error {
	var w wire
	if err := json.Unmarshal(text, &w); err != nil {
		return err
	}
	latency, err := hdrhistogram.Decode(w.Latency)
	if err != nil {
		return err
	}
	*r = Result{w.Ops, w.Wall, latency}
	return nil
}
