package proxy_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"skein/apps/proxy"
	"skein/apps/transform"
	"skein/deferred"
	"skein/deferred/clock"
	"skein/deferred/deferredtest"
	"skein/protocol"
	"skein/reactor/reactortest"
)

// workshop is a transformer that works when the test says so.
type workshop struct {
	origin
	asked []string
}

func (w *workshop) Xform(name string, poem []byte) *deferred.Deferred {
	w.asked = append(w.asked, name+"."+string(poem))
	return w.fetch()
}

// newTransforms returns a cache in front of a workshop.
func newTransforms(t *testing.T, o proxy.Options) (*proxy.TransformCache, *workshop, *clock.Fake) {
	deferredtest.Unhandled(t)
	w, c := &workshop{}, clock.NewFake()
	return proxy.NewTransformCache(c, w, o), w, c
}

func TestEachTransformOfAPoemIsAskedForOnce(t *testing.T) {
	cache, w, c := newTransforms(t, proxy.Options{TTL: time.Minute})
	text := []byte("Poem")
	all := []*deferred.Deferred{cache.Xform("lower", text), cache.Xform("lower", bytes.Clone(text))}
	copy(text, "####") // the caller's again
	w.last().Callback([]byte("poem"))
	wantsPoem(t, append(all, cache.Xform("lower", []byte("Poem"))), "poem")

	c.Advance(time.Minute)
	cache.Xform("lower", []byte("Poem"))
	want := []string{"lower.Poem", "lower.Poem"}
	if len(w.asked) != 2 || w.asked[0] != want[0] || w.asked[1] != want[1] {
		t.Errorf("it was asked for %q, want %q", w.asked, want)
	}
	if got := cache.Stats(); got.Hits != 1 || got.Misses != 3 || got.Expired != 1 {
		t.Errorf("the numbers are %+v", got)
	}
}

func TestTransformsAreApart(t *testing.T) {
	requests := []struct{ name, poem string }{
		{"lower", "poem"}, {"upper", "poem"}, {"lower", "Poem"}, {"lowerp", "oem"}, {"", "lowerpoem"}, {"lowerpoem", ""},
	}
	cache, w, _ := newTransforms(t, proxy.Options{})
	for range 2 { // all of them, and all of them again from the cache
		for i, r := range requests {
			d := cache.Xform(r.name, []byte(r.poem))
			if !d.Called() {
				w.last().Callback([]byte{byte(i)})
			}
			wantsPoem(t, []*deferred.Deferred{d}, string([]byte{byte(i)}))
		}
	}
	if len(w.asked) != len(requests) {
		t.Errorf("it was asked for %q", w.asked)
	}
}

func TestTransformThatFailsOrIsNotWanted(t *testing.T) {
	cache, w, _ := newTransforms(t, proxy.Options{})
	failing := []*deferred.Deferred{cache.Xform("lower", nil), cache.Xform("lower", []byte{})}
	w.last().Errback(errOrigin)
	for _, d := range failing {
		if err := deferredtest.ErrorResultOf(t, d); !errors.Is(err, errOrigin) {
			t.Errorf("the error is %v", err)
		}
	}
	leaving := cache.Xform("lower", nil)
	leaving.Cancel()
	if err := deferredtest.ErrorResultOf(t, leaving); !errors.Is(err, deferred.ErrCancelled) {
		t.Errorf("the error is %v", err)
	}
	want := proxy.Stats{Misses: 3, Fetches: 2, Failed: 1, Cancelled: 1}
	if got := cache.Stats(); got != want || w.cancelled != 1 {
		t.Errorf("%d cancelled; the numbers are %+v, want %+v", w.cancelled, got, want)
	}
}

func TestManySmallTransformsAreBounded(t *testing.T) {
	cache, w, c := newTransforms(t, proxy.Options{MaxBytes: 10_000})
	for i := range 1000 {
		cache.Xform("lower", []byte{byte(i), byte(i >> 8)})
		w.last().Callback([]byte{}) // nothing, which is kept, and is not for nothing
	}
	got := cache.Stats()
	if got.Cached != 10_000/512 || got.Bytes > 10_000 || c.Pending() != got.Cached {
		t.Errorf("the numbers are %+v, with %d timers", got, c.Pending())
	}
	cache.Clear()
	if got := cache.Stats(); got.Bytes != 0 || c.Pending() != 0 {
		t.Errorf("%+v are left, and %d timers", got, c.Pending())
	}
}

func TestTransformOfAnotherType(t *testing.T) {
	cache, w, _ := newTransforms(t, proxy.Options{})
	d := cache.Xform("lower", []byte("Poem"))
	w.last().Callback("poem") // not a []byte
	var wrong *deferred.TypeError
	if err := deferredtest.ErrorResultOf(t, d); !errors.As(err, &wrong) {
		t.Errorf("the error is %v", err)
	}
}

// countingServer counts the connections of a factory.
type countingServer struct {
	protocol.Factory
	clients int
}

func (c *countingServer) BuildProtocol(a net.Addr) protocol.Protocol {
	c.clients++
	return c.Factory.BuildProtocol(a)
}

// A whole line of them: clients, a proxy on one port, the transform service on
// another; the slow transformation takes its time once for all.
func TestTransformProxyOnTheNetwork(t *testing.T) {
	reactortest.RunMemory(t, func(m *reactortest.MemoryReactor) *deferred.Deferred {
		n := &network{Reactor: m.Reactor, began: m.Now()}
		service := &transform.Service{Clock: m}
		origin := &countingServer{Factory: &transform.Factory{Server: &transform.Server{Permitted: service.Table(), Clock: m}}}
		cache := proxy.NewTransformCache(m, &transform.Proxy{Reactor: m.Reactor, Addr: n.listen(t, origin)}, proxy.Options{})
		n.service = proxy.NewService(m, nil, proxy.Options{})
		addr := n.listen(t, &transform.Factory{Server: &transform.Server{Permitted: cache.Table("slowly", "shout"), Clock: m}})

		client := &transform.Proxy{Reactor: m.Reactor, Addr: addr}
		ask := func() *deferred.Deferred {
			all := make([]*deferred.Deferred, 100)
			for i := range all {
				all[i] = client.Xform("slowly", []byte("HERE IS MY POEM"))
			}
			return deferred.GatherResults(all)
		}
		d := after(ask(), ask)
		d.AddCallback(func(all any) (any, error) {
			for _, poem := range all.([]any) {
				if string(poem.([]byte)) != "here is my poem" {
					t.Errorf("a client has got %q", poem)
				}
			}
			if took := m.Now().Sub(n.began).Round(time.Millisecond); took != transform.DefaultPause || origin.clients != 1 {
				t.Errorf("it took %v and %d requests, want %v and 1", took, origin.clients, transform.DefaultPause)
			}
			if got := cache.Stats(); got.Hits != 100 || got.Misses != 100 || got.Fetches != 1 {
				t.Errorf("the numbers are %+v", got)
			}
			cache.Clear()
			return nil, nil
		})
		return n.over(d)
	})
}

func TestTableHasOnlyWhatIsNamed(t *testing.T) {
	cache, w, _ := newTransforms(t, proxy.Options{})
	table := cache.Table("lower", "upper")
	if got := fmt.Sprint(table.Names()); got != "[lower upper]" {
		t.Errorf("the names are %v", got)
	}
	d := table["upper"]("poem")
	w.last().Callback([]byte("POEM"))
	if got := deferredtest.ResultOf[string](t, d); got != "POEM" || w.asked[0] != "upper.poem" {
		t.Errorf("asked for %q, it fired with %q", w.asked, got)
	}
}
