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
