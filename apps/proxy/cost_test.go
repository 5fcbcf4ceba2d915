package proxy_test

import (
	"errors"
	"net"
	"testing"

	"skein/protocol"
	"skein/protocol/protocoltest"
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

// A policy around the server may have closed before the poem could go out: no
// client gets a clean end without it.
func TestAPoemOfTheCacheThatCannotBeSentIsAReset(t *testing.T) {
	out := &protocoltest.StringTransport{TB: t}
	p := cachedFactory([]byte("a poem")).BuildProtocol(nil)
	p.MakeConnection(out)
	out.LoseConnection()
	p.ConnectionMade()
	if got := out.Value(); !out.Aborted() || !errors.Is(out.Cause(), net.ErrClosed) || len(got) > 0 {
		t.Errorf("aborted %t, for %v, with %q", out.Aborted(), out.Cause(), got)
	}
	p.ConnectionLost(protocol.ErrConnectionAborted)
}
