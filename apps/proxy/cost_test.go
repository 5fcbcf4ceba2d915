package proxy_test

import (
	"testing"

	"skein/protocol"
)

// A client whose poem is in the cache costs this package one object: its
// protocol. (The sink is the test's.)
func TestAClientOfTheCacheCostsOneAllocation(t *testing.T) {
	f, out := cachedFactory([]byte("a poem")), &sink{}
	n := testing.AllocsPerRun(1000, func() {
		*out = sink{}
		p := f.BuildProtocol(nil)
		p.MakeConnection(out)
		p.ConnectionMade()
		p.ConnectionLost(protocol.ErrConnectionDone)
		if out.taken != len("a poem") || !out.closed {
			t.Errorf("%d bytes came, closed: %t", out.taken, out.closed)
		}
	})
	if n > 1 {
		t.Errorf("%v allocations", n)
	}
	if s := f.Service.Stats(); s.Hits != 1001 || s.Misses != 1 || s.Waiting != 0 {
		t.Errorf("the statistics are %+v", s)
	}
}

func TestCachedIsThePoemOfTheCacheOnly(t *testing.T) {
	f := cachedFactory([]byte("a poem"))
	if poem, ok := f.Service.Cached("poem"); !ok || string(poem) != "a poem" {
		t.Errorf("it is %q, %t", poem, ok)
	}
	if poem, ok := f.Service.Cached("another"); ok {
		t.Errorf("an unknown origin has %q", poem)
	}
	f.Service.Clear()
	if poem, ok := f.Service.Cached("poem"); ok {
		t.Errorf("the empty cache has %q", poem)
	}
	if s := f.Service.Stats(); s.Hits != 1 || s.Misses != 1 || s.Fetches != 1 {
		t.Errorf("the statistics are %+v: only what is there counts", s)
	}
}
