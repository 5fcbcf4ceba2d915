package command

import (
	"flag"
	"fmt"
	"io"
	"time"

	"skein/bench/cmd/compare/registry"
	"skein/bench/internal/cli"
	"skein/bench/internal/rows"
)

// config is what the command line asks for.
type config struct {
	rows    []rows.Row
	servers []registry.Server
	rounds  int
	slice   time.Duration
	rate    int    // of the latency row, messages in a second
	out     string // folder for the files; none if empty
	args    []string
}

// The defaults, and what -quick makes of them. Many short slices tell more than a few
// long ones in the same time: what disturbs the machine lasts, and with thirteen
// rounds the sign test leaves out the two most disturbed at either end.
const (
	defaultRounds = 13
	defaultSlice  = 150 * time.Millisecond
	defaultRate   = 20_000
	quickRounds   = 3
	quickSlice    = 120 * time.Millisecond
)

// parse reads the command line. Its errors are usage errors, or flag.ErrHelp when
// the usage has been printed.
func parse(args []string, stdout io.Writer) (config, error) {
	c := config{args: args}
	var patterns, servers string
	var quick bool
	f := flag.NewFlagSet("compare", flag.ContinueOnError)
	f.StringVar(&patterns, "rows", "*", "the rows to measure: comma-separated `patterns` as echo-*")
	f.StringVar(&servers, "servers", "", "the servers to measure, comma-separated `names`; all that are here, without it. C is always among them")
	f.IntVar(&c.rounds, "rounds", defaultRounds, "let each server have `N` slices in each row")
	f.DurationVar(&c.slice, "slice", defaultSlice, "a slice is so long; those of latency are ten times as long, those of a hundred streams twice")
	f.IntVar(&c.rate, "rate", defaultRate, "the latency row sends so many `messages` in a second")
	f.StringVar(&c.out, "out", "", "write compare.txt, compare.svg and compare.json into this `folder`")
	f.BoolVar(&quick, "quick", false, fmt.Sprintf("%d rounds of %v, unless told otherwise: to see that all works, not to compare", quickRounds, quickSlice))
	err := cli.Parse(f, args, func() { usage(f, stdout) })
	if err != nil {
		return c, err
	}
	given := map[string]bool{}
	f.Visit(func(fl *flag.Flag) { given[fl.Name] = true })
	if quick && !given["rounds"] {
		c.rounds = quickRounds
	}
	if quick && !given["slice"] {
		c.slice = quickSlice
	}
	if c.rows, err = rows.Choose(rows.All(), patterns); err != nil {
		return c, err
	}
	if c.servers, err = registry.Choose(servers); err != nil {
		return c, err
	}
	return c, c.check()
}

// check looks for what cannot be measured, or would take a day.
func (c config) check() error {
	switch {
	case c.rounds < 1 || c.rounds > 1000:
		return fmt.Errorf("-rounds %d: use 1 to 1000", c.rounds)
	case c.slice < 10*time.Millisecond || c.slice > time.Minute:
		return fmt.Errorf("-slice %v: use 10ms to 1m", c.slice)
	case c.rate < 100 || c.rate > 1_000_000:
		return fmt.Errorf("-rate %d: use 100 to 1000000 messages in a second", c.rate)
	}
	return nil
}

// usage prints what can be asked for.
func usage(f *flag.FlagSet, w io.Writer) {
	_, _ = fmt.Fprintf(w, `compare [flags]

Lets skein and its peers do the same work in turns, each on a core of its own,
and prints what their processes cost as a multiple of a bare epoll loop in C.
All of it takes about %.0f minutes with every server here; progress goes to standard
error. Interrupted, it prints what it has and exits with status 130. What could
not be measured is told in the table, and makes the status 1.

Rows: %s.

Servers: %s. What is not installed is left out, and named.

`, plan(config{rows: rows.All(), servers: registry.All(), rounds: defaultRounds, slice: defaultSlice}).Minutes(),
		rows.Names(rows.All()), registry.Names())
	f.SetOutput(w)
	f.PrintDefaults()
}
