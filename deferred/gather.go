package deferred

import (
	"maps"
	"slices"
)

// GatherResults returns a Deferred that fires with the results of ds, a []any
// in the order of ds, when all have succeeded, and fails with a [*FirstError]
// as soon as one has failed. The others go on; cancelling the result cancels
// them all. Of the options only [ConsumeErrors] has a meaning here; without
// it the error also stays with the Deferred that failed.
//
// Twisted: defer.gatherResults.
func GatherResults(ds []*Deferred, opts ...ListOption) *Deferred {
	o := listOptions{oneErrback: true, consume: collect(opts).consume}
	return gather(ds, o).AddCallback(func(result any) (any, error) {
		results := result.([]Result)
		values := make([]any, len(results))
		for i, r := range results {
			values[i] = r.Value
		}
		return values, nil
	})
}

// DeferredDict is [DeferredList] for a map: it fires with a map[string]Result
// of the same keys when all of ds have a result. Of the options only
// [ConsumeErrors] has a meaning here. Elements are looked at, and cancelled,
// in the order of their keys. The map may be reused afterwards.
func DeferredDict(ds map[string]*Deferred, opts ...ListOption) *Deferred {
	keys := slices.Sorted(maps.Keys(ds))
	elements := make([]*Deferred, len(keys))
	for i, k := range keys {
		elements[i] = ds[k]
	}
	o := listOptions{consume: collect(opts).consume}
	return gather(elements, o).AddCallback(func(result any) (any, error) {
		named := make(map[string]Result, len(keys))
		for i, r := range result.([]Result) {
			named[keys[i]] = r
		}
		return named, nil
	})
}
