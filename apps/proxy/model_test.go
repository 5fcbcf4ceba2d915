package proxy_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"skein/apps/proxy"
	"skein/deferred"
	"skein/deferred/clock"
)

// The model test runs random programs of clients that come and go, fetches that
// end and time that passes, on a service and on a model that keeps a plain list
// where the service keeps a list, a map and timers. After each step both must
// have told the same clients the same things and be in the same states.

const (
	modelTTL = 10 * time.Second
	modelMax = 10
)

// modelOrigins are the names of the origins.
var modelOrigins = []string{"a", "b", "c"}

// kept is a poem in the model's cache.
type kept struct {
	name string
	poem []byte
	ends time.Duration // when its time is over
}

// model is what a cache is, said as simply as possible.
type model struct {
	now     time.Duration
	cached  []kept           // the one asked for last is the last
	waiting map[string][]int // the clients, by origin: fetching, if there are any
	heard   map[int]string   // what each client has been told
	cancels map[string]int
	fetches map[string]int
}

// find returns the place of a poem in the cache, or -1.
func (m *model) find(name string) int {
	for i, k := range m.cached {
		if k.name == name {
			return i
		}
	}
	return -1
}

// ask is a client that comes.
func (m *model) ask(client int, name string) {
	if i := m.find(name); i >= 0 {
		k := m.cached[i]
		m.cached = append(append(m.cached[:i:i], m.cached[i+1:]...), k)
		m.heard[client] = string(k.poem)
		return
	}
	if len(m.waiting[name]) == 0 {
		m.fetches[name]++
	}
	m.waiting[name] = append(m.waiting[name], client)
}

// leave is a client that goes.
func (m *model) leave(client int) {
	for name, line := range m.waiting {
		for i, c := range line {
			if c != client {
				continue
			}
			m.waiting[name] = append(line[:i:i], line[i+1:]...)
			m.heard[client] = "cancelled"
			if len(m.waiting[name]) == 0 {
				m.cancels[name]++
			}
			return
		}
	}
}

// end is a fetch that ends; a nil poem is a failure.
func (m *model) end(name string, poem []byte) {
	for _, client := range m.waiting[name] {
		m.heard[client] = "failed"
		if poem != nil {
			m.heard[client] = string(poem)
		}
	}
	m.waiting[name] = nil
	if poem == nil || len(poem) > modelMax {
		return
	}
	m.cached = append(m.cached, kept{name: name, poem: poem, ends: m.now + modelTTL})
	for m.bytes() > modelMax {
		m.cached = m.cached[1:]
	}
}

// bytes is how many bytes are cached.
func (m *model) bytes() (n int) {
	for _, k := range m.cached {
		n += len(k.poem)
	}
	return n
}

// pass is time that passes.
func (m *model) pass(d time.Duration) {
	m.now += d
	var left []kept
	for _, k := range m.cached {
		if k.ends > m.now {
			left = append(left, k)
		}
	}
	m.cached = left
}

// state is where a poem stands.
func (m *model) state(name string) proxy.State {
	switch {
	case m.find(name) >= 0:
		return proxy.Cached
	case len(m.waiting[name]) > 0:
		return proxy.Fetching
	}
	return proxy.Empty
}

// both is a model next to the real thing.
type both struct {
	model
	real    *proxy.Service
	clock   *clock.Fake
	origins map[string]*origin
	clients []*deferred.Deferred
	told    map[int]string // what the service has told each client
}

// newBoth returns the two, empty.
func newBoth() *both {
	b := &both{clock: clock.NewFake(), origins: map[string]*origin{}, told: map[int]string{}}
	b.model = model{waiting: map[string][]int{}, heard: map[int]string{}, cancels: map[string]int{}, fetches: map[string]int{}}
	fetches := map[string]proxy.Fetch{}
	for _, name := range modelOrigins {
		b.origins[name] = &origin{}
		fetches[name] = b.origins[name].fetch
	}
	b.real = proxy.NewService(b.clock, fetches, proxy.Options{TTL: modelTTL, MaxBytes: modelMax})
	return b
}

// comes lets a client ask.
func (b *both) comes(t *rapid.T) {
	name := rapid.SampledFrom(modelOrigins).Draw(t, "origin")
	client := len(b.clients)
	b.ask(client, name)
	d := b.real.GetPoem(name)
	b.clients = append(b.clients, d)
	d.AddBoth(func(poem any, err error) (any, error) {
		switch {
		case err == nil:
			b.told[client] = string(poem.([]byte))
		case errors.Is(err, deferred.ErrCancelled):
			b.told[client] = "cancelled"
		default:
			b.told[client] = "failed"
		}
		return nil, nil
	})
}

// goes lets a client leave: one that waits, or one that has its poem.
func (b *both) goes(t *rapid.T) {
	if len(b.clients) == 0 {
		t.Skip("nobody is here")
	}
	client := rapid.IntRange(0, len(b.clients)-1).Draw(t, "client")
	b.leave(client)
	b.clients[client].Cancel()
}

// ends lets a fetch end.
func (b *both) ends(t *rapid.T) {
	name := rapid.SampledFrom(modelOrigins).Draw(t, "origin")
	if b.state(name) != proxy.Fetching {
		t.Skip("nothing is under way")
	}
	var poem []byte
	if size := rapid.IntRange(0, modelMax+2).Draw(t, "size"); size > 0 {
		poem = bytes.Repeat([]byte(name), size)
	}
	b.end(name, poem)
	if poem == nil {
		b.origins[name].last().Errback(errOrigin)
		return
	}
	b.origins[name].last().Callback(poem)
}

// passes lets time pass.
func (b *both) passes(t *rapid.T) {
	d := time.Duration(rapid.IntRange(0, 12).Draw(t, "seconds")) * time.Second
	b.pass(d)
	b.clock.Advance(d)
}

// check compares the two.
func (b *both) check(t *rapid.T) {
	if got, want := fmt.Sprint(b.told), fmt.Sprint(b.heard); got != want {
		t.Fatalf("the clients have been told\n%s, want\n%s", got, want)
	}
	waiting, fetching := 0, 0
	for _, name := range modelOrigins {
		if got, want := b.real.State(name), b.state(name); got != want {
			t.Fatalf("%s is %v, want %v", name, got, want)
		}
		o := b.origins[name]
		if len(o.fetches) != b.fetches[name] || o.cancelled != b.cancels[name] {
			t.Fatalf("%s: %d fetches and %d cancelled, want %d and %d", name, len(o.fetches), o.cancelled, b.fetches[name], b.cancels[name])
		}
		waiting += len(b.waiting[name])
		fetching += min(len(b.waiting[name]), 1)
	}
	s := b.real.Stats()
	if s.Waiting != waiting || s.Fetching != fetching || s.Cached != len(b.cached) || s.Bytes != b.bytes() || b.clock.Pending() != s.Cached {
		t.Fatalf("the numbers are %+v with %d timers; the model is %+v", s, b.clock.Pending(), b.model)
	}
}

func TestCacheIsAsSimpleAsItsModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := newBoth()
		t.Repeat(map[string]func(*rapid.T){
			"":       b.check,
			"comes":  b.comes,
			"goes":   b.goes,
			"ends":   b.ends,
			"passes": b.passes,
		})
	})
}
