package clock_test

import (
	"errors"
	"testing"
	"time"

	"skein/deferred/clock"
)

func TestFakeTimeStandsStill(t *testing.T) {
	c := clock.NewFake()
	start := c.Now()
	if want := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC); !start.Equal(want) {
		t.Errorf("a fake clock starts at %v, want %v", start, want)
	}
	c.Advance(1500 * time.Millisecond)
	if got := c.Now().Sub(start); got != 1500*time.Millisecond {
		t.Errorf("after Advance(1.5s) %v have passed", got)
	}
}

func TestAdvanceRunsCallsAddedMeanwhile(t *testing.T) {
	c, j := clock.NewFake(), &journal{}
	start := c.Now()
	c.CallLater(time.Second, func() {
		j.note("first")()
		c.CallLater(0, j.note("at 0"))
		c.CallLater(time.Second, j.note("not yet"))
		if got := c.Now().Sub(start); got != 3*time.Second {
			t.Errorf("a call sees %v, want the time Advance moved to", got)
		}
	})
	c.CallLater(2*time.Second, j.note("second"))
	c.Advance(3 * time.Second)
	// "at 0" is set for 3 s, the time reached, and so comes behind "second".
	j.expect(t, "first", "second", "at 0")
	c.Advance(time.Second)
	j.expect(t, "first", "second", "at 0", "not yet")
}

func TestACallMayCancelAndMoveItsNeighbours(t *testing.T) {
	c, j := clock.NewFake(), &journal{}
	var cancelled, later, sooner *clock.DelayedCall
	c.CallLater(0, func() {
		if err := errors.Join(cancelled.Cancel(), later.Reset(time.Minute), sooner.Delay(-time.Hour)); err != nil {
			t.Error(err)
		}
	})
	cancelled = c.CallLater(0, j.note("cancelled"))
	later = c.CallLater(0, j.note("later"))
	sooner = c.CallLater(time.Hour, j.note("sooner"))
	c.Advance(0)
	j.expect(t, "sooner")
	c.Advance(time.Minute)
	j.expect(t, "sooner", "later")
}

func TestPumpIsASeriesOfAdvances(t *testing.T) {
	c := clock.NewFake()
	start := c.Now()
	var seen []time.Duration
	var again func()
	again = func() {
		seen = append(seen, c.Now().Sub(start))
		c.CallLater(time.Second, again)
	}
	c.CallLater(time.Second, again)
	c.Pump(time.Second, 3*time.Second, 0, time.Second)
	// One long step runs the call once: it sets itself again from the time reached.
	want := []time.Duration{time.Second, 4 * time.Second, 5 * time.Second}
	if len(seen) != len(want) {
		t.Fatalf("ran at %v, want %v", seen, want)
	}
	for i := range want {
		if seen[i] != want[i] {
			t.Fatalf("ran at %v, want %v", seen, want)
		}
	}
}

func TestAPanicPassesToTheCallerOfAdvance(t *testing.T) {
	c, j := clock.NewFake(), &journal{}
	broken := errors.New("broken")
	call := c.CallLater(0, func() { panic(broken) })
	c.CallLater(0, j.note("behind it"))

	expectPanic(t, broken, func() { c.Advance(0) })
	j.expect(t)
	expectErr(t, "Cancel of the call that panicked", call.Cancel(), clock.ErrAlreadyCalled)
	c.Advance(0) // the clock is whole, and the rest still due
	j.expect(t, "behind it")
}

func TestAdvanceInsideACall(t *testing.T) {
	c, j := clock.NewFake(), &journal{}
	c.CallLater(0, func() {
		j.note("outer")()
		c.Advance(time.Second)
		j.note("outer ends")()
	})
	c.CallLater(time.Second, j.note("inner"))
	c.Advance(0)
	j.expect(t, "outer", "inner", "outer ends")
}

func TestNextAndPending(t *testing.T) {
	c := clock.NewFake()
	if at, ok := c.Next(); ok {
		t.Errorf("an empty clock has a next call at %v", at)
	}
	c.CallLater(2*time.Second, func() {})
	first := c.CallLater(time.Second, func() {})
	if at, ok := c.Next(); !ok || !at.Equal(first.Time()) || c.Pending() != 2 {
		t.Errorf("next at %v (%t), %d wait; want %v (true), 2", at, ok, c.Pending(), first.Time())
	}
	c.Advance(time.Second)
	if c.Pending() != 1 {
		t.Errorf("%d wait, want 1", c.Pending())
	}
}
