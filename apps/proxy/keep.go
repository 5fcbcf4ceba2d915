package proxy

import (
	"bytes"
	"container/list"
)

// keep puts a value that has just been fetched into the cache, if the limits
// let it, and returns the bytes to give away, which all share from then on.
func (c *cache) keep(e *entry, value []byte) []byte {
	size := len(value) + c.overhead
	if c.ttl < 0 || size > c.max {
		return value
	}
	if cap(value) > len(value) {
		value = bytes.Clone(value) // the bound does not count what is behind the end
	}
	e.value = value
	e.place = c.recent.PushFront(e)
	e.expiry = c.clock.CallLater(c.ttl, func() {
		c.stats.Expired++
		c.drop(e)
	})
	c.entries[e.key] = e
	c.used += size
	for c.used > c.max { // ends before it comes to the new one, which fits alone
		c.stats.Evicted++
		c.drop(entryAt(c.recent.Back()))
	}
	return value
}

// drop makes a cached entry an empty one. Clients that are being sent its
// bytes have them until they are done.
func (c *cache) drop(e *entry) {
	c.recent.Remove(e.place)
	c.used -= len(e.value) + c.overhead
	delete(c.entries, e.key)
	if e.expiry.Active() {
		_ = e.expiry.Cancel()
	}
}

// clear drops all cached entries.
func (c *cache) clear() {
	for place := c.recent.Front(); place != nil; place = c.recent.Front() {
		c.drop(entryAt(place))
	}
}

// entryAt returns the entry at a place of cache.recent.
func entryAt(place *list.Element) *entry { return place.Value.(*entry) }
