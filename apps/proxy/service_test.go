package proxy_test

import (
	"errors"
	"testing"
	"time"

	"skein/apps/poetry"
	"skein/apps/proxy"
	"skein/deferred"
	"skein/deferred/clock"
	"skein/deferred/deferredtest"
)

// origin is a server of which the test says when it answers, and what.
type origin struct {
	fetches   []*deferred.Deferred
	cancelled int
	onCancel  func()
}

// fetch begins a fetch that the test ends.
func (o *origin) fetch() *deferred.Deferred {
	d := deferred.NewCancellable(func(*deferred.Deferred) {
		o.cancelled++
		if o.onCancel != nil {
			o.onCancel()
		}
	})
	o.fetches = append(o.fetches, d)
	return d
}

// last returns the fetch that began last.
func (o *origin) last() *deferred.Deferred { return o.fetches[len(o.fetches)-1] }

// proxied is a service with its origins.
type proxied struct {
	*proxy.Service
	clock      *clock.Fake
	one, two   *origin
	unexpected *deferredtest.Log
}

// newProxied returns a service with two origins. The test fails for errors that
// nobody has handled.
func newProxied(t *testing.T, o proxy.Options) *proxied {
	p := &proxied{clock: clock.NewFake(), one: &origin{}, two: &origin{}, unexpected: deferredtest.Unhandled(t)}
	p.Service = proxy.NewService(p.clock, map[string]proxy.Fetch{"one": p.one.fetch, "two": p.two.fetch}, o)
	return p
}

// ask lets n clients ask for the first origin's poem.
func (p *proxied) ask(n int) []*deferred.Deferred {
	all := make([]*deferred.Deferred, n)
	for i := range all {
		all[i] = p.GetPoem("one")
	}
	return all
}

// wants checks what has happened so far at the first origin.
func (p *proxied) wants(t *testing.T, s proxy.State, fetches, cancelled int) {
	t.Helper()
	if got := p.State("one"); got != s {
		t.Errorf("the poem is %v, want %v", got, s)
	}
	if len(p.one.fetches) != fetches || p.one.cancelled != cancelled {
		t.Errorf("%d fetches, %d of them cancelled; want %d and %d", len(p.one.fetches), p.one.cancelled, fetches, cancelled)
	}
}

// wantsPoem checks that all have got a poem.
func wantsPoem(t *testing.T, all []*deferred.Deferred, poem string) {
	t.Helper()
	for i, d := range all {
		if got := deferredtest.ResultOf[[]byte](t, d); string(got) != poem {
			t.Fatalf("client %d has got %q, want %q", i, got, poem)
		}
	}
}

var errOrigin = errors.New("the origin is tired")

func TestThousandClientsOneFetch(t *testing.T) {
	p := newProxied(t, proxy.Options{})
	p.wants(t, proxy.Empty, 0, 0)
	all := p.ask(1000)
	p.wants(t, proxy.Fetching, 1, 0)
	for _, d := range all {
		deferredtest.NoResult(t, d)
	}
	p.one.last().Callback([]byte("poem"))
	p.wants(t, proxy.Cached, 1, 0)
	wantsPoem(t, all, "poem")

	first := deferredtest.ResultOf[[]byte](t, all[0])
	for _, d := range append(all, p.GetPoem("one")) {
		if got := deferredtest.ResultOf[[]byte](t, d); &got[0] != &first[0] {
			t.Fatal("the clients do not share the poem's bytes")
		}
	}
	want := proxy.Stats{Hits: 1, Misses: 1000, Fetches: 1, Cached: 1, Bytes: 4}
	if got := p.Stats(); got != want {
		t.Errorf("the numbers are %+v, want %+v", got, want)
	}
}

func TestPoemLivesForItsTime(t *testing.T) {
	tests := []struct {
		name string
		ttl  time.Duration
		want time.Duration
	}{
		{"default", 0, 2 * time.Hour},
		{"chosen", time.Minute, time.Minute},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := newProxied(t, proxy.Options{TTL: test.ttl})
			p.ask(1)
			p.clock.Advance(time.Second) // the time counts from the fetch's end
			p.one.last().Callback([]byte("poem"))
			p.clock.Advance(test.want - 1)
			wantsPoem(t, p.ask(1), "poem") // and asking does not lengthen it
			p.wants(t, proxy.Cached, 1, 0)
			p.clock.Advance(1)
			p.wants(t, proxy.Empty, 1, 0)
			p.ask(1000)
			p.wants(t, proxy.Fetching, 2, 0)
			if got := p.Stats(); got.Expired != 1 || got.Bytes != 0 || got.Evicted != 0 {
				t.Errorf("the numbers are %+v", got)
			}
		})
	}
}

func TestClientsLeaveOneByOne(t *testing.T) {
	p := newProxied(t, proxy.Options{})
	all := p.ask(3)
	for i, d := range all[:2] {
		d.Cancel()
		if err := deferredtest.ErrorResultOf(t, d); !errors.Is(err, deferred.ErrCancelled) {
			t.Errorf("client %d has got %v", i, err)
		}
		d.Cancel() // once more is once too often, and harmless
		p.wants(t, proxy.Fetching, 1, 0)
		deferredtest.NoResult(t, all[2])
	}
	if got := p.Stats().Waiting; got != 1 {
		t.Errorf("%d are waiting, want 1", got)
	}
	p.one.last().Callback([]byte("poem"))
	wantsPoem(t, all[2:], "poem")
	p.wants(t, proxy.Cached, 1, 0)
}

func TestLastClientCancelsTheFetch(t *testing.T) {
	p := newProxied(t, proxy.Options{})
	all := p.ask(1000)
	for _, d := range all {
		p.wants(t, proxy.Fetching, 1, 0)
		d.Cancel()
		d.AddErrback(func(error) (any, error) { return nil, nil })
	}
	p.wants(t, proxy.Empty, 1, 1)
	want := proxy.Stats{Misses: 1000, Fetches: 1, Cancelled: 1}
	if got := p.Stats(); got != want {
		t.Errorf("the numbers are %+v, want %+v", got, want)
	}
	all = p.ask(1) // a new client, a new fetch
	p.wants(t, proxy.Fetching, 2, 1)
	p.one.last().Callback([]byte("poem"))
	wantsPoem(t, all, "poem")
}

func TestFetchThatFailsFailsAllAndIsNotKept(t *testing.T) {
	p := newProxied(t, proxy.Options{})
	all := p.ask(1000)
	cut := &poetry.FetchError{Addr: "one", Bytes: 17, Err: errOrigin}
	p.one.last().Errback(cut)
	for _, d := range all {
		if err := deferredtest.ErrorResultOf(t, d); err != error(cut) {
			t.Fatalf("a client has got %v, want the fetch's error", err)
		}
	}
	p.wants(t, proxy.Empty, 1, 0)
	want := proxy.Stats{Misses: 1000, Fetches: 1, Failed: 1}
	if got := p.Stats(); got != want {
		t.Errorf("the numbers are %+v, want %+v", got, want)
	}
	if n := p.clock.Pending(); n != 0 {
		t.Errorf("%d timers are left", n)
	}
	p.ask(1)
	p.wants(t, proxy.Fetching, 2, 0)
}

func TestOriginsAreApart(t *testing.T) {
	p := newProxied(t, proxy.Options{})
	one, two := p.GetPoem("one"), p.GetPoem("two")
	p.two.last().Errback(errOrigin)
	if err := deferredtest.ErrorResultOf(t, two); !errors.Is(err, errOrigin) {
		t.Errorf("the error is %v", err)
	}
	deferredtest.NoResult(t, one)
	p.one.last().Callback([]byte("poem"))
	wantsPoem(t, []*deferred.Deferred{one}, "poem")
	if got := p.State("two"); got != proxy.Empty {
		t.Errorf("the other one is %v", got)
	}
}

func TestUnknownOrigin(t *testing.T) {
	p := newProxied(t, proxy.Options{})
	err := deferredtest.ErrorResultOf(t, p.GetPoem("three"))
	if !errors.Is(err, proxy.ErrUnknownOrigin) || err.Error() != `proxy: no such origin: "three"` {
		t.Errorf("the error is %v", err)
	}
	if got := p.Stats(); got != (proxy.Stats{}) {
		t.Errorf("it counts: %+v", got)
	}
}

func TestFetchOfAnyKind(t *testing.T) {
	var wrong *deferred.TypeError
	var panicked *deferred.PanicError
	tests := []struct {
		name  string
		fetch proxy.Fetch
		ok    func(err error) bool // nil: it succeeds
	}{
		{"at once", func() *deferred.Deferred { return deferred.Succeed([]byte("poem")) }, nil},
		{"fails at once", func() *deferred.Deferred { return deferred.Fail(errOrigin) },
			func(err error) bool { return errors.Is(err, errOrigin) }},
		{"panics", func() *deferred.Deferred { panic(errOrigin) },
			func(err error) bool { return errors.As(err, &panicked) && errors.Is(err, errOrigin) }},
		{"no Deferred", func() *deferred.Deferred { return nil },
			func(err error) bool { return err != nil }},
		{"another type", func() *deferred.Deferred { return deferred.Succeed(5) },
			func(err error) bool { return errors.As(err, &wrong) }},
		{"nothing", func() *deferred.Deferred { return deferred.Succeed(nil) },
			func(err error) bool { return errors.Is(err, poetry.ErrNoBytes) }},
		{"an empty poem", func() *deferred.Deferred { return deferred.Succeed([]byte{}) },
			func(err error) bool { return errors.Is(err, poetry.ErrNoBytes) }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			deferredtest.Unhandled(t)
			s := proxy.NewService(clock.NewFake(), map[string]proxy.Fetch{"one": test.fetch}, proxy.Options{})
			d := s.GetPoem("one")
			if test.ok == nil {
				wantsPoem(t, []*deferred.Deferred{d}, "poem")
				return
			}
			if err := deferredtest.ErrorResultOf(t, d); !test.ok(err) {
				t.Errorf("the error is %v", err)
			}
			if got := s.State("one"); got != proxy.Empty {
				t.Errorf("the poem is %v", got)
			}
		})
	}
}

func TestStatesHaveNames(t *testing.T) {
	for s, want := range map[proxy.State]string{proxy.Empty: "empty", proxy.Fetching: "fetching", proxy.Cached: "cached"} {
		if s.String() != want {
			t.Errorf("state %d is %q, want %q", s, s, want)
		}
	}
}
