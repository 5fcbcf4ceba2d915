package load

import (
	"encoding/json"
	"io"
)

// output is where the reports of a generator go. Nothing that takes long happens
// on the loop: a millisecond in which histograms are added up would be one in
// which no answer is seen.
type output interface {
	// begin returns what to fill first.
	begin() (*Report, *Histograms)
	// exchange takes what is full, and returns what to fill next: empty, but for
	// histograms that have not gone with the report, or that are the output's own.
	exchange(r *Report, h *Histograms) (*Report, *Histograms)
}

// local is the output of a generator in this process. It records into the total's
// own histograms, so there is nothing to add up but the coarse one.
type local struct{ t *Total }

// begin returns the total's own histograms.
func (l local) begin() (*Report, *Histograms) { return newReport(), l.t.full }

// exchange adds the report and returns it.
func (l local) exchange(r *Report, h *Histograms) (*Report, *Histograms) {
	r.Full = nil
	l.t.Add(r)
	r.reset()
	return r, h
}

// piped is the output of a generator whose parent reads lines of JSON. They are
// made and written off the loop.
type piped struct {
	full  chan *Report
	empty chan *Report
	done  chan struct{}
}

// newPiped returns one that writes to w.
func newPiped(w io.Writer) *piped {
	p := &piped{full: make(chan *Report, reportsUnderWay), empty: make(chan *Report, reportsUnderWay), done: make(chan struct{})}
	go p.write(w)
	return p
}

// reportsUnderWay is how many reports may wait to be written: the parent is at
// most some seconds behind.
const reportsUnderWay = 32

// write writes reports until there will be no more, and empties them.
func (p *piped) write(w io.Writer) {
	defer close(p.done)
	for r := range p.full {
		line, err := json.Marshal(r)
		if err != nil {
			panic(err) // a report is made of numbers
		}
		_, _ = w.Write(append(line, '\n')) // a parent that has gone ends us by its end of the other pipe
		r.reset()
		r.Full = nil
		select {
		case p.empty <- r:
		default: // there are plenty
		}
	}
}

// begin returns new ones.
func (p *piped) begin() (*Report, *Histograms) { return newReport(), NewHistograms() }

// exchange has the report written. Histograms that go with it are not worth
// keeping: that is once a second.
func (p *piped) exchange(r *Report, h *Histograms) (*Report, *Histograms) {
	if r.Full != nil {
		h = NewHistograms()
	}
	p.full <- r
	select {
	case next := <-p.empty:
		return next, h
	default:
		return newReport(), h
	}
}

// close waits until all is written.
func (p *piped) close() {
	close(p.full)
	<-p.done
}
