// Package turns lets servers take turns, and reckons what came of it.
//
//	round 0 (warming up)  A B C
//	round 1               C B A
//	round 2               B C A
//	round 3               A C B   … one slice each
//
// What disturbs the machine for a while disturbs all of them, and none always
// comes after the same one, whose traces are still in the core's caches.
package turns

import (
	"context"
	"fmt"
	"slices"

	"skein/bench/cmd/compare/report"
	"skein/bench/internal/stat"
)

// A Contender is one server in one row.
type Contender struct {
	Name string
	// Slice lets it work for a slice, and returns its figures, of each kind that
	// the row is about.
	Slice func() ([]float64, error)
}

// An Outcome is what a Contender's slices brought: its figures in each round, or
// the error that ended it.
type Outcome struct {
	Rounds [][]float64 // [round][kind]
	Err    error
}

// Run gives every contender a slice in each of the rounds, after one that does
// not count. One that fails is out, and the others go on. When ctx ends, so
// does Run, after the slice that goes on; what the last round has is dropped if
// it is not complete. before is called before each slice.
func Run(ctx context.Context, list []Contender, rounds int, before func(round int, name string)) map[string]*Outcome {
	outcomes := map[string]*Outcome{}
	for _, c := range list {
		outcomes[c.Name] = &Outcome{}
	}
	for round := 0; round <= rounds; round++ {
		for _, c := range order(list, round) {
			o := outcomes[c.Name]
			if o.Err != nil {
				continue
			}
			if ctx.Err() != nil {
				trim(outcomes, round-1)
				return outcomes
			}
			before(round, c.Name)
			figures, err := c.Slice()
			switch {
			case ctx.Err() != nil: // the error may be the interruption's
				trim(outcomes, round-1)
				return outcomes
			case err != nil:
				o.Err = err
			case round > 0:
				o.Rounds = append(o.Rounds, figures)
			}
		}
	}
	return outcomes
}

// Groups parts those who cannot all be there at the same time: so many are in a
// group, or all of them if together is 0, and the reference is in each.
func Groups(names []string, reference string, together int) [][]string {
	if together == 0 || len(names) <= together {
		return [][]string{names}
	}
	var groups [][]string
	others := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == reference })
	for some := range slices.Chunk(others, together-1) {
		groups = append(groups, slices.Concat([]string{reference}, some))
	}
	return groups
}

// order rotates the list with every second round, and turns it around in the
// rounds between: rotation alone would leave each of them behind the same one.
func order(list []Contender, round int) []Contender {
	if len(list) == 0 {
		return nil
	}
	first := round / 2 % len(list)
	list = slices.Concat(list[first:], list[:first])
	if round%2 == 1 {
		slices.Reverse(list)
	}
	return list
}

// trim drops what is beyond so many complete rounds.
func trim(outcomes map[string]*Outcome, complete int) {
	for _, o := range outcomes {
		o.Rounds = o.Rounds[:max(min(len(o.Rounds), complete), 0)]
	}
}

// Ratios makes the cells of a row of one kind of figure: each contender's as a
// multiple of the reference's in the same rounds. base is the reference's own.
func Ratios(outcomes map[string]*Outcome, kind int, reference string) (cells map[string]report.Cell, base float64) {
	cells = map[string]report.Cell{}
	ref := outcomes[reference]
	for name, o := range outcomes {
		switch {
		case o.Err != nil:
			cells[name] = report.Failed(o.Err.Error())
		case len(o.Rounds) == 0: // it was interrupted before
		case ref == nil || ref.Err != nil:
			cells[name] = report.Failed(fmt.Sprintf("there is no ratio, as %s has no figure here", reference))
		default:
			cells[name] = ratio(pick(o, kind), pick(ref, kind))
		}
	}
	if ref != nil && ref.Err == nil && len(ref.Rounds) > 0 {
		base = stat.Median(pick(ref, kind))
	}
	return cells, base
}

func ratio(values, refs []float64) report.Cell {
	r, err := stat.Compare(values, refs)
	if err != nil {
		return report.Failed(err.Error())
	}
	return report.Cell{Value: r.Value, Low: r.Low, High: r.High, Spread: r.Spread, Rounds: values}.Finite()
}

// pick is the figures of a kind.
func pick(o *Outcome, kind int) []float64 {
	var values []float64
	for _, figures := range o.Rounds {
		values = append(values, figures[kind])
	}
	return values
}
