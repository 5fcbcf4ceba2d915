package command

import (
	"fmt"
	"io"
	"time"
)

// progress tells on standard error how far it is. A terminal has one line that
// changes; elsewhere, each round has a line.
type progress struct {
	w     io.Writer
	tty   bool
	now   func() time.Time
	c     config
	begun time.Time
	row   int // the one that goes on

	done time.Duration // what was planned for the rows before
	line string        // the last that was printed
	lit  bool          // a terminal's line is to be ended
}

func newProgress(w io.Writer, tty bool, c config, now func() time.Time) *progress {
	return &progress{w: w, tty: tty, now: now, c: c, begun: now(), row: -1}
}

// next begins the next row.
func (p *progress) next() {
	if p.row >= 0 {
		p.done += planRow(p.c, p.c.rows[p.row])
	}
	p.row++
}

// step tells what goes on within the row: a step of how many, and who takes it.
func (p *progress) step(step, of int, what, server string) {
	r := p.c.rows[p.row]
	share := time.Duration(float64(planRow(p.c, r)) * float64(step) / float64(max(of, 1)))
	text := fmt.Sprintf("row %d of %d, %s: %s", p.row+1, len(p.c.rows), r.Name, what)
	if p.tty {
		_, _ = fmt.Fprintf(p.w, "\r\033[K%s, %s; about %v to go", text, server, p.left(p.done+share))
		p.lit = true
		return
	}
	if text == p.line {
		return
	}
	p.line = text
	_, _ = fmt.Fprintf(p.w, "%s, %s first; about %v to go\n", text, server, p.left(p.done+share))
}

// left guesses what is left to do from what was planned, and from how the plan
// went so far.
func (p *progress) left(done time.Duration) time.Duration {
	all, went := plan(p.c), 1.0
	if done > all/10 {
		went = float64(p.now().Sub(p.begun)) / float64(done)
	}
	return time.Duration(went * float64(max(all-done, 0))).Round(time.Second)
}

// say prints a line between the others.
func (p *progress) say(format string, args ...any) {
	p.end()
	_, _ = fmt.Fprintf(p.w, format+"\n", args...)
}

// end ends the terminal's line.
func (p *progress) end() {
	if p.lit {
		_, _ = fmt.Fprintln(p.w)
		p.lit = false
	}
}
