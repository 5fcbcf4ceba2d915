package reactortest

import (
	"testing"
	"time"

	"skein/deferred"
	"skein/reactor"
	"skein/reactor/internal/kernel"
)

// Run is a test on a real loop: it runs a new reactor on the calling goroutine,
// which is the test's, and calls f on it. When the Deferred that f returns
// fires, or at once if that is nil, the reactor stops and Run returns.
//
// The test fails if the Deferred fails or does not fire in time, and for what
// it leaves behind: delayed calls that still wait, ports, connections and
// descriptors that are still open, errors that no errback has handled, panics
// that the loop has recovered. Connections that are being closed have a few
// seconds to end first.
//
// f and all that it starts run on the test's goroutine, so t.Fatal works in
// every callback and ends the test in good order. The reactor leaves signals
// alone and logs to t.
//
// Runs take turns, in parallel tests too: what has become of a Deferred's error
// is known for the whole process only.
//
// Twisted: trial's TestCase, whose test methods return Deferreds.
func Run(t testing.TB, f func(r *reactor.Reactor) *deferred.Deferred, opts ...Option) {
	t.Helper()
	k, err := kernel.Open()
	if err != nil {
		t.Fatalf("reactortest: no kernel to run on: %v", err)
	}
	w := watch(k)
	tr := newTrial(t, opts)
	tr.loop = reactor.NewOn(w, tr.reactorOptions()...)
	tr.open = w.open
	tr.run(func() *deferred.Deferred { return f(tr.loop) })
}

// Option is a choice for one [Run].
type Option func(*options)

// options are the choices and their defaults.
type options struct {
	timeout time.Duration
	settle  time.Duration
	panics  int
	reactor []reactor.Option
}

// Timeout sets how long the Deferred may take to fire; 2 minutes by default.
// It is real time on every reactor.
//
// Twisted: TestCase.timeout.
func Timeout(d time.Duration) Option { return func(o *options) { o.timeout = d } }

// SettleTime sets how long connections that are being closed may take to end
// after the Deferred has fired, by the reactor's clock, and how long, in real
// time, a reactor may take to stop after a timeout; 6 s by default.
func SettleTime(d time.Duration) Option { return func(o *options) { o.settle = d } }

// Panics says that the test provokes n panics in callbacks of the loop: another
// number fails the test. By default there may be none.
//
// Twisted: TestCase.flushLoggedErrors.
func Panics(n int) Option { return func(o *options) { o.panics = n } }

// With passes options on to the reactor.
func With(opts ...reactor.Option) Option {
	return func(o *options) { o.reactor = append(o.reactor, opts...) }
}
