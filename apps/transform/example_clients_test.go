package transform_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"skein/apps/poetry"
	"skein/apps/transform"
	"skein/deferred"
	"skein/reactor"
)

// The clients of the tutorial, one example each, from the first that has
// Deferreds to the last. Each of them asks real servers, on the same loop.

// town is what the clients find: poetry servers, fast and slow, a transform
// server, and an address where nobody lives.
type town struct {
	*reactor.Reactor
	fast, slow, nobody string
	transform          string
}

// newTown opens the servers.
func newTown() *town {
	r, err := reactor.New(reactor.WithLogger(zerolog.Nop()), reactor.WithoutSignals())
	if err != nil {
		panic(err)
	}
	t := &town{Reactor: r, nobody: "localhost:99999"} // no port has such a number
	service := &transform.Service{Clock: r}
	fast, err1 := r.ListenTCP("localhost:0", &poetry.Factory{Poem: poetry.Poem{Text: []byte("Here Is A Poem")}})
	slow, err2 := r.ListenTCP("localhost:0", &poetry.SlowFactory{
		Poem: poetry.Poem{Text: []byte("Slow And Steady")}, Clock: r, NumBytes: 4, Delay: 10 * time.Millisecond,
	})
	xform, err3 := r.ListenTCP("localhost:0", &transform.Factory{Server: &transform.Server{Permitted: service.Table(), Clock: r}})
	if err := errors.Join(err1, err2, err3); err != nil {
		panic(err)
	}
	t.fast, t.slow, t.transform = fast.Addr().String(), slow.Addr().String(), xform.Addr().String()
	return t
}

// getPoem is get_poetry of the tutorial.
func (t *town) getPoem(addr string) *deferred.Deferred {
	return poetry.GetPoem(t.Reactor, addr, poetry.Options{})
}

// Client 4.0: get_poetry returns a Deferred, to which the callback and the
// errback are added. The third callback runs whatever has happened, and counts.
func Example_client4() {
	t := newTown()
	addresses := []string{t.nobody, t.fast, t.slow}

	done := 0
	gotPoem := func(poem any) (any, error) { return fmt.Printf("%s\n", poem) }
	poemFailed := func(err error) (any, error) { return fmt.Println("Poem failed:", err) }
	poemDone := func(any, error) (any, error) {
		if done++; done == len(addresses) {
			return nil, t.Stop()
		}
		return nil, nil
	}
	for _, addr := range addresses {
		d := t.getPoem(addr)
		d.AddCallbacks(gotPoem, poemFailed)
		d.AddBoth(poemDone)
	}
	_ = t.Run()
	// Unordered output:
	// Poem failed: no poem from localhost:99999: port "99999" is not a number from 0 to 65535
	// Here Is A Poem
	// Slow And Steady
}

// gibberish and cannot are the two ways in which the tutorial's engine fails.
type gibberish struct{}

func (gibberish) Error() string { return "it came out as gibberish" }

type cannot struct{ poem []byte }

func (cannot) Error() string { return "cannot cummingsify" }

// Client 5.1: a chain. The errback in its middle falls back to the original poem
// for one kind of error, and passes on the other, which skips the next callback.
func Example_client5() {
	t := newTown()
	engines := []func(poem []byte) (any, error){
		func(poem []byte) (any, error) { return (&transform.Service{}).Cummingsify(string(poem)), nil },
		func(poem []byte) (any, error) { return nil, cannot{poem} },
		func([]byte) (any, error) { return nil, gibberish{} },
	}
	var all []*deferred.Deferred
	for i, engine := range engines {
		d := t.getPoem(t.fast)
		deferred.Then(d, engine)
		deferred.Catch(d, func(err cannot) (any, error) {
			fmt.Println(i, "Cummingsify failed!")
			return err.poem, nil
		})
		d.AddCallbacks(
			func(poem any) (any, error) { return fmt.Printf("%d %s\n", i, poem) },
			func(err error) (any, error) { return fmt.Println(i, "The poem download failed:", err) })
		all = append(all, d)
	}
	deferred.DeferredList(all).AddCallback(func(any) (any, error) { return nil, t.Stop() })
	_ = t.Run()
	// Unordered output:
	// 0 here is a poem
	// 1 Cummingsify failed!
	// 1 Here Is A Poem
	// 2 The poem download failed: it came out as gibberish
}

// Client 6.0: the transformation takes time, too. A callback that returns a
// Deferred makes the chain wait for it; its own errback falls back.
func Example_client6() {
	t := newTown()
	proxies := []*transform.Proxy{
		{Reactor: t.Reactor, Addr: t.transform},
		{Reactor: t.Reactor, Addr: t.nobody},
	}
	var all []*deferred.Deferred
	for _, proxy := range proxies {
		tryToCummingsify := func(poem []byte) *deferred.Deferred {
			d := proxy.Xform("cummingsify", poem)
			return d.AddErrback(func(error) (any, error) {
				fmt.Println("Cummingsify failed!")
				return poem, nil
			})
		}
		d := t.getPoem(t.fast)
		deferred.ThenDeferred(d, tryToCummingsify)
		d.AddCallbacks(
			func(poem any) (any, error) { return fmt.Printf("%s\n", poem) },
			func(error) (any, error) { return fmt.Println("The poem download failed.") })
		all = append(all, d)
	}
	deferred.DeferredList(all).AddCallback(func(any) (any, error) { return nil, t.Stop() })
	_ = t.Run()
	// Unordered output:
	// here is a poem
	// Cummingsify failed!
	// Here Is A Poem
}

// Client 7.0: the same as an inline callback. It reads like blocking code, and
// the loop goes on wherever it awaits.
func Example_client7() {
	t := newTown()
	proxy := &transform.Proxy{Reactor: t.Reactor, Addr: t.transform}

	getTransformed := func(addr string) *deferred.Deferred {
		return deferred.InlineCallbacks(func(in *deferred.Inline) (any, error) {
			poem, err := deferred.Await[[]byte](in, t.getPoem(addr))
			if err != nil {
				fmt.Println("The poem download failed:", err)
				return nil, err
			}
			better, err := deferred.Await[[]byte](in, proxy.Xform("cummingsify", poem))
			if err != nil {
				fmt.Println("Cummingsify failed!")
				better = poem
			}
			fmt.Printf("%s\n", better)
			return nil, nil
		})
	}
	deferred.DeferredList([]*deferred.Deferred{
		getTransformed(t.nobody), getTransformed(t.fast), getTransformed(t.slow),
	}, deferred.ConsumeErrors()).AddCallback(func(any) (any, error) { return nil, t.Stop() })
	_ = t.Run()
	// Unordered output:
	// The poem download failed: no poem from localhost:99999: port "99999" is not a number from 0 to 65535
	// here is a poem
	// slow and steady
}

// Client 8.0: a DeferredList does the counting. Its results are in the order of
// the Deferreds, however the poems came.
func Example_client8() {
	t := newTown()
	proxy := &transform.Proxy{Reactor: t.Reactor, Addr: t.transform}

	var all []*deferred.Deferred
	for _, addr := range []string{t.slow, t.nobody, t.fast} {
		d := t.getPoem(addr)
		deferred.ThenDeferred(d, func(poem []byte) *deferred.Deferred { return proxy.Xform("cummingsify", poem) })
		all = append(all, d)
	}
	d := deferred.DeferredList(all, deferred.ConsumeErrors())
	deferred.Then(d, func(results []deferred.Result) (any, error) {
		for _, res := range results {
			if res.OK() {
				fmt.Printf("%s\n", res.Value)
			} else {
				fmt.Println("no poem")
			}
		}
		return nil, t.Stop()
	})
	_ = t.Run()
	// Output:
	// slow and steady
	// no poem
	// here is a poem
}

// Client 9: whoever has a Deferred may cancel it. Here that is a fetch that takes
// too long, and a chain that waits for the transformation in its middle: cancelling
// the outer Deferred cancels the one that it waits for.
func Example_client9() {
	t := newTown()
	proxy := &transform.Proxy{Reactor: t.Reactor, Addr: t.transform}

	fetch := t.getPoem(t.slow)
	t.CallLater(15*time.Millisecond, fetch.Cancel)
	fetch.AddErrback(func(err error) (any, error) {
		var cut *poetry.FetchError
		return fmt.Println("given up in the middle:", errors.As(err, &cut), errors.Is(err, deferred.ErrCancelled))
	})

	chain := t.getPoem(t.fast)
	deferred.ThenDeferred(chain, func(poem []byte) *deferred.Deferred {
		t.CallLater(50*time.Millisecond, chain.Cancel) // the transformation takes a second
		return proxy.Xform("slowly", poem)
	})
	chain.AddErrback(func(err error) (any, error) {
		return fmt.Println("given up:", errors.Is(err, deferred.ErrCancelled))
	})

	deferred.DeferredList([]*deferred.Deferred{fetch, chain}).AddCallback(func(any) (any, error) { return nil, t.Stop() })
	_ = t.Run()
	// Output:
	// given up in the middle: true true
	// given up: true
}
