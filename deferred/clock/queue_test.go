package clock_test

import (
	"strings"
	"testing"
	"time"

	"skein/deferred/clock"
)

// turn is what a reactor does with a queue once per turn of its loop.
type turn struct {
	now   time.Duration // since the epoch
	queue *clock.Queue
	batch []*clock.DelayedCall
}

func newTurn() *turn {
	t := &turn{}
	t.queue = clock.NewQueue(time.Unix(0, 0), func() time.Duration { return t.now })
	return t
}

// run moves the time by d and runs what is due now, in one batch.
func (t *turn) run(d time.Duration) {
	t.now += d
	t.pop(t.queue.Mark())
}

// pop runs what is due now and was made before the mark.
func (t *turn) pop(mark uint64) {
	t.batch = t.queue.PopDue(t.queue.Now(), mark, t.batch[:0])
	for _, c := range t.batch {
		if f := c.Begin(); f != nil {
			f()
		}
	}
}

func TestABatchHoldsWhatWasDueWhenItBegan(t *testing.T) {
	l, j := newTurn(), &journal{}
	l.queue.Add(0, func() {
		j.note("first")()
		l.queue.Add(0, j.note("set meanwhile"))
	})
	l.queue.Add(0, j.note("second"))
	l.queue.Add(time.Second, j.note("later"))

	l.run(0)
	j.expect(t, "first", "second") // what is set during a turn waits for the next
	l.run(0)
	j.expect(t, "first", "second", "set meanwhile")
	l.run(time.Second)
	j.expect(t, "first", "second", "set meanwhile", "later")
}

func TestATimerThatSetsItselfAtZeroRunsOncePerTurn(t *testing.T) {
	l, ran := newTurn(), 0
	var again func()
	again = func() { ran++; l.queue.Add(0, again) }
	l.queue.Add(0, again)
	for range 3 {
		l.run(0)
	}
	if ran != 3 {
		t.Errorf("ran %d times in 3 turns", ran)
	}
}

func TestChangingACallOfTheRunningBatch(t *testing.T) {
	tests := []struct {
		name   string
		change func(c *clock.DelayedCall) error
		turns  []string // what has run of the changed call after this turn and the next
	}{
		{"cancel", func(c *clock.DelayedCall) error { return c.Cancel() }, []string{"", ""}},
		{"reset to now", func(c *clock.DelayedCall) error { return c.Reset(0) }, []string{"", "changed"}},
		{"reset to later", func(c *clock.DelayedCall) error { return c.Reset(time.Hour) }, []string{"", ""}},
		{"delay by nothing", func(c *clock.DelayedCall) error { return c.Delay(0) }, []string{"", "changed"}},
		{"delay into the past", func(c *clock.DelayedCall) error { return c.Delay(-time.Hour) }, []string{"", "changed"}},
		{"not at all", func(c *clock.DelayedCall) error { return nil }, []string{"changed", "changed"}},
		{"refused reset", func(c *clock.DelayedCall) error { _ = c.Reset(-1); return nil }, []string{"changed", "changed"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l, j := newTurn(), &journal{}
			var changed *clock.DelayedCall
			l.queue.Add(0, func() {
				if !changed.Active() {
					t.Error("a call of the batch that has not begun is not active")
				}
				if err := test.change(changed); err != nil {
					t.Errorf("the change was refused: %v", err)
				}
			})
			changed = l.queue.Add(0, j.note("changed"))
			for i, want := range test.turns {
				l.run(0)
				if want == "" {
					j.expect(t)
				} else if j.expect(t, want); changed.Active() {
					t.Errorf("turn %d: the call has run and is active", i)
				}
			}
		})
	}
}

func TestBeginHandsOutAFunctionOnce(t *testing.T) {
	l := newTurn()
	c := l.queue.Add(0, func() {})
	if c.Begin() != nil {
		t.Error("Begin of a call that is not in a batch returned its function")
	}
	batch := l.queue.PopDue(0, l.queue.Mark(), nil)
	if len(batch) != 1 || l.queue.Len() != 0 {
		t.Fatalf("popped %d calls, %d left; want 1 and 0", len(batch), l.queue.Len())
	}
	if batch[0].Begin() == nil {
		t.Error("Begin of a due call returned nil")
	}
	if batch[0].Begin() != nil {
		t.Error("a second Begin returned the function again")
	}
}

func TestGuardSeesEveryUse(t *testing.T) {
	l, seen := newTurn(), 0
	l.queue.Guard = func() { seen++ }
	c := l.queue.Add(time.Second, func() {})
	_ = c.Reset(time.Second)
	_ = c.Delay(time.Second)
	_ = c.Cancel()
	_ = c.Cancel() // a call that is over is still a use
	if seen != 5 {
		t.Errorf("the guard saw 5 uses as %d", seen)
	}
}

func TestNowAndNextCountFromTheEpoch(t *testing.T) {
	l := newTurn()
	l.queue.Add(3*time.Second, func() {})
	l.now += time.Second
	if got := l.queue.Now(); got != int64(time.Second) {
		t.Errorf("Now = %d, want one second", got)
	}
	if at, ok := l.queue.Next(); !ok || at != int64(3*time.Second) {
		t.Errorf("Next = %d, %t, want three seconds", at, ok)
	}
}

// TestCallsMadeSinceTheMarkWait holds back a call that is due but younger than
// the turn, and does not lose its place among those of its instant.
func TestCallsMadeSinceTheMarkWait(t *testing.T) {
	q := clock.NewQueue(time.Unix(0, 0), func() time.Duration { return 0 })
	var ran []string
	add := func(name string) { q.Add(0, func() { ran = append(ran, name) }) }
	run := func(mark uint64) string {
		ran = nil
		for _, c := range q.PopDue(0, mark, nil) {
			if f := c.Begin(); f != nil {
				f()
			}
		}
		return strings.Join(ran, " ")
	}
	add("a")
	mark := q.Mark()
	add("b")
	add("c")
	if got := run(mark); got != "a" {
		t.Errorf("in the turn of the mark ran %q, want a", got)
	}
	if got := run(q.Mark()); got != "b c" {
		t.Errorf("in the next turn ran %q, want b c", got)
	}
}

// TestACallThatIsPutOffStaysUntilItsOldTime: NotBefore is early then, Next may not
// be, and nothing runs before its time.
func TestACallThatIsPutOffStaysUntilItsOldTime(t *testing.T) {
	l := newTurn()
	ran := ""
	add := func(name string, d time.Duration) *clock.DelayedCall {
		return l.queue.Add(d, func() { ran += name })
	}
	at := func(look func() (int64, bool)) time.Duration {
		ns, _ := look()
		return time.Duration(ns)
	}
	idle, other := add("i", 1*time.Second), add("o", 2*time.Second)
	for _, d := range []time.Duration{2 * time.Second, 5 * time.Second, 4 * time.Second} { // the last is nearer again
		if err := idle.Reset(d); err != nil {
			t.Fatal(err)
		}
	}
	if got := at(l.queue.NotBefore); got != time.Second {
		t.Errorf("nothing is due before %v: the call that is put off has been moved from 1s", got)
	}
	if got := at(l.queue.Next); got != 2*time.Second {
		t.Errorf("the next call is due at %v, want 2s", got)
	}
	if got := at(l.queue.NotBefore); got != 2*time.Second {
		t.Errorf("after Next, nothing is due before %v, want 2s", got)
	}
	if err := other.Reset(4 * time.Second); err != nil { // behind idle, which was set for then before it
		t.Fatal(err)
	}
	l.run(3 * time.Second)
	if ran != "" || l.queue.Len() != 2 {
		t.Errorf("after 3 s %q has run, and %d wait", ran, l.queue.Len())
	}
	if l.run(time.Second); ran != "io" || l.queue.Len() != 0 {
		t.Errorf("after 4 s %q has run, and %d wait, want io and none", ran, l.queue.Len())
	}
}
