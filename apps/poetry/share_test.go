package poetry_test

import (
	"sync"
	"testing"

	"skein/apps/poetry"
	"skein/protocol"
)

// A factory is no more than what its connections share, so reactors may share it, or
// have a copy of their own: no two clients ever get the same protocol.
func TestAFactoryServesSeveralReactors(t *testing.T) {
	const reactors, clients = 4, 1000
	f := &poetry.Factory{Poem: poetry.Builtin()[0]}
	f.BuildProtocol(nil)
	copied := *f
	made := make([][]protocol.Protocol, reactors)
	var all sync.WaitGroup
	for i := range made {
		from := []*poetry.Factory{f, &copied}[i%2]
		all.Go(func() {
			for range clients {
				made[i] = append(made[i], from.BuildProtocol(nil))
			}
		})
	}
	all.Wait()
	seen := map[protocol.Protocol]bool{}
	for _, some := range made {
		for _, p := range some {
			seen[p] = true
		}
	}
	if len(seen) != reactors*clients {
		t.Errorf("%d protocols for %d clients", len(seen), reactors*clients)
	}
}
