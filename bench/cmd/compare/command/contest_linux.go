package command

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"skein/bench/cmd/compare/report"
	"skein/bench/cmd/compare/turns"
	"skein/bench/internal/cli"
	"skein/bench/internal/drive"
	"skein/bench/internal/proc"
	"skein/bench/internal/rows"
	"skein/bench/internal/stat"
)

const (
	// restLimit is how long a server may go on after a slice with what belongs to
	// it, such as closing connections.
	restLimit = 300 * time.Millisecond
	// collections is how many of garbage each server in Go is asked for.
	collections = 50
)

// a fighter is a server with its load in one row.
type fighter struct {
	built
	server *proc.Server
	load   drive.Load
	broken error // why it cannot take part
	warm   bool  // it has had a slice
}

// contest measures a row in which servers are up at once and take turns: all of
// them, or, where the row says how many may be, one group after the other. The
// reference is in each.
func (b *bench) contest(ctx context.Context, r rows.Row) {
	args, done, err := b.args(r)
	if err != nil {
		b.failRow(r, cli.Interruption(ctx, err))
		return
	}
	defer done()
	groups := b.groups(r)
	outcomes := make([]map[string]*turns.Outcome, len(groups))
	for i, servers := range groups {
		fighters := b.enter(ctx, r, servers, args)
		outcomes[i] = b.fight(ctx, r, fighters, i, len(groups))
		if r.Kind == rows.Paced {
			b.enterLatencies(ctx, r, outcomes[i], fighters)
		}
		b.leave(fighters)
	}
	if r.Kind != rows.Paced {
		b.enterCosts(r, outcomes)
	}
}

// groups are the servers that do the row at the same time.
func (b *bench) groups(r rows.Row) [][]built {
	able := map[string]built{}
	var names []string
	for _, s := range b.servers {
		if s.Lacks(r.Work) == "" {
			able[s.Name] = s
			names = append(names, s.Name)
		}
	}
	var groups [][]built
	for _, some := range turns.Groups(names, b.report.Reference, r.Together()) {
		var group []built
		for _, name := range some {
			group = append(group, able[name])
		}
		groups = append(groups, group)
	}
	return groups
}

// fight lets the servers of one of the groups take turns.
func (b *bench) fight(ctx context.Context, r rows.Row, fighters []*fighter, group, of int) map[string]*turns.Outcome {
	// A slice that waits for its server is not to keep who interrupts waiting.
	stop := context.AfterFunc(ctx, func() {
		for _, f := range fighters {
			if f.server != nil {
				_ = f.server.Kill()
			}
		}
	})
	defer stop()
	list := make([]turns.Contender, 0, len(fighters))
	for _, f := range fighters {
		list = append(list, turns.Contender{Name: f.Name, Slice: func() ([]float64, error) {
			figures, err := f.slice(b.c, r)
			if err != nil {
				f.broken = err
			}
			return figures, cli.Interruption(ctx, err)
		}})
	}
	steps := (b.c.rounds + 1) * len(list)
	step := group * steps
	return turns.Run(ctx, list, b.c.rounds, func(round int, name string) {
		b.say.step(step, of*steps, fmt.Sprintf("round %d of %d", round, b.c.rounds), b.report.Label(name))
		step++
	})
}

// args returns the servers' arguments for a row, and starts the origin where it
// takes one; done ends that. The origin is on the loads' core, and what it costs
// is nobody's.
func (b *bench) args(r rows.Row) (args []string, done func(), err error) {
	if !r.NeedsOrigin() {
		return r.Args(""), func() {}, nil
	}
	i := slices.IndexFunc(b.servers, func(s built) bool { return s.Name == b.report.Reference })
	origin, err := proc.Start(b.client, slices.Concat(b.servers[i].argv, rows.OriginArgs())...)
	if err != nil {
		return nil, func() {}, fmt.Errorf("the origin: %w", err)
	}
	return r.Args(origin.Addr()), func() { b.stop("the origin", origin) }, nil
}

// enter starts the servers and connects their loads.
func (b *bench) enter(ctx context.Context, r rows.Row, servers []built, args []string) []*fighter {
	var list []*fighter
	for _, s := range servers {
		if ctx.Err() != nil {
			break
		}
		b.say.step(0, 1, "connecting", s.Label)
		f := &fighter{built: s}
		list = append(list, f)
		if f.server, f.broken = b.start(s, args...); f.broken != nil {
			continue
		}
		f.load, f.broken = drive.Spawn(b.client, b.self, r.Load(b.c.rate), f.server.Addr())
	}
	return list
}

// leave ends loads and servers.
func (b *bench) leave(list []*fighter) {
	for _, f := range list {
		if f.load != nil {
			_ = f.load.Close() // an error of its was told by Run
		}
	}
	for _, f := range list {
		if f.server != nil {
			b.stop(f.Label, f.server)
		}
	}
}

// slice lets the server work, and returns its figures: the CPU time of an
// operation, or the latencies.
func (f *fighter) slice(c config, r rows.Row) ([]float64, error) {
	if f.broken != nil {
		return nil, f.broken
	}
	length := c.sliceOf(r)
	if !f.warm {
		length, f.warm = c.warmup(r), true
	}
	result, spent := drive.NewResult(), time.Duration(0)
	// On a machine that is busy with something else, a short slice may bring no
	// more than what was in the sockets.
	for try := 0; try < 3 && (result.Ops == 0 || spent == 0); try++ {
		cost, err := f.server.Cost(func() error { return f.load.RunFor(length, result) }, restLimit)
		if err != nil {
			return nil, err
		}
		spent += cost
	}
	switch {
	case result.Ops == 0 || spent == 0:
		return nil, fmt.Errorf("it completed %d operations in %v of CPU time: use a longer -slice, or a machine that is not busy", result.Ops, spent)
	case r.Kind == rows.Paced:
		return latencies(result), nil
	}
	return []float64{float64(spent) / float64(result.Ops)}, nil
}

// quantiles are the latency rows.
var quantiles = []struct {
	name  string
	share float64
}{{"p50", 0.5}, {"p99", 0.99}, {"p99.9", 0.999}}

// latencies are a slice's quantiles in microseconds.
func latencies(r *drive.Result) []float64 {
	var list []float64
	for _, q := range quantiles {
		list = append(list, float64(r.Quantile(q.share))/1e3)
	}
	return list
}

// enterCosts puts what came of a row into the report. Each ratio is to the
// reference's rounds in the same group.
func (b *bench) enterCosts(r rows.Row, outcomes []map[string]*turns.Outcome) {
	cells, base := turns.Ratios(outcomes[0], 0, b.report.Reference)
	for _, o := range outcomes[1:] {
		more, _ := turns.Ratios(o, 0, b.report.Reference)
		delete(more, b.report.Reference)
		maps.Copy(cells, more)
	}
	for _, s := range b.servers {
		if why := s.Lacks(r.Work); why != "" && len(cells) > 0 {
			cells[s.Name] = report.Absent(why)
		}
	}
	b.report.Add(b.c.section(r.Kind), report.Row{Name: r.Name, Label: r.Label, Unit: unit(r), Base: base, Cells: cells})
}

// enterLatencies puts what came of the row of latencies into the report.
func (b *bench) enterLatencies(ctx context.Context, r rows.Row, outcomes map[string]*turns.Outcome, fighters []*fighter) {
	micros := report.Section{Name: "µs", Title: fmt.Sprintf(
		"The same in microseconds; and for how long a collection of garbage stops the servers in Go, which were asked for %d under the same load", collections)}
	for i, q := range quantiles {
		cells, base := turns.Ratios(outcomes, i, b.report.Reference)
		b.report.Add(b.c.section(r.Kind), report.Row{Name: "latency-" + q.name, Label: q.name, Unit: "µs", Base: base, Cells: cells})
		b.report.Add(micros, report.Row{Name: "micros-" + q.name, Label: q.name, Unit: "µs", Cells: absolute(cells)})
	}
	longest, count := b.pauses(ctx, r, fighters)
	b.report.Add(micros, report.Row{Name: "gc-pause", Label: "longest pause of a collection", Unit: "µs", Cells: longest})
	b.report.Add(micros, report.Row{Name: "gc-count", Label: "collections", Unit: "number", Cells: count})
}

// absolute are the servers' own figures from cells of ratios.
func absolute(cells map[string]report.Cell) map[string]report.Cell {
	own := map[string]report.Cell{}
	for name, c := range cells {
		if c.Failed != "" {
			continue // told by the ratio
		}
		s := stat.Summarize(c.Rounds)
		own[name] = report.Cell{Value: s.Median, Low: s.Min, High: s.Max, Spread: s.Spread()}.Finite()
	}
	return own
}

// pauses has the servers in Go that did their slices collect garbage under the
// row's load, and returns their longest pause and how many collections there
// were, all since they started. Left to itself, a server that allocates nothing
// has none to show.
func (b *bench) pauses(ctx context.Context, r rows.Row, list []*fighter) (longest, count map[string]report.Cell) {
	longest, count = map[string]report.Cell{}, map[string]report.Cell{}
	for _, f := range list {
		if !f.TellsStats() || f.broken != nil || ctx.Err() != nil {
			continue
		}
		b.say.step(b.c.rounds, b.c.rounds+1, "collecting garbage", f.Label)
		stats, err := drive.Collect(f.server, f.load, collections)
		switch err = cli.Interruption(ctx, err); {
		case err == nil:
			longest[f.Name] = report.Exactly(float64(stats.MaxPauseNs) / 1e3)
			count[f.Name] = report.Exactly(float64(stats.NumGC))
		case !errors.Is(err, context.Canceled):
			longest[f.Name] = report.Failed(err.Error())
		}
	}
	return longest, count
}

// failRow notes that nobody could take part.
func (b *bench) failRow(r rows.Row, err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	cells := map[string]report.Cell{}
	for _, s := range b.servers {
		cells[s.Name] = report.Failed(err.Error())
	}
	b.report.Add(b.c.section(r.Kind), report.Row{Name: r.Name, Label: r.Label, Unit: unit(r), Cells: cells})
}
