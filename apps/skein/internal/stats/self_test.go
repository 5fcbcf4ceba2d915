package stats_test

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"testing"
	"time"

	"skein/apps/skein/internal/stats"
	"skein/deferred"
	"skein/protocol"
	"skein/reactor"
	"skein/reactor/reactortest"
	"skein/reactor/service"
)

// A daemon that has no timers has a lag all the same, because the stats run one
// each second; when they stop, none is left.
func TestTick(t *testing.T) {
	reactortest.RunMemory(t, func(m *reactortest.MemoryReactor) *deferred.Deferred {
		self := stats.NewSelf(m.Reactor, stats.Identity{Name: "poetry"})
		if err := service.Start(self); err != nil {
			t.Fatal(err)
		}
		before := self.Snapshot().Reactor.TimersRun
		done := deferred.New()
		m.CallLater(10*stats.Tick+stats.Tick/2, func() {
			if got := self.Snapshot().Reactor.TimersRun - before; got != 11 { // this one, too
				t.Errorf("%d timers have run in %v, want 11", got, 10*stats.Tick)
			}
			self.Close()
			done.Callback(nil)
		})
		return done.AddCallback(func(any) (any, error) { return service.Stop(self), nil })
	})
}

func TestSnapshot(t *testing.T) {
	reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
		self := stats.NewSelf(r, stats.Identity{Name: "poetry", Worker: 3, LogDropped: func() uint64 { return 7 }})
		defer self.Close()
		before := self.Snapshot()
		d := deferred.New()
		if got := self.Snapshot().Deferreds - before.Deferreds; got != 1 {
			t.Errorf("%d Deferreds more are pending, want 1", got)
		}
		d.Callback(nil)

		snap := self.Snapshot()
		if snap.Name != "poetry" || snap.Worker != 3 || snap.PID != os.Getpid() || snap.LogDropped != 7 {
			t.Errorf("got %+v", snap)
		}
		if age := r.Now().Sub(snap.Started); age < 0 || age > time.Minute {
			t.Errorf("it began %v ago", age)
		}
		p := snap.Process
		if p.CPU <= 0 || p.Goroutines < 1 || p.Heap < 1000 || p.MaxDescriptors < 10 {
			t.Errorf("got %+v", p)
		}
		if runtime.GOOS == "linux" {
			checkMachine(t, self)
		}
		return nil
	})
}

// checkMachine compares what the system tells with what can be counted.
func checkMachine(t *testing.T, self *stats.Self) {
	t.Helper()
	before := self.Snapshot().Process
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	open := len(entries) - 1 // one was that of the directory
	if before.Descriptors != 0 && before.Descriptors != uint64(open) {
		t.Errorf("%d descriptors are open, want %d", before.Descriptors, open) // 0: before Linux 6.2
	}
	block := make([]byte, 64<<20)
	for i := range block {
		block[i] = byte(i)
	}
	after := self.Snapshot().Process
	if grown := int64(after.Resident) - int64(before.Resident); before.Resident == 0 || grown < 32<<20 {
		t.Errorf("64 MiB more, and the memory has grown from %d by %d", before.Resident, grown)
	}
	if after.Heap < before.Heap+32<<20 || after.CPU <= before.CPU {
		t.Errorf("before %+v, after %+v", before, after)
	}
	runtime.KeepAlive(block)
}

// What a worker sends is what its supervisor gets.
func TestSnapshotAsJSON(t *testing.T) {
	want := sample(2, 3)
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got stats.Snapshot
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if !got.Started.Equal(want.Started) {
		t.Errorf("started %v, want %v", got.Started, want.Started)
	}
	got.Started = want.Started
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// BenchmarkAnswer is for how long the loop serves one request: page, text,
// metrics, of one process and of 32.
func BenchmarkAnswer(b *testing.B) {
	for _, n := range []int{1, 32} {
		var snaps []stats.Snapshot
		for i := range n {
			snaps = append(snaps, sample(i, uint64(i+1)))
		}
		for _, bench := range []struct{ name, request string }{
			{"html", headers("Accept: text/html")}, {"plain", getPage}, {"metrics", getMetrics},
		} {
			b.Run(fmt.Sprintf("%s of %d", bench.name, n), func(b *testing.B) {
				p := site(snaps...).Factory().BuildProtocol(nil)
				p.MakeConnection(sink{})
				p.ConnectionMade()
				for b.Loop() {
					p.DataReceived([]byte(bench.request))
				}
			})
		}
	}
}

// sink is the transport of a client that takes everything at once.
type sink struct{ protocol.Transport }

func (sink) RegisterProducer(protocol.Producer, bool) error { return nil }
func (sink) WriteShared([]byte) error                       { return nil }
func (sink) Disconnecting() bool                            { return false }

// BenchmarkSnapshot is for how long the loop is asked.
func BenchmarkSnapshot(b *testing.B) {
	r := reactortest.NewMemory()
	defer func() { _ = r.Close() }()
	self := stats.NewSelf(r.Reactor, stats.Identity{Name: "poetry"})
	defer self.Close()
	b.ReportAllocs()
	for b.Loop() {
		self.Snapshot()
	}
}
