package transform

import (
	"maps"
	"slices"

	"skein/deferred"
)

// Transformation begins to transform a poem, which is valid UTF-8, and returns a
// Deferred that fires with the new one, a string. It is cancelled when nobody
// wants the poem any more.
type Transformation func(poem string) *deferred.Deferred

// Table is the names that a client may use, with what they stand for. Nothing
// else of a service can be reached from the network. A name has no dot and no
// line end.
//
// Twisted: the prefix xform_ of TransformFactory, by which a name finds a
// method; a table says the same without looking for methods.
type Table map[string]Transformation

// Table returns the names of a service's transformations, a new table each
// time: take out what is not for everybody.
func (s *Service) Table() Table {
	return Table{
		"cummingsify":  Now(s.Cummingsify),
		"gobbledegook": Now(s.Gobbledegook),
		"reverse":      Now(s.Reverse),
		"shout":        Now(s.Shout),
		"slowly":       s.Slowly,
	}
}

// Names returns the names in their order.
func (t Table) Names() []string { return slices.Sorted(maps.Keys(t)) }

// Now makes a Transformation of a function that has its result at once. A panic
// of f is an error of the Deferred.
func Now(f func(poem string) string) Transformation {
	return func(poem string) *deferred.Deferred {
		return deferred.MaybeDeferred(func() (any, error) { return f(poem), nil })
	}
}
