package policies_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"skein/deferred/clock"
	"skein/protocol"
	"skein/protocol/policies"
)

// line is a connector without a network: the test says what becomes of it.
type line struct {
	protocol.Connector
	f     protocol.ClientFactory
	state protocol.ConnectorState
	tries int
}

func (l *line) Connect() error {
	if l.state != protocol.Disconnected {
		return protocol.ErrNotDisconnected
	}
	l.state = protocol.Connecting
	l.tries++
	l.f.StartedConnecting(l)
	return nil
}

func (l *line) StopConnecting() error {
	if l.state != protocol.Connecting {
		return protocol.ErrNotConnecting
	}
	l.fail(protocol.ErrConnectStopped)
	return nil
}

func (l *line) fail(cause error) {
	l.state = protocol.Disconnected
	l.f.ClientConnectionFailed(l, &protocol.ConnectError{Addr: "poem:1", Err: cause})
}

func (l *line) lose(reason error) {
	l.state = protocol.Disconnected
	l.f.ClientConnectionLost(l, reason)
}

// again is a reconnecting factory that keeps what it logs.
type again struct {
	policies.ReconnectingClientFactory
	protocol.FactoryFunc
	log []policies.Retry
}

// newAgain returns a factory without jitter and its clock.
func newAgain() (*clock.Fake, *again) {
	c, f := clock.NewFake(), &again{}
	f.Clock, f.Jitter = c, -1
	f.Log = func(r policies.Retry) { f.log = append(f.log, r) }
	return c, f
}

// delays returns the delays that were logged.
func (f *again) delays() []time.Duration {
	var all []time.Duration
	for _, r := range f.log {
		all = append(all, r.Delay)
	}
	return all
}

func TestBackOff(t *testing.T) {
	const ms, s = time.Millisecond, time.Second
	cases := []struct {
		name string
		set  func(f *again)
		want []time.Duration // to a millisecond
	}{
		{"as Twisted by default", func(*again) {}, []time.Duration{2718 * ms, 7389 * ms, 20086 * ms, 54598 * ms}},
		{"its own factor", func(f *again) { f.InitialDelay, f.Factor = s/2, 2 }, []time.Duration{1 * s, 2 * s, 4 * s, 8 * s}},
		{"up to the maximum", func(f *again) { f.Factor, f.MaxDelay = 10, 15*s }, []time.Duration{10 * s, 15 * s, 15 * s}},
		{"jitter up", func(f *again) {
			f.Factor, f.Jitter, f.Normal = 2, 0.5, func() float64 { return 1 }
		}, []time.Duration{3 * s, 6 * s, 12 * s}},
		{"jitter down does not add up", func(f *again) {
			f.Factor, f.Jitter, f.Normal = 2, 0.5, func() float64 { return -1 }
		}, []time.Duration{1 * s, 2 * s, 4 * s}},
		{"jitter at the maximum goes down only", func(f *again) {
			f.Factor, f.MaxDelay, f.Jitter, f.Normal = 10, 10*s, 0.5, func() float64 { return 0.5 }
		}, []time.Duration{7500 * ms, 7500 * ms}},
		{"the default jitter", func(f *again) {
			f.Factor, f.Jitter, f.Normal = 10, 0, func() float64 { return 1 }
		}, []time.Duration{11196 * ms, 111963 * ms}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			c, f := newAgain()
			tc.set(f)
			l := &line{f: f}
			_ = l.Connect()
			for range tc.want {
				l.fail(protocol.ErrConnectTimeout)
				at, ok := c.Next()
				want(t, "a retry waits", ok, true)
				c.Advance(at.Sub(c.Now()))
			}
			for i, d := range f.delays() {
				if d.Round(ms) != tc.want[i] {
					t.Errorf("delay %d is %v, want %v", i+1, d, tc.want[i])
				}
			}
			want(t, "attempts", l.tries, len(tc.want)+1)
		})
	}
}

// TestJitterStaysWithinBounds tries any settings.
func TestJitterStaysWithinBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, f := newAgain()
		f.InitialDelay = time.Duration(rapid.Int64Range(1, int64(math.MaxInt64)).Draw(t, "initial"))
		f.MaxDelay = time.Duration(rapid.Int64Range(1, int64(100*365*24*time.Hour)).Draw(t, "max"))
		f.Factor = rapid.Float64Range(1, 1e9).Draw(t, "factor")
		f.Jitter = rapid.Float64Range(0.01, 3).Draw(t, "jitter")
		f.Normal = func() float64 { return rapid.Float64Range(-8, 8).Draw(t, "normal") }
		l := &line{f: f}
		_ = l.Connect()
		for range 5 {
			l.fail(protocol.ErrConnectTimeout)
			at, ok := c.Next()
			wait := at.Sub(c.Now())
			if !ok || wait < 0 || wait > f.MaxDelay {
				t.Fatalf("the retry waits: %t, for %v of at most %v", ok, wait, f.MaxDelay)
			}
			c.Advance(wait)
		}
	})
}

func TestTheRandomJitterScatters(t *testing.T) {
	_, f := newAgain()
	f.Jitter = 0
	seen := map[time.Duration]bool{}
	for range 20 {
		l := &line{f: f}
		_ = l.Connect()
		l.fail(protocol.ErrConnectTimeout)
	}
	for _, d := range f.delays() {
		seen[d] = true
	}
	if len(seen) < 10 {
		t.Errorf("20 delays have only %d values", len(seen))
	}
}

func TestMaxRetries(t *testing.T) {
	for name, most := range map[string]int{"two": 2, "none": -1} {
		t.Run(name, func(t *testing.T) {
			c, f := newAgain()
			f.MaxRetries = most
			l := &line{f: f}
			_ = l.Connect()
			for l.state == protocol.Connecting {
				l.fail(protocol.ErrConnectTimeout)
				c.Advance(time.Hour)
			}
			want(t, "attempts", l.tries, max(most, 0)+1)
			last := f.log[len(f.log)-1]
			expectErr(t, "the last word", last.Abandoned, policies.ErrTooManyRetries)
			expectErr(t, "the reason", last.Reason, protocol.ErrConnectTimeout)
			want(t, "calls that wait", c.Pending(), 0)
		})
	}
}

func TestACleanCloseIsTriedAgainToo(t *testing.T) {
	c, f := newAgain()
	l := &line{f: f}
	_ = l.Connect()
	l.state = protocol.Connected
	l.lose(protocol.ErrConnectionDone)
	c.Advance(time.Hour)
	want(t, "attempts", l.tries, 2)
}

func TestResetDelay(t *testing.T) {
	c, f := newAgain()
	l := &line{f: f}
	_ = l.Connect()
	for range 3 {
		l.fail(protocol.ErrConnectTimeout)
		c.Advance(time.Hour)
	}
	l.state = protocol.Connected
	f.ResetDelay()
	l.lose(protocol.ErrConnectionDone)
	last := f.log[len(f.log)-1]
	want(t, "the delay", last.Delay.Round(time.Millisecond), 2718*time.Millisecond)
	want(t, "the attempt", last.Attempt, 1)
}

func TestStopTrying(t *testing.T) {
	cases := []struct {
		name string
		at   func(c *clock.Fake, l *line)
	}{
		{"while a retry waits", func(_ *clock.Fake, l *line) { l.fail(protocol.ErrConnectTimeout) }},
		{"while connecting", func(*clock.Fake, *line) {}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			c, f := newAgain()
			l := &line{f: f}
			_ = l.Connect()
			tc.at(c, l)
			f.StopTrying()
			want(t, "state", l.state, protocol.Disconnected)
			want(t, "calls that wait", c.Pending(), 0)
			c.Advance(time.Hour)
			want(t, "attempts", l.tries, 1)
			f.StopTrying() // again, and nothing to stop
		})
	}
}

func TestStopTryingLeavesConnections(t *testing.T) {
	c, f := newAgain()
	l := &line{f: f}
	_ = l.Connect()
	l.state = protocol.Connected
	f.StopTrying()
	want(t, "state", l.state, protocol.Connected)
	l.lose(protocol.ErrConnectionDone)
	expectErr(t, "the last word", f.log[len(f.log)-1].Abandoned, policies.ErrTryingStopped)
	want(t, "calls that wait", c.Pending(), 0)
	_ = l.Connect()
	want(t, "an attempt while stopped", l.state, protocol.Disconnected)
	f.ResetDelay()
	_ = l.Connect()
	want(t, "an attempt after ResetDelay", l.state, protocol.Connecting)
}

func TestStopTryingFromTheLog(t *testing.T) {
	c, f := newAgain()
	f.Log = func(policies.Retry) { f.StopTrying() }
	l := &line{f: f}
	_ = l.Connect()
	l.fail(protocol.ErrConnectTimeout)
	want(t, "calls that wait", c.Pending(), 0)
}

func TestEachConnectorHasItsOwnDelay(t *testing.T) {
	c, f := newAgain()
	f.Factor = 2
	a, b := &line{f: f}, &line{f: f}
	_, _ = a.Connect(), b.Connect()
	a.fail(protocol.ErrConnectTimeout)
	c.Advance(2 * time.Second)
	a.fail(protocol.ErrConnectTimeout)
	b.fail(protocol.ErrConnectTimeout)
	if d := []time.Duration{2 * time.Second, 4 * time.Second, 2 * time.Second}; !slices.Equal(f.delays(), d) {
		t.Errorf("the delays are %v, want %v", f.delays(), d)
	}
	f.Retry(b)
	want(t, "retries planned for the second, asked twice", len(f.log), 3)
	c.Advance(time.Minute)
	want(t, "attempts of both", fmt.Sprint(a.tries, b.tries), "3 2")
}
