package load_test

import (
	"runtime"
	"testing"
	"time"

	"skein/bench/load"
	"skein/deferred"
	"skein/reactor"
	"skein/reactor/reactortest"
)

// An operation of echo costs no allocation, neither of the load's nor of the
// server's: a collection would show in the latency.
func TestEchoDoesNotAllocate(t *testing.T) {
	reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
		operations := 0
		port, err := r.ListenTCP("127.0.0.1:0", (&behaviour{data: func(p *peer, data []byte) {
			operations++
			_, _ = p.Transport.Write(data)
		}}).factory(r))
		if err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		first := 0
		r.CallLater(200*time.Millisecond, func() {
			first = operations
			runtime.ReadMemStats(&before)
		})
		r.CallLater(700*time.Millisecond, func() {
			runtime.ReadMemStats(&after)
			operations -= first
		})
		var result *load.Result
		o := load.Options{Mode: load.Echo, Conns: 10, For: time.Second, Size: 64, Interval: time.Minute}
		return deferred.ThenDeferred(attack(r, o, port.Addr().String(), &result), func(any) *deferred.Deferred {
			each := float64(after.Mallocs-before.Mallocs) / float64(operations)
			if operations < 1000 || each > 0.05 { // the sweeps, twice a second, are in it
				t.Errorf("%d operations, %.3f allocations each", operations, each)
			}
			return port.StopListening()
		})
	})
}
