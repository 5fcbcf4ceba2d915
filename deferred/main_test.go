package deferred_test

import (
	"errors"
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"skein/deferred"
)

// TestMain looks for goroutines that the tests leave behind: for this package
// those would be bodies of InlineCallbacks that nobody ended. Errors that a
// test drops on purpose are not printed; tests about them set their own handler.
func TestMain(m *testing.M) {
	deferred.SetUnhandledHandler(func(deferred.Unhandled) {})
	goleak.VerifyTestMain(m)
}

// The errors that the tests send down the chains.
var (
	errV = errors.New("v")
	errX = errors.New("x")
	errK = errors.New("k")
)

// recorder collects what happens, one line per event, for a comparison.
type recorder struct{ lines []string }

// note adds a line.
func (r *recorder) note(format string, args ...any) {
	r.lines = append(r.lines, fmt.Sprintf(format, args...))
}

// cb returns a callback that notes its call and returns nil.
func (r *recorder) cb(name string) deferred.Callback {
	return func(v any) (any, error) {
		r.note("%s:cb(%v)", name, v)
		return nil, nil
	}
}

// eb returns an errback that notes its call and recovers with nil.
func (r *recorder) eb(name string) deferred.Errback {
	return func(err error) (any, error) {
		r.note("%s:eb(%s)", name, short(err))
		return nil, nil
	}
}

// probe adds the pair that the oracle rows call name.
func (r *recorder) probe(d *deferred.Deferred, name string) *deferred.Deferred {
	return d.AddCallbacks(r.cb(name), r.eb(name))
}

// cancellable returns a Deferred whose canceller notes its call.
func (r *recorder) cancellable(name string) *deferred.Deferred {
	return deferred.NewCancellable(func(*deferred.Deferred) { r.note("%s canceller", name) })
}

// raised calls f and notes the error that it panics with.
func (r *recorder) raised(f func()) {
	defer func() {
		if v := recover(); v != nil {
			r.note("raised %s", short(v.(error)))
		}
	}()
	f()
}

// short names an error: the sentinels by what they are, others by their text.
func short(err error) string {
	var first *deferred.FirstError
	var timeout *deferred.TimeoutError
	var race *deferred.RaceError
	var p *deferred.PanicError
	switch {
	case errors.As(err, &first):
		return fmt.Sprintf("FirstError %d %s", first.Index, short(first.Err))
	case errors.As(err, &race):
		return fmt.Sprintf("RaceError %d", len(race.Errs))
	case errors.As(err, &timeout):
		return fmt.Sprintf("TimeoutError %v", timeout.After)
	case errors.As(err, &p):
		return fmt.Sprintf("PanicError %v", p.Value)
	}
	names := []struct {
		err  error
		name string
	}{
		{deferred.ErrStopped, "Stopped"},
		{deferred.ErrCancelled, "Cancelled"},
		{deferred.ErrAlreadyCalled, "AlreadyCalled"},
		{deferred.ErrReturnedSelf, "ReturnedSelf"},
		{deferred.ErrCycle, "Cycle"},
		{deferred.ErrNilDeferred, "NilDeferred"},
		{deferred.ErrDeferredResult, "DeferredResult"},
		{deferred.ErrNilError, "NilError"},
		{deferred.ErrNotPaused, "NotPaused"},
		{deferred.ErrNoDeferreds, "NoDeferreds"},
		{deferred.ErrNilFunc, "NilFunc"},
		{deferred.ErrNotInBody, "NotInBody"},
		{deferred.ErrNotAcquired, "NotAcquired"},
		{deferred.ErrNoTokens, "NoTokens"},
		{deferred.ErrQueueOverflow, "QueueOverflow"},
		{deferred.ErrQueueUnderflow, "QueueUnderflow"},
	}
	for _, n := range names {
		if errors.Is(err, n.err) {
			return n.name
		}
	}
	return err.Error()
}

var address = regexp.MustCompile(` at 0x[0-9a-f]+`)

// show is d's String without addresses.
func show(d *deferred.Deferred) string { return address.ReplaceAllString(d.String(), "") }

// row is one row of the oracle: what is done, and what is then observed.
type row struct {
	name string
	do   func(r *recorder)
	want []string
}

// runRows runs each row as a subtest of its name.
func runRows(t *testing.T, rows []row) {
	t.Helper()
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			r := &recorder{}
			row.do(r)
			equal(t, r.lines, row.want)
		})
	}
}

// equal compares lines.
func equal(t *testing.T, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got:\n  %s\nwant:\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// outcome returns what d ends with; d must have fired and run.
func outcome(t *testing.T, d *deferred.Deferred) (result any, err error) {
	t.Helper()
	done := false
	d.AddBoth(func(v any, e error) (any, error) {
		result, err, done = v, e, true
		return nil, nil
	})
	if !done {
		t.Fatalf("%v has no result", d)
	}
	return result, err
}

// reports catches the reports of unhandled errors for the length of a test.
// What earlier tests have left is swept away first.
type reports struct{ c chan deferred.Unhandled }

func catchReports(t *testing.T) *reports {
	t.Helper()
	deferred.SweepUnhandled()
	r := &reports{c: make(chan deferred.Unhandled, 100)}
	previous := deferred.SetUnhandledHandler(func(u deferred.Unhandled) { r.c <- u })
	t.Cleanup(func() { deferred.SetUnhandledHandler(previous) })
	return r
}

// next waits for a report, with the collector running.
func (r *reports) next(t *testing.T) deferred.Unhandled {
	t.Helper()
	for range 10 {
		runtime.GC()
		select {
		case u := <-r.c:
			return u
		case <-time.After(time.Second): // not a sleep: a report ends it
		}
	}
	t.Fatal("no report of an unhandled error")
	return deferred.Unhandled{}
}

// none fails if anything has been reported, or would be if everything
// unreachable were collected. It proves the latter with a canary: an error
// dropped last is collected with the others.
func (r *reports) none(t *testing.T) {
	t.Helper()
	canary := errors.New("canary")
	drop(func() { deferred.Fail(canary) })
	if u := r.next(t); u.Err != canary {
		t.Errorf("reported: %v", u.Err)
	}
	runtime.GC()
	select {
	case u := <-r.c:
		t.Errorf("reported: %v", u.Err)
	default:
	}
}

// drop runs f in a frame of its own, so that nothing of f stays on the stack.
//
//go:noinline
func drop(f func()) { f() }
