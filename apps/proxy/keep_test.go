package proxy_test

import (
	"bytes"
	"testing"
	"time"

	"skein/apps/proxy"
	"skein/deferred"
	"skein/deferred/clock"
)

// shelf is a service whose origins answer at once, with poems of given sizes.
func shelf(sizes map[string]int, o proxy.Options) (*proxy.Service, *clock.Fake) {
	c, origins := clock.NewFake(), map[string]proxy.Fetch{}
	for name, size := range sizes {
		origins[name] = func() *deferred.Deferred { return deferred.Succeed(bytes.Repeat([]byte(name), size)) }
	}
	return proxy.NewService(c, origins, o), c
}

func TestRoomIsMadeForTheLatest(t *testing.T) {
	sizes := map[string]int{"a": 4, "b": 3, "c": 3, "d": 10, "e": 11, "f": 1}
	tests := []struct {
		name    string
		ask     string // each letter asks for an origin
		cached  string
		bytes   int
		evicted uint64
	}{
		{"they fit", "abc", "abc", 10, 0},
		{"one too many", "abcf", "bcf", 7, 1},
		{"the one asked for last stays", "abcaf", "acf", 8, 1},
		{"two go for one", "bcfbcfa", "cfa", 8, 1},
		{"all go for one that fills it", "abcd", "d", 10, 3},
		{"one too long is not kept and costs nobody", "abce", "abc", 10, 0},
		{"the same again", "aaaa", "a", 4, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, c := shelf(sizes, proxy.Options{MaxBytes: 10})
			for _, name := range test.ask {
				want := bytes.Repeat([]byte(string(name)), sizes[string(name)])
				wantsPoem(t, []*deferred.Deferred{s.GetPoem(string(name))}, string(want))
			}
			for name := range sizes {
				want := proxy.Empty
				if bytes.Contains([]byte(test.cached), []byte(name)) {
					want = proxy.Cached
				}
				if got := s.State(name); got != want {
					t.Errorf("%s is %v, want %v", name, got, want)
				}
			}
			got := s.Stats()
			if got.Bytes != test.bytes || got.Evicted != test.evicted || got.Cached != len(test.cached) {
				t.Errorf("the numbers are %+v, want %d bytes and %d evicted", got, test.bytes, test.evicted)
			}
			if c.Pending() != len(test.cached) {
				t.Errorf("%d timers for %d poems", c.Pending(), len(test.cached))
			}
		})
	}
}

func TestNothingIsKept(t *testing.T) {
	tests := []struct {
		name string
		o    proxy.Options
	}{
		{"for no time", proxy.Options{TTL: proxy.NoCache}},
		{"in no space", proxy.Options{MaxBytes: proxy.NoCache}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := newProxied(t, test.o)
			all := p.ask(10) // who comes during a fetch still shares it
			p.one.last().Callback([]byte("poem"))
			wantsPoem(t, all, "poem")
			p.wants(t, proxy.Empty, 1, 0)
			p.ask(1)
			p.wants(t, proxy.Fetching, 2, 0)
			if n := p.clock.Pending(); n != 0 {
				t.Errorf("%d timers are left", n)
			}
		})
	}
}

func TestTheDefaultBound(t *testing.T) {
	s, _ := shelf(map[string]int{"a": proxy.DefaultMaxBytes, "b": proxy.DefaultMaxBytes + 1}, proxy.Options{})
	s.GetPoem("a")
	s.GetPoem("b")
	if a, b := s.State("a"), s.State("b"); a != proxy.Cached || b != proxy.Empty {
		t.Errorf("the one that fits is %v, the longer one is %v", a, b)
	}
}

func TestNoMoreIsHeldThanIsCounted(t *testing.T) {
	p := newProxied(t, proxy.Options{})
	p.ask(1)
	p.one.last().Callback(append(make([]byte, 0, 1<<20), "poem"...))
	var held int
	p.GetPoem("one").AddCallback(func(poem any) (any, error) {
		held = cap(poem.([]byte))
		return nil, nil
	})
	if held == 0 || held > 64 {
		t.Errorf("%d bytes are held for a poem of 4", held)
	}
}

func TestClearForgetsWhatIsCached(t *testing.T) {
	p := newProxied(t, proxy.Options{})
	p.ask(1)
	p.one.last().Callback([]byte("poem"))
	waiting := p.GetPoem("two")
	p.Clear()
	p.wants(t, proxy.Empty, 1, 0)
	if got := p.Stats(); got.Bytes != 0 || got.Cached != 0 || p.clock.Pending() != 0 {
		t.Errorf("there are %+v and %d timers", got, p.clock.Pending())
	}
	p.two.last().Callback([]byte("other")) // a fetch goes on
	wantsPoem(t, []*deferred.Deferred{waiting}, "other")
	p.clock.Advance(time.Hour)
	p.Clear()
	if n := p.clock.Pending(); n != 0 {
		t.Errorf("%d timers are left", n)
	}
}
