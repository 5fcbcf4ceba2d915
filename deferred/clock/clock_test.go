package clock_test

import (
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"skein/deferred/clock"
)

// journal notes which calls ran, in order.
type journal struct{ ran []string }

// note returns a function that notes its name when it runs.
func (j *journal) note(name string) func() {
	return func() { j.ran = append(j.ran, name) }
}

// expect fails the test unless exactly these calls have run, in this order.
func (j *journal) expect(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(j.ran, want) {
		t.Fatalf("calls ran as %q, want %q", j.ran, want)
	}
}

// expectErr fails the test unless err is target.
func expectErr(t *testing.T, what string, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("%s returned %v, want %v", what, err, target)
	}
}

// expectPanic fails the test unless f panics with an error that is target.
func expectPanic(t *testing.T, target error, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		err, _ := recover().(error)
		expectErr(t, "the panic", err, target)
	}()
	f()
}

func TestCallsRunByTimeThenInTheOrderMade(t *testing.T) {
	c, j := clock.NewFake(), &journal{}
	c.CallLater(2*time.Second, j.note("2s first"))
	c.CallLater(time.Second, j.note("1s first"))
	c.CallLater(2*time.Second, j.note("2s second"))
	c.CallLater(0, j.note("0"))
	c.CallLater(time.Second, j.note("1s second"))
	j.expect(t) // nothing runs from inside CallLater, not even at 0

	c.Advance(2 * time.Second)
	j.expect(t, "0", "1s first", "1s second", "2s first", "2s second")
}

func TestEqualTimesAreFIFOAmongMany(t *testing.T) {
	const n = 1000
	c := clock.NewFake()
	var ran []int
	for i := range n {
		// Three instants, filled in turn: a heap without a tie-break mixes them.
		c.CallLater(time.Duration(i%3)*time.Second, func() { ran = append(ran, i) })
	}
	c.Advance(2 * time.Second)
	want := make([]int, 0, n)
	for instant := range 3 {
		for i := instant; i < n; i += 3 {
			want = append(want, i)
		}
	}
	if !slices.Equal(ran, want) {
		t.Fatalf("equal times did not run in the order made: %v", ran)
	}
}

func TestACallIsNotDueBeforeItsTime(t *testing.T) {
	c, j := clock.NewFake(), &journal{}
	c.CallLater(time.Second, j.note("call"))
	c.Advance(time.Second - time.Nanosecond)
	j.expect(t)
	c.Advance(time.Nanosecond)
	j.expect(t, "call")
	c.Advance(time.Hour)
	j.expect(t, "call") // once
}

func TestCancel(t *testing.T) {
	c, j := clock.NewFake(), &journal{}
	gone := c.CallLater(time.Second, j.note("gone"))
	c.CallLater(time.Second, j.note("stays"))
	if !gone.Active() {
		t.Error("a call that waits is not active")
	}
	if err := gone.Cancel(); err != nil {
		t.Fatalf("Cancel: %v", err)
	}
	if gone.Active() {
		t.Error("a cancelled call is active")
	}
	if c.Pending() != 1 {
		t.Errorf("%d calls wait, want 1: a cancelled call must leave at once", c.Pending())
	}
	c.Advance(time.Second)
	j.expect(t, "stays")
}

func TestACallThatIsOverRefusesEverything(t *testing.T) {
	tests := []struct {
		name   string
		finish func(c *clock.Fake, call *clock.DelayedCall)
		want   error
	}{
		{"called", func(c *clock.Fake, _ *clock.DelayedCall) { c.Advance(time.Second) }, clock.ErrAlreadyCalled},
		{"cancelled", func(_ *clock.Fake, call *clock.DelayedCall) { _ = call.Cancel() }, clock.ErrAlreadyCancelled},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := clock.NewFake()
			call := c.CallLater(time.Second, func() {})
			set := call.Time()
			test.finish(c, call)
			expectErr(t, "Cancel", call.Cancel(), test.want)
			expectErr(t, "a second Cancel", call.Cancel(), test.want)
			expectErr(t, "Reset", call.Reset(time.Second), test.want)
			expectErr(t, "Reset into the past", call.Reset(-1), test.want)
			expectErr(t, "Delay", call.Delay(time.Second), test.want)
			if call.Active() || c.Pending() != 0 {
				t.Errorf("active %t, %d calls wait: a refused method changed something", call.Active(), c.Pending())
			}
			if !call.Time().Equal(set) {
				t.Errorf("Time is %v, want the instant it was set for, %v", call.Time(), set)
			}
		})
	}
}

func TestACallCannotCancelItself(t *testing.T) {
	c := clock.NewFake()
	var call *clock.DelayedCall
	ran := false
	call = c.CallLater(0, func() {
		ran = true
		expectErr(t, "Cancel from inside", call.Cancel(), clock.ErrAlreadyCalled)
		if call.Active() {
			t.Error("a running call is active")
		}
	})
	c.Advance(0)
	if !ran {
		t.Fatal("the call did not run")
	}
}

func TestResetCountsFromNow(t *testing.T) {
	c, j := clock.NewFake(), &journal{}
	call := c.CallLater(10*time.Second, j.note("call"))
	c.Advance(4 * time.Second)
	if err := call.Reset(2 * time.Second); err != nil { // sooner
		t.Fatal(err)
	}
	c.Advance(time.Second)
	if err := call.Reset(5 * time.Second); err != nil { // later
		t.Fatal(err)
	}
	if want := c.Now().Add(5 * time.Second); !call.Time().Equal(want) {
		t.Errorf("Time is %v, want %v", call.Time(), want)
	}
	c.Advance(5*time.Second - 1)
	j.expect(t)
	c.Advance(1)
	j.expect(t, "call")
}

func TestDelayCountsFromTheTimeSet(t *testing.T) {
	c, j := clock.NewFake(), &journal{}
	call, start := c.CallLater(10*time.Second, j.note("call")), c.Now()
	c.Advance(4 * time.Second)
	for _, step := range []struct{ by, want time.Duration }{
		{5 * time.Second, 15 * time.Second},
		{-8 * time.Second, 7 * time.Second},
		{0, 7 * time.Second},
	} {
		if err := call.Delay(step.by); err != nil {
			t.Fatal(err)
		}
		if got := call.Time().Sub(start); got != step.want {
			t.Errorf("after Delay(%v) the call is set for %v, want %v", step.by, got, step.want)
		}
	}
	if err := call.Delay(-time.Hour); err != nil { // into the past: at the next turn
		t.Fatal(err)
	}
	j.expect(t)
	c.Advance(0)
	j.expect(t, "call")
}

func TestAMovedCallRunsBehindThoseOfItsNewTime(t *testing.T) {
	moves := map[string]func(*clock.DelayedCall) error{
		"Reset": func(call *clock.DelayedCall) error { return call.Reset(time.Second) },
		"Delay": func(call *clock.DelayedCall) error { return call.Delay(-time.Second) },
	}
	for name, move := range moves {
		t.Run(name, func(t *testing.T) {
			c, j := clock.NewFake(), &journal{}
			moved := c.CallLater(2*time.Second, j.note("moved"))
			c.CallLater(time.Second, j.note("there before"))
			if err := move(moved); err != nil {
				t.Fatal(err)
			}
			c.CallLater(time.Second, j.note("there after"))
			c.Advance(time.Second)
			j.expect(t, "there before", "moved", "there after")
		})
	}
}

func TestBadArguments(t *testing.T) {
	c := clock.NewFake()
	expectPanic(t, clock.ErrNegativeDelay, func() { c.CallLater(-1, func() {}) })
	expectPanic(t, clock.ErrNilCall, func() { c.CallLater(0, nil) })
	expectPanic(t, clock.ErrNegativeDelay, func() { c.Advance(-1) })
	if c.Pending() != 0 {
		t.Errorf("a refused CallLater left %d calls behind", c.Pending())
	}

	call := c.CallLater(time.Second, func() {})
	set := call.Time()
	err := call.Reset(-3 * time.Second)
	expectErr(t, "Reset(-3s)", err, clock.ErrNegativeDelay)
	if want := "clock: negative delay: Reset(-3s): use 0 to run at the next turn"; err.Error() != want {
		t.Errorf("the error says %q, want %q", err, want)
	}
	if !call.Active() || !call.Time().Equal(set) {
		t.Error("a refused Reset moved the call")
	}
}

func TestHugeDelaysSaturate(t *testing.T) {
	const century = 100 * 365 * 24 * time.Hour
	c, j := clock.NewFake(), &journal{}
	c.Advance(century)
	far := c.CallLater(math.MaxInt64, j.note("far"))
	farther := c.CallLater(century, j.note("farther"))
	for range 5 {
		if err := farther.Delay(century); err != nil { // past the end of time
			t.Fatal(err)
		}
	}
	if farther.Time().Before(far.Time()) {
		t.Errorf("a sum that overflows came out early: %v", farther.Time())
	}
	c.Advance(century)
	j.expect(t)

	near := c.CallLater(0, j.note("near"))
	for range 5 {
		if err := near.Delay(math.MinInt64); err != nil { // before the beginning
			t.Fatal(err)
		}
	}
	if near.Time().After(c.Now()) {
		t.Errorf("a sum that overflows came out late: %v", near.Time())
	}
	c.Advance(0)
	j.expect(t, "near")
	c.Pump(century, century) // the end of a Duration: everything has its day
	j.expect(t, "near", "far", "farther")
}
