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
	w := newPiped(out)
	g := newGenerator(r, o, w)
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
