package turns_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"skein/bench/cmd/compare/turns"
)

// log notes who had a slice, in order.
type log struct{ names []string }

// contender is one whose figure in its n-th slice is figures[n].
func (l *log) contender(name string, figures ...float64) turns.Contender {
	n := 0
	return turns.Contender{Name: name, Slice: func() ([]float64, error) {
		l.names = append(l.names, name)
		n++
		return []float64{figures[n-1]}, nil
	}}
}

func nothing(int, string) {}

func TestTheOrderRotates(t *testing.T) {
	var l log
	one := []float64{1, 1, 1, 1, 1, 1}
	turns.Run(t.Context(), []turns.Contender{l.contender("a", one...), l.contender("b", one...), l.contender("c", one...)}, 5, nothing)
	if got, want := strings.Join(l.names, ""), "abc"+"cba"+"bca"+"acb"+"cab"+"bac"; got != want {
		t.Errorf("the slices went to %s, want %s", got, want)
	}
}

// TestNobodyComesAfterTheSameOne counts, over a default run of many servers, who
// has a slice right after whom.
func TestNobodyComesAfterTheSameOne(t *testing.T) {
	for _, servers := range []int{3, 11} {
		var l log
		var list []turns.Contender
		for i := range servers {
			list = append(list, l.contender(string(rune('a'+i)), 1, 1, 1, 1, 1, 1))
		}
		turns.Run(t.Context(), list, 5, nothing)
		after := map[string]map[string]int{}
		for i := servers; i < len(l.names); i++ { // the rounds that count
			name, before := l.names[i], l.names[i-1]
			if after[name] == nil {
				after[name] = map[string]int{}
			}
			after[name][before]++
		}
		for name, befores := range after {
			for before, n := range befores {
				if n > 3 {
					t.Errorf("of %d servers, %s came after %s in %d rounds of 5", servers, name, before, n)
				}
			}
		}
	}
}

func TestRatiosAreOfTheSameRound(t *testing.T) {
	var l log
	// The first slice warms up. Then the machine slows down, and both with it.
	list := []turns.Contender{l.contender("a", 900, 10, 20, 400), l.contender("ref", 1, 5, 10, 100)}
	outcomes := turns.Run(t.Context(), list, 3, nothing)
	cells, base := turns.Ratios(outcomes, 0, "ref")
	if got := cells["a"]; got.Value != 2 || got.Low != 2 || got.High != 4 || got.Spread != 0.5 || got.Failed != "" {
		t.Errorf("a is %+v, want 2 of 2 to 4 ±0.5", got)
	}
	if !slices.Equal(cells["a"].Rounds, []float64{10, 20, 400}) {
		t.Errorf("a's rounds are %v: the slice that warms up must not count, the others must", cells["a"].Rounds)
	}
	if cells["ref"].Value != 1 || base != 10 {
		t.Errorf("the reference is %v and takes %v, want 1 and 10", cells["ref"].Value, base)
	}
}

func TestOneThatFailsIsOutAndTheOthersGoOn(t *testing.T) {
	var l log
	calls := 0
	bad := turns.Contender{Name: "bad", Slice: func() ([]float64, error) {
		if calls++; calls == 2 {
			return nil, errors.New("it died")
		}
		return []float64{1}, nil
	}}
	list := []turns.Contender{bad, l.contender("a", 1, 2, 2, 2), l.contender("ref", 1, 1, 1, 1)}
	outcomes := turns.Run(t.Context(), list, 3, nothing)
	cells, _ := turns.Ratios(outcomes, 0, "ref")
	if calls != 2 || cells["bad"].Failed != "it died" {
		t.Errorf("bad had %d slices and is %+v, want 2 and its error", calls, cells["bad"])
	}
	if cells["a"].Value != 2 || len(cells["a"].Rounds) != 3 {
		t.Errorf("a is %+v, want 2 of 3 rounds", cells["a"])
	}
}

func TestWithoutTheReferenceThereIsNoRatio(t *testing.T) {
	var l log
	ref := turns.Contender{Name: "ref", Slice: func() ([]float64, error) { return nil, errors.New("it died") }}
	outcomes := turns.Run(t.Context(), []turns.Contender{l.contender("a", 1, 2), ref}, 1, nothing)
	cells, base := turns.Ratios(outcomes, 0, "ref")
	if base != 0 || cells["ref"].Failed != "it died" || !strings.Contains(cells["a"].Failed, "ref has no figure") {
		t.Errorf("base %v, cells %+v: want no base, the error, and why a has no ratio", base, cells)
	}
}

func TestAFigureOfZeroIsNoRatio(t *testing.T) {
	var l log
	outcomes := turns.Run(t.Context(), []turns.Contender{l.contender("a", 1, 0), l.contender("ref", 1, 1)}, 1, nothing)
	if cells, _ := turns.Ratios(outcomes, 0, "ref"); cells["a"].Failed == "" {
		t.Errorf("a is %+v, want a failure", cells["a"])
	}
}

// TestInterrupted ends the third round after the first of its slices.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var l log
	outcomes := turns.Run(ctx, []turns.Contender{l.contender("a", 1, 2, 2, 2), l.contender("ref", 1, 1, 1, 1)}, 3,
		func(round int, name string) {
			if round == 3 && name == "ref" { // the second of the round
				cancel()
			}
		})
	cells, _ := turns.Ratios(outcomes, 0, "ref")
	for name, cell := range cells {
		if len(cell.Rounds) != 2 || cell.Failed != "" {
			t.Errorf("%s is %+v, want the 2 rounds that are complete", name, cell)
		}
	}
	if got := len(l.names); got != 8 {
		t.Errorf("there were %d slices, want 8: %v", got, l.names)
	}
}

// TestAnInterruptionIsNoFailure: the servers are interrupted by the terminal as
// well, and fail by that.
func TestAnInterruptionIsNoFailure(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	outcomes := turns.Run(ctx, []turns.Contender{{Name: "a", Slice: func() ([]float64, error) {
		cancel()
		return nil, errors.New("signal: interrupt")
	}}}, 3, nothing)
	if cells, _ := turns.Ratios(outcomes, 0, "a"); len(cells) != 0 {
		t.Errorf("the cells are %+v, want none", cells)
	}
}

func TestGroups(t *testing.T) {
	cases := []struct {
		names    string
		together int
		want     string
	}{
		{"a C b d e", 0, "a C b d e"},
		{"a C b d e", 5, "a C b d e"},
		{"a C b d e", 4, "C a b d|C e"},
		{"a C b d e", 3, "C a b|C d e"},
		{"a C b d e", 2, "C a|C b|C d|C e"},
		{"C", 2, "C"},
	}
	for _, tc := range cases {
		var got []string
		for _, group := range turns.Groups(strings.Fields(tc.names), "C", tc.together) {
			got = append(got, strings.Join(group, " "))
		}
		if s := strings.Join(got, "|"); s != tc.want {
			t.Errorf("%s, %d together: %s, want %s", tc.names, tc.together, s, tc.want)
		}
	}
}
