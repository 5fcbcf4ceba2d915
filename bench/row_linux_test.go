package bench_test

import (
	"errors"
	"math"
	"syscall"
	"testing"
	"time"

	"skein/bench/internal/drive"
	"skein/bench/internal/proc"
	"skein/bench/internal/stat"
)

// engines are the servers that are compared.
func engines() []string { return []string{"skein", "gnet", "net", "epoll"} }

// reference is the bare loop once more, in a process of its own, that all of
// them are measured beside; the engine epoll, too, which shows the noise.
const reference = "reference"

const (
	slices      = 10                     // how often the two take turns, at most
	restLimit   = 200 * time.Millisecond // for what a server has left to do after a slice
	spareFiles  = 100                    // descriptors that a process needs beside its connections
	warmUpShare = 2                      // operations before the first measurement, for each that is in flight
)

// A place is where programs run.
type place struct{ server, load int } // cores; below zero: any

// choosePlace keeps a core for the servers and moves all else to another.
func choosePlace(tb testing.TB) place {
	tb.Helper()
	cores, err := proc.Cores()
	if err != nil {
		tb.Fatal(err)
	}
	if len(cores) < 2 {
		tb.Log("there is one core: nothing is pinned, and the load disturbs the servers")
		return place{-1, -1}
	}
	if err := proc.PinSelf(cores[1]); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := proc.PinSelf(cores...); err != nil {
			tb.Error(err)
		}
	})
	return place{cores[0], cores[1]}
}

// A row is one work for several servers, and the load for each. They stay until
// the row is done.
type row struct {
	place place
	work  drive.Work
	args  []string // of the servers: the WORK and its flags
	// warm says that connections are to be used before they are measured.
	warm  bool
	lanes map[string]*lane
}

// A lane is a server with its load.
type lane struct {
	server *proc.Server
	load   drive.Load
	empty  int64 // bytes of memory without a connection
	opened int64 // and with them all
}

// newRow makes a row without servers: they are started when they are due.
func newRow(tb testing.TB, p place, work drive.Work, args ...string) *row {
	r := &row{place: p, work: work, args: args, warm: true, lanes: map[string]*lane{}}
	tb.Cleanup(func() {
		for name, l := range r.lanes {
			if err := errors.Join(l.load.Close(), l.server.Stop()); err != nil {
				tb.Errorf("%s: %v", name, err)
			}
		}
	})
	return r
}

// run measures all engines, one after the other.
func (r *row) run(b *testing.B, names ...string) {
	for _, name := range names {
		b.Run("server="+name, func(b *testing.B) { r.measure(b, name) })
	}
}

// lane returns a server with its load, and starts both if they are not there.
func (r *row) lane(tb testing.TB, name string) *lane {
	tb.Helper()
	if l := r.lanes[name]; l != nil {
		return l
	}
	engine := name
	if name == reference {
		engine = "epoll"
	}
	server := startServer(tb, r.place.server, engine, r.args...)
	l := &lane{server: server, empty: private(tb, server)}
	load, err := drive.Spawn(r.place.load, loadCommand(), r.work, server.Addr())
	if err != nil {
		tb.Fatal(errors.Join(err, server.Stop()))
	}
	l.load = load
	r.lanes[name] = l
	l.opened = private(tb, server)
	if r.warm {
		l.work(tb, warmUpShare*load.InFlight(), drive.NewResult())
	}
	return l
}

// startServer starts a server of this program.
func startServer(tb testing.TB, core int, engine string, args ...string) *proc.Server {
	tb.Helper()
	server, err := proc.Start(core, serverCommand(engine, args...)...)
	if err != nil {
		tb.Fatal(err)
	}
	return server
}

// private is a server's memory, once it rests.
func private(tb testing.TB, server *proc.Server) int64 {
	tb.Helper()
	if _, err := server.Settle(restLimit); err != nil {
		tb.Fatal(err)
	}
	m, err := server.Memory()
	if err != nil {
		tb.Fatal(err)
	}
	return m.Private
}

// work has the server do operations and returns the CPU time that they took.
func (l *lane) work(tb testing.TB, ops int, r *drive.Result) time.Duration {
	tb.Helper()
	return l.cost(tb, func() error { return l.load.Run(ops, r) })
}

// cost returns the CPU time that a run of the load takes the server, see
// proc.Process.Cost.
func (l *lane) cost(tb testing.TB, run func() error) time.Duration {
	tb.Helper()
	d, err := l.server.Cost(run, restLimit)
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

// measure is one benchmark: b.N operations of a server, in slices, and between
// them the same on the reference while the clock stands.
func (r *row) measure(b *testing.B, name string) *drive.Result {
	b.StopTimer()
	own, ref := r.lane(b, name), r.lane(b, reference)
	allocated := own.allocated(b)
	result, other := drive.NewResult(), drive.NewResult()
	count := min(slices, max(1, b.N/(2*own.load.InFlight())))
	t := takeTurns(count, b.N, func(n int) time.Duration {
		return own.cost(b, func() error {
			b.StartTimer()
			defer b.StopTimer()
			return own.load.Run(n, result)
		})
	}, func(n int) time.Duration { return ref.work(b, n, other) })
	objects, bytes := allocated()
	report(b, t, result, objects, bytes)
	return result
}

// A tally is the CPU time that operations took two servers, slice by slice.
type tally struct {
	own, ref []float64 // of an operation, in nanoseconds
	sum      time.Duration
}

// takeTurns has two servers do the same operations in so many slices. Each of
// them is first in every second slice.
func takeTurns(count, ops int, own, ref func(ops int) time.Duration) tally {
	var t tally
	for i := range count {
		n := ops*(i+1)/count - ops*i/count
		both := []func(){
			func() {
				cpu := own(n)
				t.own = append(t.own, perOp(cpu, n))
				t.sum += cpu
			},
			func() { t.ref = append(t.ref, perOp(ref(n), n)) },
		}
		both[i%2]()
		both[1-i%2]()
	}
	return t
}

// perOp is the time of one of n operations, in nanoseconds.
func perOp(d time.Duration, n int) float64 { return float64(d.Nanoseconds()) / float64(n) }

// allocated returns a function that says what the server has allocated since:
// objects and their bytes. What it takes to tell does not count.
func (l *lane) allocated(tb testing.TB) (since func() (objects, bytes float64)) {
	tb.Helper()
	stats := func() proc.Stats {
		s, err := l.server.Stats()
		if err != nil {
			tb.Fatal(err)
		}
		return s
	}
	first, start := stats(), stats()
	less := func(now, start, first uint64) float64 {
		return max(0, float64(now-start)-float64(start-first))
	}
	return func() (objects, bytes float64) {
		now := stats()
		return less(now.Mallocs, start.Mallocs, first.Mallocs), less(now.TotalAlloc, start.TotalAlloc, first.TotalAlloc)
	}
}

// report reports b.N operations of a server.
func report(b *testing.B, t tally, r *drive.Result, objects, bytes float64) {
	if r.Ops != b.N {
		b.Fatalf("%d operations were done where %d are due", r.Ops, b.N)
	}
	b.ReportMetric(perOp(r.Wall, b.N), "ns/op")
	b.ReportMetric(perOp(t.sum, b.N), "cpu-ns/op")
	// These are shown as the testing package shows them, as whole numbers without
	// the fraction, which objects/op has.
	b.ReportAllocs()
	b.ReportMetric(math.Floor(objects/float64(b.N)), "allocs/op")
	b.ReportMetric(math.Floor(bytes/float64(b.N)), "B/op")
	b.ReportMetric(objects/float64(b.N), "objects/op")
	// A few operations can cost nothing: a stream's are in the buffers.
	if ratio, err := stat.Compare(t.own, t.ref); err == nil {
		b.ReportMetric(ratio.Value, "x-epoll")
	}
}

// needFiles skips what this system's limit of open files does not allow.
func needFiles(b *testing.B, conns int) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		b.Fatal(err)
	}
	if uint64(conns+spareFiles) > limit.Max {
		b.Skipf("%d connections: a process may have %d open files; raise the limit (ulimit -Hn)", conns, limit.Max)
	}
}
