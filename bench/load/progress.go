package load

import (
	"fmt"
	"io"
	"time"
)

// Progress writes how a load is getting on.
type Progress struct {
	// Out is where to: a terminal, if Rewrite is set, on which each line takes
	// the place of the one before.
	Out     io.Writer
	Rewrite bool

	ops      uint64
	received uint64
	at       time.Duration
	written  bool
}

// Write writes a line on what has happened since the one before; now is the time
// since the load began, by any clock.
func (p *Progress) Write(t *Total, now time.Duration) {
	line := p.line(t, now)
	if p.Rewrite {
		line = "\r\x1b[K" + line
	} else {
		line += "\n"
	}
	p.written = true
	_, _ = io.WriteString(p.Out, line) // there is nowhere else to say it
}

// Clear takes the line off a terminal, so that something else can be written.
func (p *Progress) Clear() {
	if p.Rewrite && p.written {
		_, _ = io.WriteString(p.Out, "\r\x1b[K") // as above
	}
}

// line makes the line, and begins with the next.
func (p *Progress) line(t *Total, now time.Duration) string {
	passed := (now - p.at).Seconds()
	ops, received := t.counts.Operations-p.ops, t.counts.Received-p.received
	p.ops, p.received, p.at = t.counts.Operations, t.counts.Received, now
	recent := times(t.recent)
	if recent.Count > 0 {
		t.recent.Reset()
	}
	failures := number(t.Failures(), "error")
	if t.Phase() == Opening {
		return fmt.Sprintf("opening  %d of %d open  %s", t.Open(), t.opts.Conns, failures)
	}
	head := fmt.Sprintf("%5.1f s  %d open", t.Elapsed().Seconds(), t.Open())
	if t.opts.Mode == Idle {
		return head + "  " + failures
	}
	per := func(n uint64) float64 {
		if passed <= 0 {
			return 0
		}
		return float64(n) / passed
	}
	p50, p99 := "-", "-"
	if recent.Count > 0 {
		p50, p99 = short(recent.P50), short(recent.P99)
	}
	return fmt.Sprintf("%s  %d ops  %.0f ops/s  %.2f MB/s  p50 %s  p99 %s  %s", head, t.counts.Operations,
		per(ops), per(received)/1e6, p50, p99, failures)
}
