package command

import (
	"context"
	"time"

	"skein/bench/cmd/compare/report"
	"skein/bench/internal/cli"
	"skein/bench/internal/drive"
	"skein/bench/internal/proc"
	"skein/bench/internal/rows"
)

// weighLimit is how long a server may take to rest before it is weighed.
const weighLimit = 2 * time.Second

// weights is what one server's memory was found to be, in bytes.
type weights struct {
	empty  float64 // before it had connections
	many   float64 // at memoryConns
	idle   float64 // of one connection, at memoryMore
	after  float64 // the same, when each has carried a message
	failed error
}

// memory weighs the servers, one after the other.
func (b *bench) memory(ctx context.Context) {
	found := map[string]weights{}
	for i, s := range b.servers {
		b.say.step(i, len(b.servers), "weighing "+s.Label, s.Label)
		w := b.weigh(s)
		if w.failed = cli.Interruption(ctx, w.failed); ctx.Err() != nil {
			break
		}
		found[s.Name] = w
	}
	for _, line := range []struct {
		name, label, unit string
		of                func(weights) float64
	}{
		{"memory-empty", "empty server", "MB", func(w weights) float64 { return w.empty / 1e6 }},
		{"memory-10000", "10,000 idle connections", "MB", func(w weights) float64 { return w.many / 1e6 }},
		{"memory-idle", "an idle connection", "bytes", func(w weights) float64 { return w.idle }},
		{"memory-after", "the same, after a message of 4 KiB", "bytes", func(w weights) float64 { return w.after }},
	} {
		cells := map[string]report.Cell{}
		for name, w := range found {
			if w.failed != nil {
				cells[name] = report.Failed(w.failed.Error())
			} else {
				cells[name] = report.Exactly(line.of(w))
			}
		}
		b.report.Add(b.c.section(rows.Memory), report.Row{Name: line.name, Label: line.label, Unit: line.unit, Cells: cells})
	}
}

// weigh weighs one server.
func (b *bench) weigh(s built) (w weights) {
	server, err := b.start(s, "echo")
	if err != nil {
		return weights{failed: err}
	}
	defer b.stop(s.Label, server)
	// What the first connection brings for good is not a connection's.
	if err := b.visit(server); err != nil {
		return weights{failed: err}
	}
	if w.empty, w.failed = private(server); w.failed != nil {
		return w
	}
	first, err := b.hold(server, memoryConns)
	if err != nil {
		return weights{failed: err}
	}
	defer first.Close()
	if w.many, w.failed = private(server); w.failed != nil {
		return w
	}
	second, err := b.hold(server, memoryMore-memoryConns)
	if err != nil {
		return weights{failed: err}
	}
	defer second.Close()
	if w.idle, w.failed = private(server); w.failed != nil {
		return w
	}
	if _, err := passAll([]crew{{first, memoryConns}, {second, memoryMore - memoryConns}}, 1); err != nil {
		return weights{failed: err}
	}
	if w.after, w.failed = private(server); w.failed != nil {
		return w
	}
	w.idle, w.after = (w.idle-w.empty)/memoryMore, (w.after-w.empty)/memoryMore
	return w
}

// visit passes a message over a connection and closes it.
func (b *bench) visit(server *proc.Server) error {
	load, err := b.hold(server, 1)
	if err != nil {
		return err
	}
	if err := load.Run(1, drive.NewResult()); err != nil {
		_ = load.Close()
		return err
	}
	return load.Close()
}

// hold opens idle connections.
func (b *bench) hold(server *proc.Server, conns int) (drive.Load, error) {
	return drive.Spawn(b.client, b.self, drive.Idle{Conns: conns, Size: memoryPassed}, server.Addr())
}

// private is the memory of a server that rests.
func private(server *proc.Server) (float64, error) {
	if _, err := server.Settle(weighLimit); err != nil {
		return 0, err
	}
	m, err := server.Memory()
	return float64(m.Private), err
}
