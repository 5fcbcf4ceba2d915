package proxy

import (
	"container/list"
	"time"

	"github.com/rs/zerolog"

	"skein/deferred"
	"skein/deferred/clock"
)

// State is where one poem stands with the cache.
type State uint8

// The states.
const (
	// Empty is a poem that is not here and that nobody waits for.
	Empty State = iota
	// Fetching is one that is on its way, with somebody waiting for it.
	Fetching
	// Cached is one that is here.
	Cached
)

// String returns the state's name in lower case.
func (s State) String() string {
	switch s {
	case Fetching:
		return "fetching"
	case Cached:
		return "cached"
	}
	return "empty"
}

// Stats is what a cache has done and holds.
type Stats struct {
	Hits      uint64 // answered from the cache
	Misses    uint64 // not: these had to wait
	Fetches   uint64 // fetches begun
	Failed    uint64 // of these, the ones that failed
	Cancelled uint64 // of these, the ones that were given up because nobody waited any more
	Evicted   uint64 // thrown out to make room
	Expired   uint64 // thrown out at the end of their time

	Waiting  int // Deferreds that wait now
	Fetching int // fetches under way now
	Cached   int // poems in the cache now
	Bytes    int // their size
}

// cache holds values by key: it knows how to have each fetched once, for
// however many ask, and what to keep. It is the heart of this package.
//
// User code runs in three places: the Fetch, the callbacks of those who wait,
// and the fetch's canceller. Each of them may call back in, so each is called
// only when the cache is in order, and nothing that was looked up before is
// believed afterwards.
type cache struct {
	clock clock.Scheduler
	log   zerolog.Logger
	kind  string // what the log calls the things in here

	ttl      time.Duration // below 0: keep nothing
	max      int           // in bytes; below 0: keep nothing
	overhead int           // what an entry counts besides its value, in bytes

	// INVARIANT: an entry is in here as long as it is fetching or cached, and
	// an empty one never is.
	entries map[string]*entry
	recent  list.List // the cached ones; in front, what was asked for last
	used    int       // their size, in bytes
	stats   Stats
}

// entry is one value, on its way or here.
type entry struct {
	key  string
	name string // for the log

	fetch   *deferred.Deferred // not nil: fetching
	began   time.Time
	waiters list.List // of *deferred.Deferred, in the order in which they came

	place  *list.Element // not nil: cached, at this place of cache.recent
	value  []byte
	expiry *clock.DelayedCall
}

// newCache returns an empty cache for one kind of thing.
func newCache(c clock.Scheduler, kind string, overhead int, o Options) cache {
	if o.TTL == 0 {
		o.TTL = DefaultTTL
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	return cache{
		clock: c, log: o.Log, kind: kind, ttl: o.TTL, max: o.MaxBytes, overhead: overhead,
		entries: make(map[string]*entry),
	}
}

// get returns a Deferred for the value of a key, which fetch begins to fetch if
// it is neither here nor on its way.
func (c *cache) get(key, name string, fetch Fetch) *deferred.Deferred {
	if value, ok := c.cached(key); ok {
		return deferred.Succeed(value)
	}
	c.stats.Misses++
	if e := c.entries[key]; e != nil {
		return c.wait(e)
	}
	e := &entry{key: key, name: name}
	c.entries[key] = e
	d := c.wait(e) // before the fetch, which may end before it returns
	c.begin(e, fetch)
	return d
}

// cached returns the value of a key if it is here.
func (c *cache) cached(key string) (value []byte, ok bool) {
	e := c.entries[key]
	if e == nil || e.place == nil {
		return nil, false
	}
	c.stats.Hits++
	c.recent.MoveToFront(e.place)
	return e.value, true
}

// state tells where a key stands.
func (c *cache) state(key string) State {
	e := c.entries[key]
	switch {
	case e == nil:
		return Empty
	case e.place != nil:
		return Cached
	}
	return Fetching
}

// wait returns a new Deferred that waits for an entry that is being fetched.
func (c *cache) wait(e *entry) *deferred.Deferred {
	var place *list.Element
	d := deferred.NewCancellable(func(*deferred.Deferred) { c.leave(e, place) })
	place = e.waiters.PushBack(d)
	c.stats.Waiting++
	return d
}

// leave takes one who waits out of the line. A fetch that nobody waits for any
// more is cancelled, and its entry is gone before that: whoever asks next, even
// from inside the cancellation, begins another.
func (c *cache) leave(e *entry, place *list.Element) {
	c.unwait(e, place)
	if e.fetch == nil || e.waiters.Len() > 0 {
		return // it has ended, and the rest of the line is being told
	}
	d := e.fetch
	e.fetch = nil
	delete(c.entries, e.key)
	c.stats.Cancelled++
	c.logCancelled(e)
	d.Cancel()
}

// unwait takes a Deferred out of the line and returns it.
func (c *cache) unwait(e *entry, place *list.Element) *deferred.Deferred {
	c.stats.Waiting--
	return e.waiters.Remove(place).(*deferred.Deferred)
}

// begin starts the fetch of an entry. A fetch that panics, or returns no
// Deferred, has failed; one that has a result at once ends in here.
func (c *cache) begin(e *entry, fetch Fetch) {
	c.stats.Fetches++
	c.logBegin(e)
	e.began = c.clock.Now()
	e.fetch = deferred.MaybeDeferred(func() (any, error) { return fetch(), nil })
	deferred.Tap(e.fetch, func([]byte) error { return nil }) // another type fails
	e.fetch.AddBoth(func(result any, err error) (any, error) {
		if e.fetch != nil { // else nobody waited any more, and nobody is to hear of it
			value, _ := result.([]byte)
			c.end(e, value, err)
		}
		return nil, nil
	})
}

// end gives everybody who waits the outcome of the fetch, in the order in which
// they came, after the value has been kept: one who asks again from inside a
// callback finds it. Those who are cancelled meanwhile leave the line by
// themselves.
func (c *cache) end(e *entry, value []byte, err error) {
	e.fetch = nil
	delete(c.entries, e.key)
	if err != nil {
		c.stats.Failed++
	} else {
		value = c.keep(e, value)
	}
	c.logEnd(e, value, err)
	for place := e.waiters.Front(); place != nil; place = e.waiters.Front() {
		switch d := c.unwait(e, place); err {
		case nil:
			d.Callback(value)
		default:
			d.Errback(err)
		}
	}
}

// numbers returns the statistics.
func (c *cache) numbers() Stats {
	s := c.stats
	s.Cached = c.recent.Len()
	s.Fetching = len(c.entries) - s.Cached
	s.Bytes = c.used
	return s
}
