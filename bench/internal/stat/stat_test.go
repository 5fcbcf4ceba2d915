package stat_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"skein/bench/internal/stat"
)

func TestSummarize(t *testing.T) {
	cases := []struct {
		name   string
		values []float64
		want   stat.Summary
	}{
		{"one", []float64{3}, stat.Summary{N: 1, Median: 3, Q1: 3, Q3: 3, Min: 3, Max: 3}},
		{"two", []float64{4, 2}, stat.Summary{N: 2, Median: 3, Q1: 2.5, Q3: 3.5, Min: 2, Max: 4}},
		{"five, with one that was disturbed", []float64{5, 1, 1000, 3, 2}, stat.Summary{N: 5, Median: 3, Q1: 2, Q3: 5, Min: 1, Max: 1000}},
		{"equal ones", []float64{7, 7, 7}, stat.Summary{N: 3, Median: 7, Q1: 7, Q3: 7, Min: 7, Max: 7}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			before := slices.Clone(tc.values)
			if got := stat.Summarize(tc.values); got != tc.want {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
			if got := stat.Median(tc.values); got != tc.want.Median {
				t.Errorf("the median is %v, want %v", got, tc.want.Median)
			}
			if !slices.Equal(before, tc.values) {
				t.Errorf("the values are %v now, and were %v", tc.values, before)
			}
		})
	}
	if s := stat.Summarize(nil); s.N != 0 || !math.IsNaN(s.Median) || !math.IsNaN(s.Spread()) {
		t.Errorf("of nothing: %+v", s)
	}
	if got := stat.Summarize([]float64{1, 2, 3, 4, 5}).Spread(); got != 1 {
		t.Errorf("the spread of 1 to 5 is %v, want 1", got)
	}
}

func TestCompare(t *testing.T) {
	// The machine gets slower by and by, for both; the fourth round is spoilt.
	values := []float64{11, 22, 33, 440, 55, 66, 77}
	refs := []float64{10, 20, 30, 40, 50, 60, 70}
	got, err := stat.Compare(values, refs)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "value", got.Value, 1.1)
	near(t, "spread", got.Spread, 0)
	near(t, "low", got.Low, 1.1)
	if got.N != 7 || got.String() != "1.10 ± 0.00" {
		t.Errorf("got %+v, which is %q", got, got.String())
	}
	for _, bad := range [][2][]float64{{nil, nil}, {{1}, nil}, {{1, 2}, {1}}, {{1}, {0}}, {{math.NaN()}, {1}}, {{-1}, {1}}} {
		if _, err := stat.Compare(bad[0], bad[1]); err == nil {
			t.Errorf("%v beside %v: no error", bad[0], bad[1])
		}
	}
}

// TestTheIntervalHoldsTheMedian counts, over many samples of an uneven
// distribution, how often the interval misses the true median.
func TestTheIntervalHoldsTheMedian(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const samples, truth = 4000, math.Ln2 // the median of the exponential distribution
	for _, n := range []int{6, 9, 15, 30, 60} {
		missed, width := 0, 0.0
		ones := slices.Repeat([]float64{1}, n)
		values := make([]float64, n)
		for range samples {
			for i := range values {
				values[i] = random.ExpFloat64()
			}
			r, err := stat.Compare(values, ones)
			if err != nil {
				t.Fatal(err)
			}
			if r.Low > truth || r.High < truth {
				missed++
			}
			width += (r.High - r.Low) / samples
		}
		if share := float64(missed) / samples; share > 0.06 || share < 0.005 {
			t.Errorf("%d rounds: %.1f %% of the intervals miss, want 5 %% or less, but not none", n, 100*share)
		}
		if n == 60 && width > 0.8 {
			t.Errorf("60 rounds: intervals of %.2f", width)
		}
	}
}

func near(t *testing.T, name string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9 {
		t.Errorf("the %s is %v, want %v", name, got, want)
	}
}
