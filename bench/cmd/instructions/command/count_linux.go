package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"skein/bench/internal/drive"
	"skein/bench/internal/proc"
	"skein/bench/internal/rows"
	"skein/bench/internal/stat"
)

const (
	// warmOps is how many operations a server does before those that count:
	// connections and pools are there by then.
	warmOps = 1000
	// restLimit is how long a server may go on after its last operation, such as
	// with closing connections.
	restLimit = 300 * time.Millisecond
)

// cost returns how many instructions an operation takes a server.
func (b *bench) cost(ctx context.Context, r rows.Row, s built) (perOp float64, err error) {
	origin := ""
	if r.NeedsOrigin() {
		poet, err := proc.Start(b.core, slices.Concat(b.origin, rows.OriginArgs())...)
		if err != nil {
			return 0, fmt.Errorf("the origin: %w", err)
		}
		defer func() { _ = poet.Stop() }() // it has served by then
		origin = poet.Addr()
	}
	out := filepath.Join(b.dir, s.Name+"-"+r.Name)
	server, err := proc.Start(b.core, slices.Concat(b.underCallgrind(out), s.argv, r.Args(origin))...)
	if err != nil {
		return 0, err
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Kill() })
	defer stop()
	list, err := b.count(ctx, r, server, out)
	if err != nil {
		return 0, errors.Join(err, server.Stop()) // which may know why
	}
	_ = server.Kill() // to end as it should takes longer, and all is told
	_ = server.Stop()
	return stat.Median(list), nil
}

// underCallgrind is what stands before a server's program. With one processor Go
// has nobody to look for work; and it must not send itself signals, to collect
// garbage or to interrupt goroutines, as they do not come through valgrind well.
// Servers that are not Go's do not care.
func (b *bench) underCallgrind(out string) []string {
	return []string{"env", "GOMAXPROCS=1", "GOGC=off", "GODEBUG=asyncpreemptoff=1",
		"valgrind", "-q", "--tool=callgrind", b.pipes(), "--callgrind-out-file=" + out}
}

// pipes is the option that says where valgrind is spoken to.
func (b *bench) pipes() string { return "--vgdb-prefix=" + filepath.Join(b.dir, "pipe") }

// count lets a server work, and returns the instructions of an operation, several
// times. A dump has what was counted since the one before.
//
// The server is on the load's core and gives way to it at once, so that the two
// take the same turns each time: the load answers what it is sent as soon as it is
// sent. That gives way to all else on the core, too, which -busy does not.
func (b *bench) count(ctx context.Context, r rows.Row, server *proc.Server, out string) (list []float64, err error) {
	load, err := drive.Spawn(b.core, b.self, r.Load(0), server.Addr())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, load.Close()) }()
	policy := "--idle"
	if b.c.busy {
		policy = "--batch"
	}
	if err := tell(ctx, "chrt", "--all-tasks", policy, "--pid", "0", fmt.Sprint(server.Pid())); err != nil {
		return nil, err
	}
	ops := warmOps
	for i := range 1 + counts {
		if err := load.Run(ops, drive.NewResult()); err != nil {
			return nil, err
		}
		if _, err := server.Settle(restLimit); err != nil {
			return nil, err
		}
		if err := tell(ctx, "vgdb", b.pipes(), "--max-invoke-ms=1", fmt.Sprint("--pid=", server.Pid()), "dump"); err != nil {
			return nil, err
		}
		n, err := readFile(fmt.Sprintf("%s.%d", out, i+1))
		if err != nil {
			return nil, err
		}
		if i > 0 {
			list = append(list, float64(n)/float64(ops))
		}
		ops = b.c.ops
	}
	return list, nil
}

// tell runs a program that tells a process something.
func tell(ctx context.Context, argv ...string) error {
	if out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", argv[0], err, out)
	}
	return nil
}

// readFile reads what callgrind has written.
func readFile(path string) (int64, error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	return instructions(file)
}
