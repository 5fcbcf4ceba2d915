package load

import (
	"fmt"
	"maps"
	"time"
)

// Total is the sum of the reports of all processes of a load.
type Total struct {
	opts   Options
	target string

	processes []process
	counts    Counts
	full      *Histograms
	errors    map[Kind]uint64
	samples   map[Kind]string
	stopped   string

	slot   time.Duration // of the series
	series []slot
	recent Histogram // since the last line of progress
}

// process is what one process has told last.
type process struct {
	phase   Phase
	open    int
	peak    int
	to      time.Duration
	opening time.Duration
	poem    *Fingerprint
}

// slot is a piece of the time, with the latencies of the operations that were
// done in it.
type slot struct {
	latency Histogram
	ops     uint64
	failed  uint64
	open    int
}

// slots is how many pieces the time is cut into, about.
const slots = 300

// NewTotal returns the total of a load of n processes on a target, with nothing
// in it. o is the load before it was split.
func NewTotal(o Options, target string, n int) *Total {
	o = o.withDefaults()
	t := &Total{
		opts: o, target: target, processes: make([]process, n),
		full: NewHistograms(), recent: NewCoarse(),
		errors: make(map[Kind]uint64), samples: make(map[Kind]string),
	}
	t.slot = max(o.For/slots/o.Interval, 1) * o.Interval
	for i := range t.processes {
		t.processes[i].phase = Opening
	}
	return t
}

// Add adds a report.
func (t *Total) Add(r *Report) {
	if r.Process < 0 || r.Process >= len(t.processes) {
		return
	}
	p := &t.processes[r.Process]
	p.phase, p.open, p.peak, p.to = r.Phase, r.Open, r.Peak, max(p.to, r.To)
	p.opening = max(p.opening, r.Opening)
	t.counts.add(r.Counts)
	if r.Full != nil {
		t.full.add(r.Full)
	}
	t.recent.add(r.Recent)
	for k, n := range r.Errors {
		t.errors[k] += n
	}
	for k, sample := range r.Samples {
		if _, known := t.samples[k]; !known {
			t.samples[k] = sample
		}
	}
	if t.stopped == "" {
		t.stopped = r.Stopped
	}
	if p.poem == nil && r.Poem != nil {
		p.poem = r.Poem
		t.comparePoems(r.Process)
	}
	t.addToSeries(r)
}

// comparePoems compares the first poem of a process with those of the others:
// each has compared its own.
func (t *Total) comparePoems(n int) {
	mine := t.processes[n].poem
	for i, p := range t.processes {
		if i != n && p.poem != nil {
			if *p.poem != *mine {
				t.counts.Failed++
				t.counts.Wrong++
				t.Note(WrongPoem, fmt.Sprintf("%d and %d bytes: two processes got different poems", p.poem.Bytes, mine.Bytes))
			}
			return
		}
	}
}

// addToSeries adds a report to the pieces of time.
func (t *Total) addToSeries(r *Report) {
	if r.To <= r.From {
		return
	}
	n := int(r.From / t.slot)
	for len(t.series) <= n {
		t.series = append(t.series, slot{})
	}
	s := &t.series[n]
	if s.latency.Histogram == nil && !r.Recent.empty() {
		s.latency = NewCoarse() // large: the time in which nothing is done may be long
	}
	s.latency.add(r.Recent)
	s.ops += r.Operations
	s.failed += r.Failed
	s.open = t.Open()
}

// Note counts an error that no generator has seen.
func (t *Total) Note(k Kind, sample string) {
	t.errors[k]++
	if _, known := t.samples[k]; !known {
		t.samples[k] = sample
	}
}

// Died notes that a process has ended before its time, or was never there. What
// it had reported stays.
func (t *Total) Died(process int, how error) {
	t.processes[process].phase, t.processes[process].open = Over, 0
	kind := kindOf(how)
	if kind != NoDescriptors {
		kind = ProcessDied
	}
	t.Note(kind, how.Error())
}

// Open returns how many connections are open.
func (t *Total) Open() (n int) {
	for _, p := range t.processes {
		n += p.open
	}
	return n
}

// Phase returns the phase of the process that is least far.
func (t *Total) Phase() Phase {
	order := map[Phase]int{Opening: 0, Ready: 1, Measuring: 2, Over: 3}
	least := Over
	for _, p := range t.processes {
		if order[p.phase] < order[least] {
			least = p.phase
		}
	}
	return least
}

// Elapsed returns how long the measurement has taken so far.
func (t *Total) Elapsed() (d time.Duration) {
	for _, p := range t.processes {
		d = max(d, p.to)
	}
	return d
}

// Failures returns how many errors there were.
func (t *Total) Failures() (n uint64) {
	for _, m := range t.errors {
		n += m
	}
	return n
}

// Errors returns the errors by kind, and what the first of each kind was.
func (t *Total) Errors() (map[Kind]uint64, map[Kind]string) {
	return maps.Clone(t.errors), maps.Clone(t.samples)
}
