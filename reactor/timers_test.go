package reactor_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"skein/deferred"
	"skein/deferred/clock"
	"skein/reactor"
	"skein/reactor/reactortest"
)

// TestTimersAreOnTime measures by how much timers on an idle loop are late.
func TestTimersAreOnTime(t *testing.T) {
	const samples, limit = 100, 200 * time.Microsecond
	// The machine may be busy with other tests just now: the best of some rounds
	// is what the loop can do.
	best := time.Hour
	for range 10 {
		var late []time.Duration
		reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
			done := deferred.New()
			var next func()
			next = func() {
				if len(late) == samples {
					done.Callback(nil)
					return
				}
				due := r.Now().Add(2 * time.Millisecond)
				r.CallLater(2*time.Millisecond, func() {
					late = append(late, r.Now().Sub(due))
					next()
				})
			}
			next()
			return done
		})
		slices.Sort(late)
		if late[0] < 0 {
			t.Fatalf("a timer ran %v too early", -late[0])
		}
		best = min(best, late[samples/2])
		if best <= limit {
			break
		}
	}
	t.Logf("late by %v at the median", best)
	if best > limit {
		t.Errorf("timers are late by %v at the median, at most %v is allowed", best, limit)
	}
}

// TestTimersOfATurn looks at what one turn runs and what it leaves to the next.
func TestTimersOfATurn(t *testing.T) {
	reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
		done := deferred.New()
		var ran []string
		note := func(s string) func() { return func() { ran = append(ran, s) } }
		r.CallLater(0, func() {
			note("first")()
			r.CallLater(0, note("set by first"))
			r.CallFromThread(note("posted by first"))
		})
		cancelled := r.CallLater(0, note("cancelled"))
		r.CallLater(0, func() {
			note("second")()
			if err := cancelled.Cancel(); !errors.Is(err, clock.ErrAlreadyCalled) {
				t.Errorf("cancelling what has run: %v", err)
			}
		})
		var last *clock.DelayedCall
		r.CallLater(0, func() {
			if err := last.Cancel(); err != nil {
				t.Errorf("cancelling what is due in the same turn: %v", err)
			}
		})
		last = r.CallLater(0, note("cancelled by its neighbour"))
		r.CallLater(time.Millisecond, func() {
			expected := []string{"first", "cancelled", "second", "posted by first", "set by first"}
			if !slices.Equal(ran, expected) {
				t.Errorf("ran %q, want %q", ran, expected)
			}
			done.Callback(nil)
		})
		return done
	})
}

// TestEarlierTimerWakesTheLoop sets a timer that is due before the one that the
// kernel has been asked for, and cancels the earliest.
func TestEarlierTimerWakesTheLoop(t *testing.T) {
	reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
		done := deferred.New()
		late := r.CallLater(time.Hour, func() { t.Error("an hour has passed") })
		r.CallLater(time.Millisecond, func() { // the alarm is set for this one
			early := r.CallLater(time.Minute, func() { t.Error("a minute has passed") })
			r.CallLater(time.Millisecond, func() {
				_ = early.Cancel()
				_ = late.Cancel()
				r.CallLater(time.Millisecond, func() { done.Callback(nil) })
			})
		})
		return done
	}, reactortest.Timeout(20*time.Second))
}

// TestATimerThatIsPutOffIsOnTime puts a call off again and again, as an idle timeout
// is. It has to run at its last time, and what the loop wakes up for meanwhile, at
// the times before, is neither late nor more than a turn a second.
func TestATimerThatIsPutOffIsOnTime(t *testing.T) {
	m := reactortest.NewMemory()
	defer m.Close()
	const ticks = 50
	var last, ran time.Time
	idle := m.CallLater(time.Second, func() { ran = m.Now() })
	var tick func(n int)
	tick = func(n int) {
		if n == 0 {
			return
		}
		last = m.Now()
		if err := idle.Reset(time.Second); err != nil {
			t.Error(err)
		}
		m.CallLater(100*time.Millisecond, func() { tick(n - 1) })
	}
	tick(ticks)
	m.Advance(10 * time.Second)
	if late := ran.Sub(last.Add(time.Second)); late < 0 || late > time.Millisecond {
		t.Errorf("it is late by %v", late)
	}
	s := m.Stats()
	if s.MaxLag > time.Millisecond || s.TimersRun != ticks+1 || s.Turns > ticks+20 {
		t.Errorf("%v late at worst, %d timers, %d turns", s.MaxLag, s.TimersRun, s.Turns)
	}
}
