package reactor

// slab makes objects of one type, a few at a time: an allocation for sixteen
// connections instead of one for each spares a poem's connection instructions
// (bench/cmd/instructions' row "poem", beside a build in which each is made alone).
// The price is that the last of them to be used keeps the memory of all, 2 KiB for a
// connection that outlives its neighbours: so it is sixteen and not a thousand, and
// who dies drops what it points to. Above all what came from another slab: a chain of
// slabs would keep sixteen times sixteen, and so on.
type slab[T any] struct{ free []T }

// slabSize is how many objects are made at a time.
const slabSize = 16

// take returns a new object.
func (s *slab[T]) take() *T {
	if len(s.free) == 0 {
		s.free = make([]T, slabSize)
	}
	t := &s.free[0]
	s.free = s.free[1:]
	return t
}
