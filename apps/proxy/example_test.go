package proxy_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"skein/apps/poetry"
	"skein/apps/proxy"
	"skein/deferred"
	"skein/deferred/clock"
	"skein/protocol"
	"skein/protocol/protocoltest"
	"skein/reactor"
)

// visit lets a client come to a server, and returns it.
func visit(f protocol.Factory) *protocoltest.Recorder {
	client := &protocoltest.Recorder{}
	protocoltest.NewPair(client, f.BuildProtocol(nil)).Pump()
	return client
}

// The first version returns a poem or a Deferred, and MaybeDeferred makes one
// of the other: it is synchronous when it can be, and its server cannot tell.
func ExampleProxyService1() {
	fetches := 0
	s := &proxy.ProxyService1{Fetch: func() *deferred.Deferred {
		fetches++
		return deferred.Succeed([]byte("a poem"))
	}}
	for range 2 {
		poem, _ := s.GetPoem()
		fmt.Printf("GetPoem returned a %T; ", poem)
		fmt.Printf("a client got %q\n", visit(s.Factory()).Received())
	}
	fmt.Println("fetches:", fetches)
	// Output:
	// GetPoem returned a *deferred.Deferred; a client got "a poem"
	// GetPoem returned a []uint8; a client got "a poem"
	// fetches: 1
}

// The second version always returns a Deferred, which has fired already if the
// poem is there.
func ExampleProxyService2() {
	fetches, server := 0, deferred.New() // the poem's server, which takes its time
	s := &proxy.ProxyService2{Fetch: func() *deferred.Deferred {
		fetches++
		return server
	}}

	first := s.GetPoem()
	fmt.Println("fired:", first.Called())
	server.Callback([]byte("a poem"))
	fmt.Println("fired:", first.Called())
	fmt.Println("fired:", s.GetPoem().Called())
	client := visit(s.Factory())
	fmt.Printf("a client got %q; %v\n", client.Received(), client.Reason())
	fmt.Println("fetches:", fetches)
	// Output:
	// fired: false
	// fired: true
	// fired: true
	// a client got "a poem"; connection was closed cleanly
	// fetches: 1
}

// However many ask, there is one fetch; each of them waits on a Deferred of its
// own, and may stop waiting.
func ExampleService() {
	c := clock.NewFake()
	server := deferred.New()
	s := proxy.NewService(c, map[string]proxy.Fetch{
		"a poem": func() *deferred.Deferred { return server },
	}, proxy.Options{TTL: time.Hour})

	for _, name := range []string{"Ann", "Ben", "Cid"} {
		d := s.GetPoem("a poem")
		d.AddCallbacks(
			func(poem any) (any, error) { return fmt.Printf("%s got %s\n", name, poem) },
			func(err error) (any, error) { return fmt.Println(name, "did not:", err) })
		if name == "Ben" {
			d.Cancel()
		}
	}
	server.Callback([]byte("the poem"))
	fmt.Println(s.State("a poem"), "after", s.Stats().Fetches, "fetch")
	c.Advance(time.Hour)
	fmt.Println(s.State("a poem"), "an hour later")
	// Output:
	// Ben did not: deferred: cancelled
	// Ann got the poem
	// Cid got the poem
	// cached after 1 fetch
	// empty an hour later
}

// A proxy is one more server on the loop.
func ExampleFactory() {
	r, err := reactor.New(reactor.WithLogger(zerolog.Nop()), reactor.WithoutSignals())
	if err != nil {
		panic(err)
	}
	origin, err := r.ListenTCP("localhost:0", &poetry.Factory{Poem: poetry.Builtin()[0]})
	if err != nil {
		panic(err)
	}
	s := proxy.NewService(r, map[string]proxy.Fetch{
		"ozymandias": proxy.FetchFrom(r, origin.Addr().String(), poetry.Options{}),
	}, proxy.Options{})
	port, err := r.ListenTCP("localhost:0", &proxy.Factory{Service: s, Origin: "ozymandias"})
	if err != nil {
		panic(err)
	}

	d := poetry.GetPoem(r, port.Addr().String(), poetry.Options{})
	deferred.Then(d, func(poem []byte) (any, error) {
		return fmt.Println(strings.SplitN(string(poem), "\n", 2)[0])
	})
	d.AddBoth(func(any, error) (any, error) { return nil, r.Stop() })
	_ = r.Run()
	// Output:
	// Ozymandias
}

// shouting is a transformer.
type shouting struct{ asked int }

func (s *shouting) Xform(_ string, poem []byte) *deferred.Deferred {
	s.asked++
	return deferred.Succeed([]byte(strings.ToUpper(string(poem))))
}

// A cache of transforms is a transformer in front of another.
func ExampleTransformCache() {
	s := &shouting{}
	cache := proxy.NewTransformCache(clock.NewFake(), s, proxy.Options{})
	for range 3 {
		deferred.Then(cache.Xform("shout", []byte("here is my poem")), func(poem []byte) (any, error) {
			return fmt.Printf("%s\n", poem)
		})
	}
	fmt.Println("asked:", s.asked)
	// Output:
	// HERE IS MY POEM
	// HERE IS MY POEM
	// HERE IS MY POEM
	// asked: 1
}
