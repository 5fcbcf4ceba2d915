package command

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"skein/bench/cmd/compare/report"
	"skein/bench/internal/cli"
	"skein/bench/internal/drive"
	"skein/bench/internal/proc"
	"skein/bench/internal/rows"
	"skein/bench/internal/stat"
)

const (
	scaleRoom   = 14_500 // connections that a process is to hold: below 20,000 descriptors, as the kernel deals them unevenly
	scaleLoads  = 6      // processes of the load, so that as many messages are under way at each size
	scaleOps    = 60_000 // messages in a round, or one for each connection if that is more
	scaleRounds = 3
	scaleTell   = 10_000 // connections from which on their memory can be told from the processes' own
)

// scaleSizes are the connections at once.
var scaleSizes = []int{100, 1000, 10_000, 50_000, 100_000}

// scale measures skein and the reference at growing numbers of connections.
func (b *bench) scale(ctx context.Context) {
	var taking []built
	for _, s := range b.servers {
		if s.Name == "skein" || s.Name == b.report.Reference {
			taking = append(taking, s)
		}
	}
	step := 0
	for _, s := range taking {
		smallest := 0.0
		for _, conns := range scaleSizes {
			if ctx.Err() != nil {
				return
			}
			b.say.step(step, len(taking)*len(scaleSizes), fmt.Sprintf("%s at %d connections", s.Label, conns), s.Label)
			step++
			size := report.Size{Server: s.Name, Conns: conns}
			if err := cli.Interruption(ctx, b.crowd(ctx, s, &size)); err != nil {
				if errors.Is(err, context.Canceled) {
					return
				}
				size.Failed = err.Error()
			} else if smallest == 0 {
				smallest = size.NsPerOp
			}
			if smallest > 0 {
				size.Growth = size.NsPerOp / smallest
			}
			b.report.Scale = append(b.report.Scale, size)
		}
	}
}

// crowd measures one server at one size.
func (b *bench) crowd(ctx context.Context, s built, size *report.Size) error {
	size.Processes = (size.Conns + scaleRoom - 1) / scaleRoom
	servers, err := b.share(s, size.Processes)
	defer func() {
		for _, server := range servers {
			b.stop(s.Label, server)
		}
	}()
	if err != nil {
		return err
	}
	_, empty, err := weighAll(servers)
	if err != nil {
		return err
	}
	begun := time.Now()
	loads, err := b.fill(servers[0].Addr(), size.Conns)
	defer func() {
		for _, l := range loads {
			_ = l.load.Close() // an error of its was told by Run
		}
	}()
	if err != nil {
		return err
	}
	size.OpenedIn = time.Since(begun).Seconds()
	return b.traffic(ctx, servers, loads, empty, size)
}

// share starts processes of one server that share a port.
func (b *bench) share(s built, processes int) ([]*proc.Server, error) {
	var list []*proc.Server
	addr := "127.0.0.1:0"
	for range processes {
		server, err := b.start(s, "echo", "-reuseport", "-addr", addr)
		if err != nil {
			return list, err
		}
		list, addr = append(list, server), server.Addr()
	}
	return list, nil
}

// crew is a load and its connections.
type crew struct {
	load  drive.Load
	conns int
}

// fill opens the connections, the loads' one after the other, so that the queue
// of the port does not run over. Each comes from many addresses, as the ports of
// one are too few.
func (b *bench) fill(addr string, conns int) ([]crew, error) {
	var list []crew
	for i := range scaleLoads {
		share := (conns + i) / scaleLoads // all of them add up to conns
		work := drive.Idle{Conns: share, Size: rows.MessageSize}
		load, err := drive.Spawn(b.client, b.self, work, addr)
		if err != nil {
			return list, fmt.Errorf("after %d connections: %w", sum(list), err)
		}
		list = append(list, crew{load, share})
	}
	return list, nil
}

// traffic passes messages over all connections, and weighs them.
func (b *bench) traffic(ctx context.Context, servers []*proc.Server, loads []crew, empty float64, size *report.Size) error {
	var costs []float64
	for round := 0; round <= scaleRounds; round++ {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		before, _, err := weighAll(servers)
		if err != nil {
			return err
		}
		ops, err := passAll(loads, max(scaleOps/size.Conns, 1))
		if err != nil {
			return err
		}
		after, weight, err := weighAll(servers)
		if err != nil {
			return err
		}
		if size.Served = sum(loads); round == 0 { // the first of each connection does not count
			continue
		}
		size.Ops += ops
		costs = append(costs, float64(after-before)/float64(ops))
		if size.Conns >= scaleTell {
			size.Bytes = (weight - empty) / float64(size.Conns)
		}
	}
	size.NsPerOp = stat.Median(costs)
	return nil
}

// passAll lets each connection of all loads carry so many messages, and returns
// how many that were.
func passAll(loads []crew, each int) (int, error) {
	results, errs := make([]*drive.Result, len(loads)), make([]error, len(loads))
	var wg sync.WaitGroup
	for i, l := range loads {
		wg.Go(func() {
			results[i] = drive.NewResult()
			errs[i] = l.load.Run(l.conns*each, results[i])
		})
	}
	wg.Wait()
	ops := 0
	for _, r := range results {
		ops += r.Ops
	}
	return ops, errors.Join(errs...)
}

// weighAll adds up what the processes have cost and what they hold, when they
// rest.
func weighAll(servers []*proc.Server) (cpu time.Duration, memory float64, err error) {
	for _, s := range servers {
		weight, err := private(s)
		if err != nil {
			return 0, 0, err
		}
		spent, err := s.CPU()
		if err != nil {
			return 0, 0, err
		}
		cpu, memory = cpu+spent, memory+weight
	}
	return cpu, memory, nil
}

func sum(list []crew) int {
	n := 0
	for _, l := range list {
		n += l.conns
	}
	return n
}
