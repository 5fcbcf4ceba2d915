package poetry_test

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"skein/apps/poetry"
	"skein/deferred"
	"skein/protocol"
	"skein/protocol/protocoltest"
	"skein/reactor"
)

// quiet makes a reactor for an example: without log and signals.
func quiet() *reactor.Reactor {
	r, err := reactor.New(reactor.WithLogger(zerolog.Nop()), reactor.WithoutSignals())
	if err != nil {
		panic(err)
	}
	return r
}

// The fast server sends each client its poem and closes. A factory needs no
// reactor to be tried: here client and server meet in memory.
func ExampleFactory() {
	f := &poetry.Factory{Poem: poetry.Builtin()[0]}

	client := &protocoltest.Recorder{}
	protocoltest.NewPair(client, f.BuildProtocol(nil)).Pump()

	fmt.Println(strings.SplitN(string(client.Received()), "\n", 2)[0])
	fmt.Println(client.Reason())
	// Output:
	// Ozymandias
	// connection was closed cleanly
}

// The slow server runs on any clock: the reactor's own, or a fake one.
func ExampleSlowFactory() {
	r := quiet()
	port, err := r.ListenTCP("localhost:0", &poetry.SlowFactory{
		Poem:     poetry.Poem{Title: "haiku", Text: []byte("old pond / a frog jumps in / water's sound\n")},
		Clock:    r,
		NumBytes: 11,
		Delay:    10 * time.Millisecond,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	poetry.GetPoem(r, port.Addr().String(), poetry.Options{
		OnData: func(piece []byte) { fmt.Printf("%q\n", piece) },
	}).AddBoth(func(any, error) (any, error) { return nil, r.Stop() })
	_ = r.Run()
	// Output:
	// "old pond / "
	// "a frog jump"
	// "s in / wate"
	// "r's sound\n"
}

// Several fetches run side by side on one loop, and one that fails does not
// disturb the others.
func ExampleGetPoem() {
	r := quiet()
	var fetches []*deferred.Deferred
	for _, poem := range poetry.Builtin() {
		port, err := r.ListenTCP("localhost:0", &poetry.Factory{Poem: poem})
		if err != nil {
			fmt.Println(err)
			return
		}
		fetches = append(fetches, poetry.GetPoem(r, port.Addr().String(), poetry.Options{}))
	}
	fetches = append(fetches, poetry.GetPoem(r, "localhost:99999", poetry.Options{}))

	all := deferred.DeferredList(fetches, deferred.ConsumeErrors())
	deferred.Then(all, func(results []deferred.Result) (any, error) {
		for _, res := range results {
			if res.Err != nil {
				fmt.Println(res.Err)
				continue
			}
			fmt.Println(strings.SplitN(string(res.Value.([]byte)), "\n", 2)[0])
		}
		return nil, r.Stop()
	})
	_ = r.Run()
	// Output:
	// Ozymandias
	// Sonnet — To Science
	// The Tyger
	// no poem from localhost:99999: port "99999" is not a number from 0 to 65535
}

// A poem that was cut is an error, which tells how far it came.
func ExampleFetchError() {
	r := quiet()
	server := &rude{}
	port, err := r.ListenTCP("localhost:0", protocol.FactoryFunc(func(net.Addr) protocol.Protocol { return server }))
	if err != nil {
		fmt.Println(err)
		return
	}
	d := poetry.GetPoem(r, port.Addr().String(), poetry.Options{
		OnData: func([]byte) { server.Transport.AbortConnection() },
	})
	d.AddErrback(func(err error) (any, error) {
		var cut *poetry.FetchError
		if errors.As(err, &cut) {
			fmt.Printf("%d bytes, then a reset: %t\n", cut.Bytes, errors.Is(err, protocol.ErrConnectionLost))
		}
		return nil, r.Stop()
	})
	_ = r.Run()
	// Output:
	// 15 bytes, then a reset: true
}

// rude sends the beginning of a poem.
type rude struct{ protocol.Base }

func (r *rude) ConnectionMade()     { _, _ = r.Transport.Write([]byte("Shall I compare")) }
func (r *rude) DataReceived([]byte) {}
