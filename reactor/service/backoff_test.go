package service_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"skein/reactor/service"
)

func TestBackoff(t *testing.T) {
	const ms, s = time.Millisecond, time.Second
	half := func() float64 { return 0.5 }
	cases := []struct {
		name string
		b    service.Backoff
		want []time.Duration // of the attempts 1, 2, 3, ...
	}{
		{"as Twisted's", service.Backoff{Random: half}, []time.Duration{2 * s, 2750 * ms, 3875 * ms, 5562500 * time.Microsecond}},
		{"without jitter", service.Backoff{Jitter: -1}, []time.Duration{1500 * ms, 2250 * ms}},
		{"its own jitter", service.Backoff{Jitter: 100 * ms, Random: half}, []time.Duration{1550 * ms, 2300 * ms}},
		{"its own growth", service.Backoff{Initial: 10 * ms, Factor: 10, Jitter: -1}, []time.Duration{100 * ms, s, 10 * s}},
		{"up to the bound", service.Backoff{Initial: s, Factor: 2, Max: 5 * s, Jitter: -1}, []time.Duration{2 * s, 4 * s, 5 * s, 5 * s}},
		{"the jitter goes beyond it", service.Backoff{Max: s, Random: half}, []time.Duration{1500 * ms}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			var got []time.Duration
			for i := range tc.want {
				got = append(got, tc.b.Delay(i+1))
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("the delays are %v, want %v", got, tc.want)
			}
		})
	}
}

// TestBackoffStaysWithinBounds tries any settings, and any number of failures.
func TestBackoffStaysWithinBounds(t *testing.T) {
	const most = int64(100 * 365 * 24 * time.Hour)
	rapid.Check(t, func(t *rapid.T) {
		b := service.Backoff{
			Initial: time.Duration(rapid.Int64Range(1, most).Draw(t, "initial")),
			Max:     time.Duration(rapid.Int64Range(1, most).Draw(t, "max")),
			Factor:  rapid.Float64Range(1, math.MaxFloat64).Draw(t, "factor"),
			Jitter:  time.Duration(rapid.Int64Range(1, int64(time.Hour)).Draw(t, "jitter")),
		}
		attempt := rapid.IntRange(1, math.MaxInt).Draw(t, "attempt")
		if d := b.Delay(attempt); d < 0 || d > b.Max+b.Jitter {
			t.Fatalf("the delay is %v", d)
		}
	})
}

func TestTheJitterScatters(t *testing.T) {
	seen := map[time.Duration]bool{}
	for range 20 {
		seen[service.Backoff{}.Delay(1)] = true
	}
	if len(seen) < 10 {
		t.Errorf("20 delays have only %d values", len(seen))
	}
}
