package proxy_test

import (
	"errors"
	"testing"

	"skein/apps/proxy"
	"skein/deferred"
	"skein/deferred/deferredtest"
)

// What a waiting client's callback may do to the cache that is just calling it.

func TestPanickingWaiterHurtsNobodyElse(t *testing.T) {
	p := newProxied(t, proxy.Options{})
	all := p.ask(3)
	all[1].AddCallback(func(any) (any, error) { panic("the client is upset") })
	p.one.last().Callback([]byte("poem"))
	wantsPoem(t, []*deferred.Deferred{all[0], all[2]}, "poem")
	var panicked *deferred.PanicError
	if err := deferredtest.ErrorResultOf(t, all[1]); !errors.As(err, &panicked) {
		t.Errorf("the error is %v", err)
	}
	p.wants(t, proxy.Cached, 1, 0)
}

func TestWaiterAsksAgain(t *testing.T) {
	p := newProxied(t, proxy.Options{})
	all := p.ask(3)
	var again *deferred.Deferred
	all[0].AddCallback(func(poem any) (any, error) {
		again = p.GetPoem("one")
		return poem, nil
	})
	p.one.last().Callback([]byte("poem"))
	wantsPoem(t, append(all, again), "poem")
	p.wants(t, proxy.Cached, 1, 0)
}

func TestWaiterAsksAgainAfterAFailure(t *testing.T) {
	p := newProxied(t, proxy.Options{})
	all := p.ask(3)
	for _, d := range all { // each tries once more, from inside the failure
		d.AddErrback(func(error) (any, error) { return p.GetPoem("one"), nil })
	}
	p.one.last().Errback(errOrigin)
	p.wants(t, proxy.Fetching, 2, 0) // all of them share the second fetch
	p.one.last().Callback([]byte("poem"))
	wantsPoem(t, all, "poem")
}

func TestWaiterAsksAgainForWhatIsNotKept(t *testing.T) {
	p := newProxied(t, proxy.Options{MaxBytes: proxy.NoCache})
	all := p.ask(2)
	var again *deferred.Deferred
	all[0].AddCallback(func(poem any) (any, error) {
		again = p.GetPoem("one")
		return poem, nil
	})
	p.one.last().Callback([]byte("poem"))
	wantsPoem(t, all, "poem") // the second did not fall into the second fetch
	deferredtest.NoResult(t, again)
	p.wants(t, proxy.Fetching, 2, 0)
	p.one.last().Callback([]byte("another"))
	wantsPoem(t, []*deferred.Deferred{again}, "another")
}

func TestWaiterCancelsTheOthers(t *testing.T) {
	for _, fails := range []bool{false, true} {
		p := newProxied(t, proxy.Options{})
		all := p.ask(4)
		all[1].AddBoth(func(v any, err error) (any, error) {
			for _, d := range all { // itself and one that has its poem, too
				d.Cancel()
			}
			return v, err
		})
		if fails {
			p.one.last().Errback(errOrigin)
		} else {
			p.one.last().Callback([]byte("poem"))
			p.wants(t, proxy.Cached, 1, 0) // the fetch had ended: nothing to cancel
		}
		for i, want := range []error{errOrigin, errOrigin, deferred.ErrCancelled, deferred.ErrCancelled} {
			if want == errOrigin && !fails {
				wantsPoem(t, all[i:i+1], "poem")
			} else if err := deferredtest.ErrorResultOf(t, all[i]); !errors.Is(err, want) {
				t.Errorf("client %d has got %v, want %v", i, err, want)
			}
		}
		if got := p.Stats(); got.Waiting != 0 || got.Cancelled != 0 {
			t.Errorf("the numbers are %+v", got)
		}
	}
}

func TestWaiterClearsTheCache(t *testing.T) {
	p := newProxied(t, proxy.Options{})
	all := p.ask(3)
	all[0].AddCallback(func(poem any) (any, error) {
		p.Clear()
		return poem, nil
	})
	p.one.last().Callback([]byte("poem"))
	wantsPoem(t, all, "poem")
	p.wants(t, proxy.Empty, 1, 0)
}

func TestCancelledFetchAsksAgain(t *testing.T) {
	p := newProxied(t, proxy.Options{})
	var again *deferred.Deferred
	p.one.onCancel = func() { again = p.GetPoem("one") }
	first := p.GetPoem("one")
	first.Cancel()
	if err := deferredtest.ErrorResultOf(t, first); !errors.Is(err, deferred.ErrCancelled) {
		t.Errorf("the error is %v", err)
	}
	p.wants(t, proxy.Fetching, 2, 1)
	p.one.last().Callback([]byte("poem"))
	wantsPoem(t, []*deferred.Deferred{again}, "poem")
}

func TestCancelledFetchThatEndsAllTheSame(t *testing.T) {
	p := newProxied(t, proxy.Options{})
	first := p.GetPoem("one")
	stubborn := p.one.last()
	p.one.onCancel = func() { stubborn.Callback([]byte("too late")) }
	first.Cancel()
	if err := deferredtest.ErrorResultOf(t, first); !errors.Is(err, deferred.ErrCancelled) {
		t.Errorf("the error is %v", err)
	}
	p.wants(t, proxy.Empty, 1, 1) // nobody had waited for it any more
}
