package load

import (
	"fmt"
	"io"
	"sync/atomic"
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
	shown    atomic.Bool // a line stands on the terminal
}

// What a terminal does with these: clear the line, and cut what is too long for
// it off or go on in the next. Half of a line that has gone on cannot be cleared.
const (
	clearLine = "\r\x1b[K"
	cutLines  = "\x1b[?7l"
	wrapLines = "\x1b[?7h"
)

// Write writes a line on what has happened since the one before; now is the time
// since the load began, by any clock.
func (p *Progress) Write(t *Total, now time.Duration) {
	line := p.line(t, now)
	if p.Rewrite {
		line = clearLine + cutLines + line + wrapLines
	} else {
		line += "\n"
	}
	p.shown.Store(true)
	_, _ = io.WriteString(p.Out, line) // there is nowhere else to say it
}

// Clear takes the line off a terminal, so that something else can be written. Any
// goroutine may call it.
func (p *Progress) Clear() {
	if p.Rewrite && p.shown.Swap(false) {
		_, _ = io.WriteString(p.Out, clearLine) // as above
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
	// The errors come early: a narrow terminal shows only the beginning.
	head := fmt.Sprintf("%5.1f s  %d open  %s", t.Elapsed().Seconds(), t.Open(), failures)
	if t.opts.Mode == Idle {
		return head
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
	return fmt.Sprintf("%s  %d ops  %.0f ops/s  %.2f MB/s  p50 %s  p99 %s", head, t.counts.Operations,
		per(ops), per(received)/1e6, p50, p99)
}
