//go:build linux || darwin || freebsd

package kernel_test

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"skein/reactor/internal/kernel"
)

// counter is a loop that carries out what was asked for, as a reactor does with
// its posted calls.
type counter struct {
	asked atomic.Int64
	stop  atomic.Bool

	mu   sync.Mutex
	done int64
	told *sync.Cond // something was done
}

func (*counter) Ready(int, kernel.Events, uint32) {}
func (*counter) Served()                          {}

// Turn does what was asked for until now.
func (c *counter) Turn() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done = c.asked.Load()
	c.told.Broadcast()
	return c.stop.Load()
}

func (c *counter) More() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked.Load() > c.done
}

// await returns when the n-th request has been seen.
func (c *counter) await(n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.done < n {
		c.told.Wait()
	}
}

// poll runs a kernel with a counter until the end of the test.
func poll(t *testing.T) (kernel.Kernel, *counter) {
	t.Helper()
	k, err := kernel.Open()
	if err != nil {
		t.Fatal(err)
	}
	c := &counter{}
	c.told = sync.NewCond(&c.mu)
	k.Attach(c)
	over := make(chan error, 1)
	go func() { over <- k.Poll() }()
	t.Cleanup(func() {
		c.stop.Store(true)
		k.Wake()
		if err := <-over; err != nil {
			t.Error(err)
		}
		k.Wake() // too late is no harm
		if err := k.Close(); err != nil {
			t.Error(err)
		}
		k.Wake()
	})
	return k, c
}

// TestNoWakeIsLost has goroutines ask for turns while the loop falls asleep and
// wakes up: each is followed by a turn that sees what it was asked for.
func TestNoWakeIsLost(t *testing.T) {
	for _, procs := range []int{1, 2} {
		t.Run(fmt.Sprint(procs), func(t *testing.T) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
			k, c := poll(t)
			const goroutines, times = 4, 5000
			late := time.AfterFunc(time.Minute, func() { panic("a wake was lost") })
			defer late.Stop()
			var all sync.WaitGroup
			for range goroutines {
				all.Go(func() {
					for range times {
						n := c.asked.Add(1)
						k.Wake()
						c.await(n)
					}
				})
			}
			all.Wait()
		})
	}
}

// TestTimerTakesTurns sets the timer from outside before each sleep.
func TestTimerTakesTurns(t *testing.T) {
	k, err := kernel.Open()
	if err != nil {
		t.Fatal(err)
	}
	c := &timed{k: k, left: 20}
	k.Attach(c)
	k.SetTimer(time.Millisecond)
	if err := k.Poll(); err != nil {
		t.Fatal(err)
	}
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	if c.left != 0 {
		t.Errorf("%d turns were not taken", c.left)
	}
}

// timed is a loop that sets the timer in each turn.
type timed struct {
	k    kernel.Kernel
	left int
}

func (*timed) Ready(int, kernel.Events, uint32) {}
func (*timed) Served()                          {}

func (c *timed) Turn() bool {
	c.left--
	c.k.SetTimer(time.Duration(c.left%3) * 100 * time.Microsecond) // 0 is at once
	return c.left == 0
}

func (*timed) More() bool { return false }
