package reactor_test

import (
	"fmt"
	"runtime"
	"testing"

	"skein/deferred"
	"skein/protocol"
	"skein/reactor"
	"skein/reactor/reactortest"
)

// TestMessagesDoNotAllocate sends messages to and fro between two ends on one
// loop, over real sockets, and counts what is allocated once the pools are
// filled: nothing for an event.
func TestMessagesDoNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	const warm, trips = 300, 3000
	pieces := make([][]byte, 3)
	for i := range pieces {
		pieces[i] = make([]byte, 700)
	}
	cases := []struct {
		name  string
		size  int
		write func(protocol.Transport, []byte)
	}{
		{"64 bytes", 64, func(t protocol.Transport, p []byte) { _, _ = t.Write(p) }},
		{"100 KiB, more than a turn reads", 100 << 10, func(t protocol.Transport, p []byte) { _, _ = t.Write(p) }},
		{"shared", 4 << 10, func(t protocol.Transport, p []byte) { _ = t.WriteShared(p) }},
		{"in pieces", 2100, func(t protocol.Transport, p []byte) { _ = t.WriteSequence(pieces) }},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
				message, done := make([]byte, tc.size), deferred.New()
				port, addr := listen(t, r, build(echo))
				trip, got, before := 0, 0, uint64(0)
				r.ConnectTCP(addr, &client{t: t, p: &proto{
					made: func(p *proto) { tc.write(p.Transport, message) },
					data: func(p *proto, data []byte) {
						if got += len(data); got < tc.size {
							return
						}
						got = 0
						trip++
						switch trip {
						case warm:
							before = mallocs()
						case warm + trips:
							if n := mallocs() - before; n > trips/100 {
								p.Transport.AbortConnection()
								done.Errback(fmt.Errorf("%d allocations for %d round trips", n, trips))
								return
							}
							p.Transport.LoseConnection()
							done.Callback(nil)
							return
						}
						tc.write(p.Transport, message)
					},
				}})
				return closing(port, done)
			})
		})
	}
}

// mallocs returns how many objects have been allocated.
func mallocs() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}

// TestManyLongAnswersDoNotAllocate has many clients ask at once for long answers, which
// may not all lie ready in the loop before the first one leaves.
func TestManyLongAnswersDoNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	const conns, size, warm, rounds = 64, 60 << 10, 20, 50
	reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
		message, done := make([]byte, size), deferred.New()
		var clients []*proto
		ask := func() {
			for _, p := range clients {
				_ = p.Transport.WriteShared(message)
			}
		}
		got, round, before := 0, 0, uint64(0)
		port, addr := listen(t, r, build(echo))
		for range conns {
			r.ConnectTCP(addr, &client{t: t, p: &proto{
				made: func(p *proto) {
					if clients = append(clients, p); len(clients) == conns {
						ask()
					}
				},
				data: func(_ *proto, data []byte) {
					if got += len(data); got < conns*size {
						return
					}
					got = 0
					switch round++; round {
					case warm:
						before = mallocs()
					case warm + rounds:
						if n := mallocs() - before; n > rounds {
							t.Errorf("%d allocations for %d rounds of %d answers", n, rounds, conns)
						}
						for _, p := range clients {
							p.Transport.LoseConnection()
						}
						done.Callback(nil)
						return
					}
					ask()
				},
			}})
		}
		return closing(port, done)
	})
}
