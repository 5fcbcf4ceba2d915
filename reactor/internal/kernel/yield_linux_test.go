package kernel_test

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"skein/reactor/internal/kernel"
)

// busy is a loop that always has more to do, and starts goroutines meanwhile.
type busy struct {
	turns, left int
	ran         *atomic.Bool // by the goroutine that was started last
	since       int          // the turn in which that was
	waited      []int        // turns that passed before each has run
}

func (*busy) Ready(int, kernel.Events, uint32) {}
func (*busy) Served()                          {}

func (b *busy) Turn() bool {
	b.turns++
	if b.ran != nil && !b.ran.Load() {
		return false
	}
	if b.ran != nil {
		b.waited = append(b.waited, b.turns-b.since)
	}
	ran := &atomic.Bool{}
	b.ran, b.since = ran, b.turns
	go ran.Store(true)
	b.left--
	return b.left == 0
}

func (*busy) More() bool { return true }

// TestBusyLoopLetsOthersRun has other goroutines keep all processors busy but one,
// and the loop that one: what it starts there runs within a few hundred turns.
func TestBusyLoopLetsOthersRun(t *testing.T) {
	for _, procs := range []int{1, 2} {
		t.Run(fmt.Sprint(procs), func(t *testing.T) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
			var over atomic.Bool
			var others sync.WaitGroup
			for range procs - 1 {
				others.Go(func() {
					for !over.Load() {
					}
				})
			}
			k, err := kernel.Open()
			if err != nil {
				t.Fatal(err)
			}
			b := &busy{left: 50}
			k.Attach(b)
			k.Wake()
			if err := k.Poll(); err != nil {
				t.Fatal(err)
			}
			over.Store(true)
			others.Wait()
			if err := k.Close(); err != nil {
				t.Fatal(err)
			}
			slices.Sort(b.waited)
			limit := map[int]int{1: 2, 2: 300}[procs]
			if middle := b.waited[len(b.waited)/2]; middle > limit {
				t.Errorf("a goroutine ran after %d turns, at most %d are allowed; of all: %v", middle, limit, b.waited)
			}
		})
	}
}
