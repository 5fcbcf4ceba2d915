package proxy

import (
	"crypto/sha256"
	"encoding/binary"

	"skein/apps/transform"
	"skein/deferred"
	"skein/deferred/clock"
)

// Transformer is what transforms poems: a client of the transform service, or a
// [TransformCache] in front of one.
//
// Twisted: TransformProxy of transformedpoetry's get-poetry.py.
type Transformer interface {
	// Xform returns a Deferred that fires with the poem as the transform of that
	// name makes it, a []byte that nobody changes from then on.
	Xform(name string, poem []byte) *deferred.Deferred
}

// TransformCache is a [Transformer] that asks another for each transform of
// each poem once, however many want it, and keeps the results for a while. All
// that [Service] says of waiting, cancelling, failing and keeping is true here.
type TransformCache struct {
	transformer Transformer
	cache       cache
}

var (
	_ Transformer = (*transform.Proxy)(nil)
	_ Transformer = (*TransformCache)(nil)
)

// entryBytes is about what an entry takes besides its value. Anybody can ask
// for any number of short poems, so here it counts.
const entryBytes = 512

// NewTransformCache returns a cache in front of t. Its time is c's.
func NewTransformCache(c clock.Scheduler, t Transformer, o Options) *TransformCache {
	return &TransformCache{transformer: t, cache: newCache(c, "transform", entryBytes, o)}
}

// Xform returns a Deferred that fires with the transformed poem, a []byte that
// all share and nobody may change. The poem that is passed is only given on, and
// not kept. Failures are the transformer's, and are not kept either.
func (t *TransformCache) Xform(name string, poem []byte) *deferred.Deferred {
	return t.cache.get(transformKey(name, poem), name, func() *deferred.Deferred {
		return t.transformer.Xform(name, poem)
	})
}

// Table returns a table of these transformations, for a [transform.Server] to
// offer: the server is a proxy then, on whatever wires there are.
func (t *TransformCache) Table(names ...string) transform.Table {
	table := make(transform.Table, len(names))
	for _, name := range names {
		table[name] = func(poem string) *deferred.Deferred {
			d := t.Xform(name, []byte(poem))
			return deferred.Then(d, func(poem []byte) (string, error) { return string(poem), nil })
		}
	}
	return table
}

// Stats returns the numbers so far. Bytes counts 512 for each entry on top of
// its result.
func (t *TransformCache) Stats() Stats { return t.cache.numbers() }

// Clear forgets what is cached, and leaves no timer behind.
func (t *TransformCache) Clear() { t.cache.clear() }

// transformKey returns the key of a transform of a poem: a hash of both, so
// that the cache does not keep the poem as well as its result.
func transformKey(name string, poem []byte) string {
	h := sha256.New()
	var length [8]byte
	binary.BigEndian.PutUint64(length[:], uint64(len(name))) // where the name ends and the poem begins
	_, _ = h.Write(length[:])                                // a hash takes everything
	_, _ = h.Write([]byte(name))
	_, _ = h.Write(poem)
	return string(h.Sum(nil))
}
