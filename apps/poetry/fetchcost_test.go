//go:build !race

package poetry_test

import (
	"net"
	"runtime"
	"testing"

	"github.com/rs/zerolog"

	"skein/apps/poetry"
	"skein/protocol"
	"skein/reactor"
)

// giver is a server of which one object serves all, so that what a fetch costs is
// the client's.
type giver struct {
	protocol.Base
	poem []byte
}

// ConnectionMade sends the poem, and the end.
func (g *giver) ConnectionMade() {
	_ = g.Transport.WriteShared(g.poem)
	g.Transport.LoseConnection()
}

// DataReceived is never called.
func (g *giver) DataReceived([]byte) {}

// fetchAll fetches a poem of 3 KB again and again, over real sockets, as long as
// more says so. Each fetch begins in the callback of the one before.
func fetchAll(t testing.TB, more func() bool) {
	t.Helper()
	r, err := reactor.New(reactor.WithLogger(zerolog.Nop()), reactor.WithoutSignals())
	if err != nil {
		t.Fatal(err)
	}
	g := &giver{poem: make([]byte, 3<<10)}
	port, err := r.ListenTCP("127.0.0.1:0", protocol.FactoryFunc(func(net.Addr) protocol.Protocol { return g }))
	if err != nil {
		t.Fatal(err)
	}
	addr := port.Addr().String()
	var fetched func(poem any, err error) (any, error)
	fetch := func() { poetry.GetPoem(r, addr, poetry.Options{}).AddBoth(fetched) }
	fetched = func(poem any, err error) (any, error) {
		switch got, _ := poem.([]byte); {
		case len(got) != len(g.poem):
			t.Errorf("%d bytes came: %v", len(got), err)
			_ = r.Stop()
		case more():
			fetch()
		default:
			_ = r.Stop()
		}
		return nil, nil
	}
	r.CallWhenRunning(fetch)
	if err := r.Run(); err != nil {
		t.Fatal(err)
	}
}

// A fetch costs eight objects. Six are this package's: the factory with its
// protocol, the Deferred, two functions (to cancel it, and for the idle timeout),
// the poem, and the slice as a result. The rest are the reactor's: the connector,
// and a share of what both ends take from slabs.
func TestAFetchCostsEightAllocations(t *testing.T) {
	const warm, fetches, bound = 300, 1000, 8
	var before, after runtime.MemStats
	done := 0
	fetchAll(t, func() bool {
		if done++; done == warm {
			runtime.ReadMemStats(&before)
		}
		return done < warm+fetches
	})
	runtime.ReadMemStats(&after)
	n := float64(after.Mallocs-before.Mallocs) / fetches
	bytes := float64(after.TotalAlloc-before.TotalAlloc) / fetches
	if n > bound || bytes > 3<<10+1500 {
		t.Errorf("%.2f objects and %.0f bytes a fetch", n, bytes)
	}
}

// BenchmarkGetPoem is a fetch with all that it needs, the server's side included.
func BenchmarkGetPoem(b *testing.B) {
	b.ReportAllocs()
	left := b.N
	fetchAll(b, func() bool { left--; return left > 0 })
}
