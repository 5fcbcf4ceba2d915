package command

import (
	"io"
	"time"
)

// Config is a command line that was read.
type Config struct{ c config }

// Parse reads a command line.
func Parse(args ...string) (Config, error) {
	c, err := parse(args, io.Discard)
	return Config{c}, err
}

// Rows is the rows' names, Rounds and Slice what the flags of these names say.
func (c Config) Rows() (names []string) {
	for _, r := range c.c.rows {
		names = append(names, r.Name)
	}
	return names
}

func (c Config) Rounds() int          { return c.c.rounds }
func (c Config) Slice() time.Duration { return c.c.slice }

// Plan guesses how long it takes.
func (c Config) Plan() time.Duration { return plan(c.c) }

// Progress is a progress line.
type Progress struct{ *progress }

func NewProgress(w io.Writer, tty bool, c Config, now func() time.Time) Progress {
	return Progress{newProgress(w, tty, c.c, now)}
}

func (p Progress) Next()                                  { p.next() }
func (p Progress) Step(step, of int, what, server string) { p.step(step, of, what, server) }
func (p Progress) Say(format string, args ...any)         { p.say(format, args...) }
func (p Progress) End()                                   { p.end() }
