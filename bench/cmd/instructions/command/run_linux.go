package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"

	"skein/bench/cmd/compare/registry"
	"skein/bench/internal/cli"
	"skein/bench/internal/proc"
	"skein/bench/internal/rows"
	"skein/bench/internal/table"
)

// bench is one run of the command.
type bench struct {
	c       config
	dir     string // for programs and for what callgrind writes
	stderr  io.Writer
	servers []built
	origin  []string // the program of the server that has the poem
	self    []string // the program for loads
	core    int      // of all programs

	failed int      // figures that could not be counted
	notes  []string // for under the table
}

// built is a server that can be run.
type built struct {
	registry.Server
	argv []string
}

// run counts what c asks for and prints it. It reports whether it was
// interrupted, and what else kept the result from being complete.
func run(ctx context.Context, c config, stdout, stderr io.Writer) (interrupted bool, err error) {
	if _, err := exec.LookPath("valgrind"); err != nil {
		return false, fmt.Errorf("%w: it is what counts, install it (Debian: valgrind)", err)
	}
	dir, err := os.MkdirTemp("", "instructions-")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(dir)
	b := &bench{c: c, dir: dir, stderr: stderr}
	if err := cli.Interruption(ctx, b.prepare(ctx)); err != nil {
		return ctx.Err() != nil, err
	}
	var lines [][]string
	for i, r := range c.rows {
		if ctx.Err() != nil {
			break
		}
		b.say("row %d of %d: %s", i+1, len(c.rows), r.Name)
		lines = append(lines, b.row(ctx, r))
	}
	interrupted = ctx.Err() != nil
	if _, err := io.WriteString(stdout, b.text(lines, interrupted)); err != nil {
		return interrupted, err
	}
	if b.failed > 0 {
		return interrupted, fmt.Errorf("%d of the figures could not be counted: the notes under the table say why", b.failed)
	}
	return interrupted, nil
}

// say tells how far it is.
func (b *bench) say(format string, args ...any) { _, _ = fmt.Fprintf(b.stderr, format+"\n", args...) }

// prepare finds the cores, and builds the servers that can be had.
func (b *bench) prepare(ctx context.Context) error {
	cores, err := proc.Cores()
	if err != nil {
		return err
	}
	b.core = cores[0]
	self, err := os.Executable()
	if err != nil {
		return err
	}
	b.self = []string{self, cli.LoadWord}
	here, err := os.Getwd()
	if err != nil {
		return err
	}
	root, err := registry.Root(here)
	if err != nil {
		return err
	}
	b.say("building the servers")
	builder := registry.NewBuilder(root, b.dir)
	for _, s := range b.c.servers {
		if _, err := registry.Check(ctx, root, s); err != nil {
			b.notes = append(b.notes, "Left out: "+err.Error())
			continue
		}
		argv, err := builder.Build(ctx, s)
		if err != nil {
			return err
		}
		b.servers = append(b.servers, built{s, argv})
	}
	if ctx.Err() == nil && len(b.servers) == 0 {
		return errors.New("there is no server: " + strings.Join(b.notes, "; "))
	}
	if slices.ContainsFunc(b.c.rows, rows.Row.NeedsOrigin) {
		epoll, _ := registry.Find(registry.Epoll)
		b.origin, err = builder.Build(ctx, epoll)
	}
	return err
}

// row counts for all servers, and returns the row's cells.
func (b *bench) row(ctx context.Context, r rows.Row) []string {
	cells := []string{r.Name}
	for _, s := range b.servers {
		if why := s.Lacks(r.Work); why != "" {
			cells = append(cells, "none")
			b.note(r, s, why)
			continue
		}
		cost, err := b.cost(ctx, r, s)
		err = cli.Interruption(ctx, err)
		switch {
		case ctx.Err() != nil:
			return cells
		case err != nil:
			b.failed++
			cells = append(cells, "failed")
			b.note(r, s, err.Error())
		default:
			cells = append(cells, fmt.Sprintf("%.0f", cost))
		}
	}
	return cells
}

// note keeps why a cell has no figure.
func (b *bench) note(r rows.Row, s built, why string) {
	b.notes = append(b.notes, fmt.Sprintf("%s, %s: %s", s.Label, r.Name, why))
}

// text is what is printed.
func (b *bench) text(lines [][]string, interrupted bool) string {
	head := []string{"row"}
	for _, s := range b.servers {
		head = append(head, s.Label)
	}
	notes := b.notes
	if interrupted {
		notes = append([]string{"NOT COMPLETE: it was interrupted"}, notes...)
	}
	text := fmt.Sprintf(`Instructions of the server in user space for an operation, counted by callgrind: the
median of %d counts of %d operations. Neither the kernel's work is in them, nor the
collection of garbage, which is off. gnet and net pay too much, see -help.

`, counts, b.c.ops) + table.Render(head, lines)
	if len(notes) > 0 {
		text += "\n" + strings.Join(notes, "\n") + "\n"
	}
	return text
}
