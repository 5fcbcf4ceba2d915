package task_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"skein/deferred/clock"
)

// TestMain looks for goroutines that the tests leave behind: for this package
// those would be the bodies of cooperative tasks that nobody ended.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errBroken = errors.New("broken")

// diary notes events with the time at which they happen.
type diary struct {
	clock   *clock.Fake
	start   time.Time
	entries []string
}

func newDiary() *diary {
	c := clock.NewFake()
	return &diary{clock: c, start: c.Now()}
}

// note adds an entry: the time since the diary began, and the text.
func (d *diary) note(format string, args ...any) {
	d.entries = append(d.entries, fmt.Sprintf("%v ", d.clock.Now().Sub(d.start))+fmt.Sprintf(format, args...))
}

// run moves the time in steps of a tenth of a second, as a loop that is woken
// often would.
func (d *diary) run(seconds float64) {
	for range int(seconds * 10) {
		d.clock.Advance(100 * time.Millisecond)
	}
}

// expect fails the test unless the diary holds exactly these entries.
func (d *diary) expect(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(d.entries, want) {
		t.Errorf("the diary says\n %q, want\n %q", d.entries, want)
	}
}

// expectErr fails the test unless err is target.
func expectErr(t *testing.T, what string, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("%s is %v, want %v", what, err, target)
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
