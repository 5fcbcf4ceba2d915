package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"skein/bench/cmd/compare/registry"
	"skein/bench/cmd/compare/report"
	"skein/bench/internal/cli"
	"skein/bench/internal/proc"
	"skein/bench/internal/rows"
)

// bench is one run of compare.
type bench struct {
	c       config
	report  *report.Report
	say     *progress
	servers []built
	self    []string    // the program for loads
	over    func() bool // whether it was interrupted
	server  int         // the core of servers
	client  int         // the core of loads, and of this process
}

// built is a server that can be run.
type built struct {
	registry.Server
	argv []string
}

// run measures what c asks for and prints it. It reports whether it was
// interrupted, and what else kept the result from being complete.
func run(ctx context.Context, c config, stdout, stderr io.Writer) (interrupted bool, err error) {
	b := &bench{c: c, say: newProgress(stderr, isTerminal(stderr), c, time.Now), over: func() bool { return ctx.Err() != nil }}
	defer b.say.end()
	if c.out != "" { // to hear of it before the work and not after
		if err := os.MkdirAll(c.out, 0o755); err != nil {
			return false, fmt.Errorf("-out: %w", err)
		}
	}
	dir, err := os.MkdirTemp("", "compare-")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(dir)
	if err := b.prepare(ctx, dir); err != nil {
		return ctx.Err() != nil, err
	}
	b.say = newProgress(stderr, isTerminal(stderr), c, time.Now) // the building does not count
	for _, r := range c.rows {
		if ctx.Err() != nil {
			break
		}
		b.say.next()
		b.measure(ctx, r)
	}
	b.say.end()
	if ctx.Err() != nil {
		interrupted, b.report.Partial = true, "it was interrupted"
	}
	if err := b.write(stdout, c.out); err != nil {
		return interrupted, err
	}
	return interrupted, b.verdict()
}

// measure does one row.
func (b *bench) measure(ctx context.Context, r rows.Row) {
	switch r.Kind {
	case rows.Turns, rows.Paced:
		b.contest(ctx, r)
	case rows.Memory:
		b.memory(ctx)
	case rows.Scale:
		b.scale(ctx)
	}
}

// verdict is an error if something that should have a figure has none.
func (b *bench) verdict() error {
	failures := b.report.Failures() + len(b.report.Broken)
	if failures == 0 {
		return nil
	}
	return fmt.Errorf("%d of the figures could not be measured: the notes under the tables say why", failures)
}

// prepare finds the cores, builds the servers and begins the report.
func (b *bench) prepare(ctx context.Context, dir string) error {
	cores, err := proc.Cores()
	if err != nil {
		return err
	}
	b.server, b.client = cores[0], cores[len(cores)-1]
	self, err := os.Executable()
	if err != nil {
		return err
	}
	b.self = []string{self, cli.LoadWord}
	b.report = &report.Report{
		Command: commandLine(b.c.args),
		Date:    time.Now(), Machine: machine(len(cores)), Method: b.c.method(len(cores) > 1),
	}
	if err := b.build(ctx, dir); err != nil {
		return err
	}
	return proc.PinSelf(b.client)
}

// build makes the servers that are asked for and can be had.
func (b *bench) build(ctx context.Context, dir string) error {
	here, err := os.Getwd()
	if err != nil {
		return err
	}
	root, err := registry.Root(here)
	if err != nil {
		return err
	}
	builder := registry.NewBuilder(root, dir)
	for _, s := range b.c.servers {
		b.add(ctx, builder, root, s)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	if b.has(registry.C) {
		b.report.Reference = registry.C
	} else { // the next best loop that is no framework
		if s, _ := registry.Find(registry.Epoll); !b.has(registry.Epoll) {
			b.add(ctx, builder, root, s)
		}
		if !b.has(registry.Epoll) {
			return fmt.Errorf("there is nothing to compare with: %s", strings.Join(append(b.report.Missing, b.report.Broken...), "; "))
		}
		b.report.Reference = registry.Epoll
		b.report.Method = append(b.report.Method, "Without the loop in C, the reference (1.00) is the bare epoll loop in Go.")
	}
	b.c.servers = b.c.servers[:0]
	for _, s := range b.servers {
		b.c.servers = append(b.c.servers, s.Server)
	}
	b.say.c.servers = b.c.servers
	return nil
}

// add makes one server, or notes why not.
func (b *bench) add(ctx context.Context, builder *registry.Builder, root string, s registry.Server) {
	b.say.say("building %s", s.Label)
	version, err := registry.Check(ctx, root, s)
	if err != nil && errors.Is(cli.Interruption(ctx, err), context.Canceled) {
		return
	}
	if err != nil {
		b.report.Missing = append(b.report.Missing, err.Error())
		b.say.say("left out: %v", err)
		return
	}
	argv, err := builder.Build(ctx, s)
	if err != nil && errors.Is(cli.Interruption(ctx, err), context.Canceled) {
		return
	}
	if err != nil {
		b.report.Broken = append(b.report.Broken, err.Error())
		b.say.say("%v", err)
		return
	}
	b.servers = append(b.servers, built{s, argv})
	b.report.Servers = append(b.report.Servers, report.Server{Name: s.Name, Label: s.Label, Version: version})
}

func (b *bench) has(name string) bool {
	return slices.ContainsFunc(b.servers, func(s built) bool { return s.Name == name })
}

// start starts a server on the core of servers: the WORK and its flags.
func (b *bench) start(s built, args ...string) (*proc.Server, error) {
	return proc.Start(b.server, slices.Concat(s.argv, args)...)
}

// stop ends a server. One that ends badly has given its figures: it is told
// beside them, unless it is an interruption that ended it.
func (b *bench) stop(label string, s *proc.Server) {
	if err := s.Stop(); err != nil && !b.over() {
		b.say.say("%s did not end as it should: %v", label, err)
	}
}
