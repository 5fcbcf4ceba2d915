package command

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"skein/bench/cmd/compare/registry"
)

// config is what the command line asks for.
type config struct {
	rows    []row
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

// errHelp is returned for -help, when the usage has been printed.
var errHelp = errors.New("help")

// parse reads the command line. Its errors are usage errors.
func parse(args []string, stdout io.Writer) (config, error) {
	c := config{args: args}
	var rows, servers string
	var quick bool
	f := flag.NewFlagSet("compare", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&rows, "rows", "*", "the rows to measure: comma-separated `patterns` as echo-*")
	f.StringVar(&servers, "servers", "", "the servers to measure, comma-separated `names`; all that are here, without it. C is always among them")
	f.IntVar(&c.rounds, "rounds", defaultRounds, "let each server have `N` slices in each row")
	f.DurationVar(&c.slice, "slice", defaultSlice, "a slice is so long; those of latency ten times as long")
	f.IntVar(&c.rate, "rate", defaultRate, "the latency row sends so many `messages` in a second")
	f.StringVar(&c.out, "out", "", "write compare.txt, compare.svg and compare.json into this `folder`")
	f.BoolVar(&quick, "quick", false, fmt.Sprintf("%d rounds of %v, unless told otherwise: to see that all works, not to compare", quickRounds, quickSlice))
	err := f.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		usage(f, stdout)
		return c, errHelp
	case err != nil:
		return c, err
	case f.NArg() > 0:
		return c, fmt.Errorf("%q is one argument too many: all is asked for by flags", f.Arg(0))
	}
	given := map[string]bool{}
	f.Visit(func(fl *flag.Flag) { given[fl.Name] = true })
	if quick && !given["rounds"] {
		c.rounds = quickRounds
	}
	if quick && !given["slice"] {
		c.slice = quickSlice
	}
	if c.rows, err = chooseRows(rows); err != nil {
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

// chooseRows returns the rows that match one of the patterns, in their order.
func chooseRows(patterns string) ([]row, error) {
	all := allRows()
	wanted := make([]bool, len(all))
	for pattern := range strings.SplitSeq(patterns, ",") {
		pattern, hit := strings.TrimSpace(pattern), false
		for i, r := range all {
			match, err := path.Match(pattern, r.name)
			if err != nil {
				return nil, fmt.Errorf("-rows %q: %w: use names with * and ? in them", pattern, err)
			}
			if match {
				wanted[i], hit = true, true
			}
		}
		if !hit {
			return nil, fmt.Errorf("-rows: there is no row %q: use some of %s", pattern, rowNames())
		}
	}
	var rows []row
	for i, r := range all {
		if wanted[i] {
			rows = append(rows, r)
		}
	}
	return rows, nil
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

`, plan(config{rows: allRows(), servers: registry.All(), rounds: defaultRounds, slice: defaultSlice}).Minutes(),
		rowNames(), registry.Names())
	f.SetOutput(w)
	f.PrintDefaults()
}
