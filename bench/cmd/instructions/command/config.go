package command

import (
	"flag"
	"fmt"
	"io"
	"slices"

	"skein/bench/cmd/compare/registry"
	"skein/bench/internal/cli"
	"skein/bench/internal/rows"
)

// config is what the command line asks for.
type config struct {
	rows    []rows.Row
	servers []registry.Server
	ops     int  // of a count
	busy    bool // the machine has other work
}

const (
	defaultServers = "skein,c,libuv,epoll,gnet,net"
	defaultOps     = 1500
	counts         = 3   // of -ops operations each
	maxConns       = 100 // of a row: more of them are work for the kernel
)

// parse reads the command line. Its errors are usage errors, or flag.ErrHelp when
// the usage has been printed.
func parse(args []string, stdout io.Writer) (config, error) {
	var c config
	var patterns, servers string
	f := flag.NewFlagSet("instructions", flag.ContinueOnError)
	f.StringVar(&patterns, "rows", "*", "the rows to count: comma-separated `patterns` as echo-*")
	f.StringVar(&servers, "servers", defaultServers, "the servers to count, comma-separated `names`. C is always among them")
	f.IntVar(&c.ops, "ops", defaultOps, fmt.Sprintf("count the instructions of so many `operations`, %d times; the median is told", counts))
	f.BoolVar(&c.busy, "busy", false, "do not wait for a core that has nothing else to do: the figures swing more")
	err := cli.Parse(f, args, func() { usage(f, stdout) })
	switch {
	case err != nil:
		return c, err
	case c.ops < 100 || c.ops > 1_000_000:
		return c, fmt.Errorf("-ops %d: use 100 to 1000000", c.ops)
	}
	if c.rows, err = rows.Choose(countable(), patterns); err != nil {
		return c, err
	}
	c.servers, err = registry.Choose(servers)
	return c, err
}

// countable is the rows of compare in which an operation has a count that is worth
// something: those that are about connections, latency or memory have none.
func countable() []rows.Row {
	return slices.DeleteFunc(rows.All(), func(r rows.Row) bool {
		return r.Kind != rows.Turns || r.Streams() || r.Conns > maxConns
	})
}

// usage prints what can be asked for.
func usage(f *flag.FlagSet, w io.Writer) {
	_, _ = fmt.Fprintf(w, `instructions [flags]

Prints how many instructions skein and its peers take for an operation in user
space, as valgrind's callgrind counts them (Debian: valgrind). For loops like
skein's that is nearly the same on every run, where a clock swings by a tenth: run
it before and after a change to see what that is worth. The kernel's work is not in
it, nor the collection of garbage, which is off. The figures of gnet and net swing,
and are too high: they tell Go's scheduler of each system call, and under valgrind
it takes every one for a long one.

All of it takes a minute or two; more where no core is idle, see -busy. Progress
goes to standard error. Interrupted, it prints what it has and exits with
status 130. What could not be counted is told under the table, and makes the
status 1.

Rows: %s.

Servers: %s.
What is not installed is left out, and named. Those that are not in the default
are slow under valgrind, if it can run them.

`, rows.Names(countable()), registry.Names())
	f.SetOutput(w)
	f.PrintDefaults()
}
