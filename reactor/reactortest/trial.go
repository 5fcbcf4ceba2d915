package reactortest

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"skein/deferred"
	"skein/reactor"
)

// trial is one run of a Deferred-returning test:
//
//	begin ──▶ f ──▶ Deferred fires ──▶ settle ──▶ judge ──▶ Stop ──▶ verdict
//	                       └── or the timeout: report what is pending ──┘
//
// All of it happens on the test's goroutine, which runs the loop.
type trial struct {
	t    testing.TB
	opts options
	log  *testLog
	loop *reactor.Reactor
	open func() []string // what the kernel has open

	fired     bool // the Deferred has fired, or will not be waited for
	sound     bool // it has not failed
	patience  time.Time
	unhandled unhandledErrors
}

// newTrial makes a trial without a reactor.
func newTrial(t testing.TB, opts []Option) *trial {
	tr := &trial{t: t, log: &testLog{t: t}, opts: options{timeout: 2 * time.Minute, settle: 6 * time.Second}}
	for _, o := range opts {
		o(&tr.opts)
	}
	return tr
}

// reactorOptions returns the trial's own options, and then the test's, which
// may overrule them.
func (tr *trial) reactorOptions() []reactor.Option {
	own := []reactor.Option{reactor.WithoutSignals(), reactor.WithLogger(tr.log.logger())}
	return append(own, tr.opts.reactor...)
}

// run runs the loop until the test is over, one way or the other. After a
// t.FailNow in a callback nothing but the deferred functions runs.
func (tr *trial) run(f func() *deferred.Deferred) {
	tr.t.Helper()
	defer tr.log.close()
	defer takeTurn(tr.t)()
	defer tr.unhandled.collect()()

	r := tr.loop
	r.CallFromThread(func() { tr.begin(f) })
	limit := time.AfterFunc(tr.opts.timeout, func() { r.CallFromThread(tr.timedOut) })
	defer limit.Stop()
	if err := r.Run(); err != nil {
		tr.t.Errorf("the reactor ended with an error: %v", err)
	}
	tr.verdict()
}

// begin calls f and waits for its Deferred.
func (tr *trial) begin(f func() *deferred.Deferred) {
	deferred.MaybeDeferred(func() (any, error) {
		if d := f(); d != nil {
			return d, nil
		}
		return nil, nil
	}).AddBoth(func(_ any, err error) (any, error) {
		if tr.fired || !tr.loop.Running() {
			return nil, nil // the timeout has been reported, or the loop's end cut the test short
		}
		tr.fired, tr.sound = true, err == nil
		if err != nil {
			tr.t.Errorf("the test's Deferred failed: %s", explain(err))
		}
		tr.patience = tr.loop.Now().Add(tr.opts.settle)
		tr.loop.CallFromThread(tr.settle)
		return nil, nil
	})
}

// settle waits until connections that are being closed have ended, and goes on
// with judge. A millisecond's wait is a timer like any other, so it passes on a
// fake clock, too.
func (tr *trial) settle() {
	if tr.loop.Stats().Open > 0 && tr.loop.Now().Before(tr.patience) {
		tr.loop.CallLater(time.Millisecond, tr.settle)
		return
	}
	tr.judge()
	_ = tr.loop.Stop() // the test may have stopped it
}

// judge fails the test for what it leaves behind. What a test that has failed
// already left behind is only told: it is a consequence.
func (tr *trial) judge() {
	left := tr.pending()
	switch {
	case len(left) == 0:
	case tr.sound:
		tr.t.Errorf("the test left behind:%s", indent(left))
	default:
		tr.t.Logf("the failed test left behind:%s", indent(left))
	}
}

// pending says what waits or is open.
func (tr *trial) pending() []string {
	left := tr.open()
	if n := tr.loop.Stats().PendingTimers; n > 0 {
		left = append(left, fmt.Sprintf("%d delayed calls that wait: cancel them", n))
	}
	return left
}

// timedOut fails the test and stops the loop. If even that takes too long, as
// with a Before trigger whose Deferred never fires, the goroutine is ended:
// t.Fatal does it in good order.
func (tr *trial) timedOut() {
	if tr.fired {
		return
	}
	tr.fired = true
	what := tr.pending()
	if len(what) == 0 {
		what = []string{"nothing that the loop knows of"}
	}
	tr.t.Errorf("the test's Deferred has not fired within %v. Pending now:%s", tr.opts.timeout, indent(what))
	r, t, more := tr.loop, tr.t, tr.opts.settle
	time.AfterFunc(more, func() {
		r.CallFromThread(func() { t.Fatalf("the reactor did not stop within another %v", more) })
	})
	_ = r.Stop()
}

// verdict fails the test for what shows only after the loop's end.
func (tr *trial) verdict() {
	tr.t.Helper()
	if !tr.fired {
		tr.t.Errorf("the reactor stopped before the test's Deferred fired")
	}
	if left := tr.open(); len(left) > 0 {
		tr.t.Errorf("the reactor has ended and left open:%s", indent(left))
	}
	if n := int(tr.loop.Stats().Panics); n != tr.opts.panics {
		tr.t.Errorf("%d callbacks panicked, want %d: see the log above", n, tr.opts.panics)
	}
	for _, u := range tr.unhandled.sweep() {
		tr.t.Errorf("%s", u.Error())
	}
}

// explain returns the text of an error, with the stack if it was a panic.
func explain(err error) string {
	var p *deferred.PanicError
	if errors.As(err, &p) {
		return fmt.Sprintf("%v\n%s", err, p.Stack)
	}
	return err.Error()
}

// indent puts each line on its own.
func indent(lines []string) string { return "\n\t" + strings.Join(lines, "\n\t") }
