package load

import (
	"time"
)

// Result is what a load has found, as it is written as JSON: the names of the
// fields do not change, times are nanoseconds (…_ns).
type Result struct {
	// What was asked for.
	Mode      Mode    `json:"mode"`
	Target    string  `json:"target"`
	Conns     int     `json:"conns"`
	Rate      float64 `json:"rate"` // operations a second; 0: closed loop
	Depth     int     `json:"depth"`
	Processes int     `json:"processes"`
	For       int64   `json:"for_ns"`

	// How it went.
	OK          bool   `json:"ok"` // no error of any kind, and not interrupted
	Interrupted bool   `json:"interrupted"`
	Stopped     string `json:"stopped,omitempty"` // why it ended before its time
	Elapsed     int64  `json:"elapsed_ns"`        // of the measurement, without the opening

	// Operations: poems, messages or requests.
	Operations uint64 `json:"operations"` // whole and right
	Failed     uint64 `json:"failed"`
	Wrong      uint64 `json:"wrong"`      // of the failed: not right or not whole
	Unfinished uint64 `json:"unfinished"` // under way when the load ended before its time

	PerSecond         float64 `json:"operations_per_second"`
	Received          uint64  `json:"received_bytes"`
	Sent              uint64  `json:"sent_bytes"`
	ReceivedPerSecond float64 `json:"received_bytes_per_second"`
	SentPerSecond     float64 `json:"sent_bytes_per_second"`

	Connections Connections `json:"connections"`

	// Latency counts from when an operation was due, if there is a rate, which
	// corrects it for coordinated omission; else from when it began. It is that of
	// the operations that were right, and of those that timed out or never began,
	// with what they had waited.
	Latency   Times  `json:"latency"`
	Corrected bool   `json:"latency_corrected"`
	Service   *Times `json:"service_latency,omitempty"` // from when it began, if there is a rate

	Errors  map[Kind]uint64 `json:"errors"`        // by kind; {} if there are none
	Samples map[Kind]string `json:"error_samples"` // what the first of each kind was

	Series []Point `json:"series"`
}

// Connections are the counts of connections.
type Connections struct {
	Opened  uint64 `json:"opened"`
	Lost    uint64 `json:"lost"`    // ended by the server, or given up
	Most    int    `json:"most"`    // open at once; of several processes, the sum of each one's most
	AtEnd   int    `json:"at_end"`  // open when the measurement ended
	Opening int64  `json:"open_ns"` // how long it took to open those that the measurement began with
	Time    Times  `json:"time"`    // to connect
}

// Times are percentiles of a histogram, in nanoseconds.
type Times struct {
	Count int64 `json:"count"`
	Min   int64 `json:"min_ns"`
	Mean  int64 `json:"mean_ns"`
	P50   int64 `json:"p50_ns"`
	P90   int64 `json:"p90_ns"`
	P99   int64 `json:"p99_ns"`
	P999  int64 `json:"p999_ns"`
	Max   int64 `json:"max_ns"`
	Bars  []Bar `json:"histogram"`
}

// Bar is one bar of a histogram: how many times were From or more, and below To,
// both as exact as a histogram is. The bounds are 1, 2 and 5 times the powers of
// ten, from a microsecond on.
type Bar struct {
	From  int64 `json:"from_ns"`
	To    int64 `json:"to_ns"`
	Count int64 `json:"count"`
}

// Point is one point of the latency over time.
type Point struct {
	From       int64  `json:"from_ns"`
	To         int64  `json:"to_ns"`
	Operations uint64 `json:"operations"`
	Failed     uint64 `json:"failed"`
	Open       int    `json:"open"`
	P50        int64  `json:"p50_ns"`
	P99        int64  `json:"p99_ns"`
	Max        int64  `json:"max_ns"`
}

// Result returns what the reports so far come to.
func (t *Total) Result(interrupted bool) *Result {
	o := t.opts
	elapsed := t.Elapsed()
	r := &Result{
		Mode: o.Mode, Target: t.target, Conns: o.Conns, Rate: o.Rate, Depth: o.Depth, Processes: len(t.processes), For: int64(o.For),
		OK: len(t.errors) == 0 && !interrupted && t.stopped == "", Interrupted: interrupted, Stopped: t.stopped, Elapsed: int64(elapsed),
		Operations: t.counts.Operations, Failed: t.counts.Failed, Wrong: t.counts.Wrong, Unfinished: t.counts.Unfinished,
		Received: t.counts.Received, Sent: t.counts.Sent,
		Latency: times(t.full.Latency), Corrected: o.Rate > 0,
	}
	if s := elapsed.Seconds(); s > 0 {
		r.PerSecond = float64(r.Operations) / s
		r.ReceivedPerSecond, r.SentPerSecond = float64(r.Received)/s, float64(r.Sent)/s
	}
	if o.Rate > 0 {
		service := times(t.full.Service)
		r.Service = &service
	}
	r.Connections = Connections{Opened: t.counts.Opened, Lost: t.counts.Lost, AtEnd: t.Open(), Time: times(t.full.Connect)}
	for _, p := range t.processes {
		r.Connections.Most += p.peak
		r.Connections.Opening = max(r.Connections.Opening, int64(p.opening))
	}
	r.Errors, r.Samples = t.Errors()
	r.Series = t.points(elapsed)
	return r
}

// points returns the latency over time.
func (t *Total) points(elapsed time.Duration) []Point {
	all := make([]Point, 0, len(t.series))
	for i, s := range t.series {
		from := time.Duration(i) * t.slot
		p := Point{From: int64(from), To: int64(min(from+t.slot, max(elapsed, from))), Operations: s.ops, Failed: s.failed, Open: s.open}
		if !s.latency.empty() { // an empty one has a maximum, too
			p.P50, p.P99, p.Max = s.latency.ValueAtPercentile(50), s.latency.ValueAtPercentile(99), s.latency.Max()
		}
		all = append(all, p)
	}
	return all
}

// times returns the percentiles of a histogram.
func times(h Histogram) Times {
	t := Times{Bars: []Bar{}}
	if h.empty() {
		return t
	}
	at := func(p float64) int64 { return min(h.ValueAtPercentile(p), h.Max()) }
	t.Count, t.Min, t.Mean = h.TotalCount(), h.Min(), int64(h.Mean())
	t.P50, t.P90, t.P99, t.P999, t.Max = at(50), at(90), at(99), at(99.9), h.Max()
	t.Bars = bars(h)
	return t
}

// bars returns the histogram in steps of 1, 2 and 5, from the first that has
// something in it to the last.
func bars(h Histogram) []Bar {
	var all []Bar
	for _, b := range h.Distribution() {
		if b.Count == 0 {
			continue
		}
		middle := (b.From + b.To) / 2
		for len(all) == 0 || middle >= all[len(all)-1].To {
			from, to := int64(0), int64(time.Microsecond)
			for len(all) == 0 && middle >= to {
				from, to = to, nextStep(to)
			}
			if len(all) > 0 {
				from = all[len(all)-1].To
				to = nextStep(from)
			}
			all = append(all, Bar{From: from, To: to})
		}
		all[len(all)-1].Count += b.Count
	}
	return all
}

// nextStep returns the number that follows in 1, 2, 5, 10, 20, 50, ...
func nextStep(n int64) int64 {
	first := n
	for first >= 10 {
		first /= 10
	}
	if first == 2 {
		return n / 2 * 5
	}
	return n * 2
}
