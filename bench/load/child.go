package load

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"

	"skein/reactor"
)

// The words that a parent says to its children, after the line with the options.
const (
	wordGo   = "go"
	wordStop = "stop"
)

// Serve is one process of a [Fleet], on a reactor that is not running yet: it
// reads its options from in, opens its connections, reports that, and begins
// when in says so. It ends, with the reactor, when the measurement is over, or in
// says so, or in ends because the parent is no more.
func Serve(r *reactor.Reactor, in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, longestLine)
	if !lines.Scan() {
		return fmt.Errorf("no options came from the parent: %w", io.ErrUnexpectedEOF)
	}
	var o Options
	if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
		return fmt.Errorf("the parent's options: %w", err)
	}
	w := newReportWriter(out)
	g := New(r, o, w.write)
	g.Over().AddBoth(func(any, error) (any, error) {
		_ = r.Stop() // it may be stopping
		return nil, nil
	})
	r.CallWhenRunning(func() { g.Open() })
	go func() {
		for lines.Scan() {
			if lines.Text() == wordGo {
				r.CallFromThread(g.Begin)
			} else {
				break
			}
		}
		r.CallFromThread(g.Stop)
	}()
	err := r.Run()
	w.close()
	return err
}

// longestLine bounds a line between the processes: the options have a text of a
// netstring at most, a report has histograms.
const longestLine = 16 << 20

// reportWriter writes reports as lines of JSON, off the loop.
type reportWriter struct {
	lines chan []byte
	done  chan struct{}
}

// newReportWriter returns one that writes to out.
func newReportWriter(out io.Writer) *reportWriter {
	w := &reportWriter{lines: make(chan []byte, 256), done: make(chan struct{})}
	go func() {
		defer close(w.done)
		for line := range w.lines {
			_, _ = out.Write(line) // a parent that has gone ends us by its end of the other pipe
		}
	}()
	return w
}

// write encodes a report, so that it may be used again, and has it written.
func (w *reportWriter) write(r *Report) {
	line, err := json.Marshal(r)
	if err != nil {
		panic(err) // a report is made of numbers
	}
	w.lines <- append(line, '\n')
}

// close waits until all is written.
func (w *reportWriter) close() {
	close(w.lines)
	<-w.done
}
