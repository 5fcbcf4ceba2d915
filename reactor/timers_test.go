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
