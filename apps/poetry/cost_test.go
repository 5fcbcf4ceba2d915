package poetry_test

import (
	"testing"

	"skein/apps/poetry"
	"skein/protocol"
)

// A client costs this package one object: its protocol. (The sink is the test's.)
func TestAClientCostsOneAllocation(t *testing.T) {
	f, out := &poetry.Factory{Poem: poetry.Builtin()[0]}, &sink{}
	n := testing.AllocsPerRun(1000, func() {
		*out = sink{}
		p := f.BuildProtocol(nil)
		p.MakeConnection(out)
		p.ConnectionMade()
		p.ConnectionLost(protocol.ErrConnectionDone)
		if out.taken != len(f.Poem.Text) || !out.closed {
			t.Errorf("%d bytes came, closed: %t", out.taken, out.closed)
		}
	})
	if n > 1 {
		t.Errorf("%v allocations", n)
	}
}
