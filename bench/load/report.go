package load

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// The bounds of what a histogram tells apart: a nanosecond and an hour.
const (
	shortest = int64(time.Nanosecond)
	longest  = int64(time.Hour)
)

// Histogram counts times in nanoseconds.
type Histogram struct{ *hdrhistogram.Histogram }

// NewHistogram returns an empty one. It has 33,000 counters, so to add one to
// another takes a good part of a millisecond.
func NewHistogram() Histogram { return Histogram{hdrhistogram.New(shortest, longest, 3)} }

// NewCoarse returns an empty one that counts microseconds, to two digits. It has
// a tenth of the counters: enough for a picture.
func NewCoarse() Histogram {
	return Histogram{hdrhistogram.New(int64(time.Microsecond), longest, 2)}
}

// record counts a time n times; what is longer than an hour counts as that.
func (h Histogram) record(ns, n int64) { _ = h.RecordValues(min(max(ns, 0), longest), n) }

// add adds another, which may be absent.
func (h Histogram) add(o Histogram) {
	if !o.empty() {
		h.Merge(o.Histogram)
	}
}

// empty reports whether nothing was counted.
func (h Histogram) empty() bool { return h.Histogram == nil || h.TotalCount() == 0 }

// MarshalText encodes by HdrHistogram's second format.
func (h Histogram) MarshalText() ([]byte, error) {
	if h.empty() {
		return nil, nil
	}
	return h.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
}

// UnmarshalText decodes.
func (h *Histogram) UnmarshalText(text []byte) (err error) {
	if len(text) > 0 {
		h.Histogram, err = hdrhistogram.Decode(text)
	}
	return err
}

// Phase is how far a generator is.
type Phase string

// The phases.
const (
	Opening   Phase = "opening"   // connections are being opened
	Ready     Phase = "ready"     // they are; waiting to begin
	Measuring Phase = "measuring" // operations are counted
	Over      Phase = "over"
)

// Report is what one generator tells at the end of each interval.
type Report struct {
	Process int           `json:"process"`
	Phase   Phase         `json:"phase"`
	From    time.Duration `json:"from"` // since the measurement began
	To      time.Duration `json:"to"`
	Open    int           `json:"open"` // connections, at this moment
	Peak    int           `json:"peak"` // and at most so far
	// Opening is how long it took to open the connections, once that is known.
	Opening time.Duration `json:"opening,omitempty"`

	// New since the report before.
	Counts
	Recent  Histogram       `json:"recent"` // latency, coarse
	Errors  map[Kind]uint64 `json:"errors,omitempty"`
	Samples map[Kind]string `json:"samples,omitempty"` // what the first of a kind was

	// Full has what is new since the last report that had one.
	Full *Histograms `json:"full,omitempty"`

	Poem    *Fingerprint `json:"poem,omitempty"`    // what all are compared with
	Stopped string       `json:"stopped,omitempty"` // why it ended before its time
}

// Histograms are those of a load.
type Histograms struct {
	Latency Histogram `json:"latency"` // from when an operation was due
	Service Histogram `json:"service"` // from when it began, if there is a rate
	Connect Histogram `json:"connect"`
}

// NewHistograms returns empty ones.
func NewHistograms() *Histograms {
	return &Histograms{Latency: NewHistogram(), Service: NewHistogram(), Connect: NewHistogram()}
}

// add adds others.
func (h *Histograms) add(o *Histograms) {
	h.Latency.add(o.Latency)
	h.Service.add(o.Service)
	h.Connect.add(o.Connect)
}

// Counts are what adds up.
type Counts struct {
	Operations uint64 `json:"operations"` // whole and right
	Failed     uint64 `json:"failed"`     // operations, whatever the reason
	Wrong      uint64 `json:"wrong"`      // operations of these whose answer was not right or not whole
	Unfinished uint64 `json:"unfinished"` // operations under way when the load ended before its time
	Opened     uint64 `json:"opened"`     // connections
	Lost       uint64 `json:"lost"`       // connections that the server ended, or that were given up
	Received   uint64 `json:"received"`   // bytes
	Sent       uint64 `json:"sent"`
}

// add adds another.
func (c *Counts) add(o Counts) {
	c.Operations += o.Operations
	c.Failed += o.Failed
	c.Wrong += o.Wrong
	c.Unfinished += o.Unfinished
	c.Opened += o.Opened
	c.Lost += o.Lost
	c.Received += o.Received
	c.Sent += o.Sent
}

// newReport returns one with nothing in it.
func newReport() *Report {
	return &Report{Recent: NewCoarse(), Errors: make(map[Kind]uint64), Samples: make(map[Kind]string)}
}

// reset empties it.
func (r *Report) reset() {
	r.Counts = Counts{}
	if !r.Recent.empty() {
		r.Recent.Reset()
	}
	clear(r.Errors)
	clear(r.Samples)
}
