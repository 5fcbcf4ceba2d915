//go:build linux || darwin || freebsd

package kernel_test

import (
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
	done  atomic.Int64
	stop  atomic.Bool
	turns int
	told  chan struct{} // something was done
}

func (*counter) Ready(int, kernel.Events) {}

// Turn does what was asked for until now.
func (c *counter) Turn() bool {
	c.turns++
	c.done.Store(c.asked.Load())
	select {
	case c.told <- struct{}{}:
	default:
	}
	return c.stop.Load()
}

func (c *counter) More() bool { return c.asked.Load() > c.done.Load() }

// poll runs a kernel with a counter until the end of the test.
func poll(t *testing.T) (kernel.Kernel, *counter) {
	t.Helper()
	k, err := kernel.Open()
	if err != nil {
		t.Fatal(err)
	}
	c := &counter{told: make(chan struct{}, 1)}
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
				for c.done.Load() < n {
					<-c.told
					select { // others wait for the same word
					case c.told <- struct{}{}:
					default:
					}
				}
			}
		})
	}
	all.Wait()
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

func (*timed) Ready(int, kernel.Events) {}

func (c *timed) Turn() bool {
	c.left--
	c.k.SetTimer(time.Duration(c.left%3) * 100 * time.Microsecond) // 0 is at once
	return c.left == 0
}

func (*timed) More() bool { return false }
