package stat

import (
	"fmt"
	"math"
	"slices"
)

// A Summary is the middle of some values and how far they lie apart.
type Summary struct {
	N        int     // how many
	Median   float64 // half of them are below
	Q1, Q3   float64 // a quarter is below, a quarter is above
	Min, Max float64
}

// Summarize sums values up, which it leaves alone. Without any, all is NaN.
func Summarize(values []float64) Summary {
	s := slices.Sorted(slices.Values(values))
	if len(s) == 0 {
		nan := math.NaN()
		return Summary{0, nan, nan, nan, nan, nan}
	}
	return Summary{len(s), quantile(s, 0.5), quantile(s, 0.25), quantile(s, 0.75), s[0], s[len(s)-1]}
}

// Spread is half of the distance between the quartiles, the middle half of the
// values: "median ± spread" holds about half of them. A few that were
// disturbed do not move it.
func (s Summary) Spread() float64 { return (s.Q3 - s.Q1) / 2 }

// Median is the value that half of the values are below; with an even number of
// them, the mean of the two in the middle. Without any, it is NaN.
func Median(values []float64) float64 { return Summarize(values).Median }

// A Ratio is what one costs as a multiple of what another one costs.
type Ratio struct {
	Value     float64 // the median of the rounds' ratios
	Low, High float64 // the true one is in here, see Compare
	Spread    float64 // of the rounds' ratios, see Summary.Spread
	N         int     // rounds
}

// Compare returns the ratio of values to refs, which were measured in the same
// rounds: values[i] beside refs[i]. The rounds are compared one by one, since
// what disturbs a machine for longer than a round disturbs both.
//
// Low and High hold the true median with a probability of at least 95 %,
// whatever the distribution (it is the interval of the sign test); below six
// rounds they are the extremes, which hold it less surely: 94 % with five, 75 %
// with three.
func Compare(values, refs []float64) (Ratio, error) {
	if len(values) != len(refs) || len(values) == 0 {
		return Ratio{}, fmt.Errorf("stat: %d values beside %d: a ratio needs both of each round", len(values), len(refs))
	}
	ratios := make([]float64, len(values))
	for i, v := range values {
		if !(v > 0 && refs[i] > 0) {
			return Ratio{}, fmt.Errorf("stat: round %d: %v beside %v has no ratio", i, v, refs[i])
		}
		ratios[i] = v / refs[i]
	}
	slices.Sort(ratios)
	s := Summarize(ratios)
	outside := signTest(len(ratios))
	return Ratio{s.Median, ratios[outside], ratios[len(ratios)-1-outside], s.Spread(), s.N}, nil
}

// String is like "1.07 ± 0.02".
func (r Ratio) String() string { return fmt.Sprintf("%.2f ± %.2f", r.Value, r.Spread) }

// signTest says how many of n sorted values lie outside, at each end, of an
// interval that holds the true median with a probability of 95 % or more. The
// number of values below the median is that of heads in n throws of a coin.
func signTest(n int) int {
	const tail = 0.05 / 2
	below := 0.0 // the probability of at most k heads
	throw := math.Pow(0.5, float64(n))
	for k := 0; k < n/2; k++ {
		if below += throw; below > tail {
			return max(k-1, 0)
		}
		throw *= float64(n-k) / float64(k+1)
	}
	return 0
}

// quantile is the value that the share q of the sorted values is below, on the
// line between two of them where it falls between.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 == len(sorted) {
		return sorted[i]
	}
	share := at - float64(i)
	return sorted[i]*(1-share) + sorted[i+1]*share
}
