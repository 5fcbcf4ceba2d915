package poetry_test

import (
	"net"
	"testing"

	"skein/apps/poetry"
	"skein/protocol"
)

// sink is a transport that takes everything and keeps only how much it was.
type sink struct {
	protocol.Transport
	taken  int
	closed bool
}

func (s *sink) WriteShared(p []byte) error { s.taken += len(p); return nil }
func (s *sink) LoseConnection()            { s.closed = true }
func (s *sink) RemoteAddr() net.Addr       { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1234} }

// BenchmarkServe is the life of a connection, as far as it lies with the server.
func BenchmarkServe(b *testing.B) {
	poem := poetry.Builtin()[0]
	f := &poetry.Factory{Poem: poem}
	t := &sink{}
	b.ReportAllocs()
	for b.Loop() {
		*t = sink{}
		p := f.BuildProtocol(nil)
		p.MakeConnection(t)
		p.ConnectionMade()
		p.ConnectionLost(protocol.ErrConnectionDone)
		if t.taken != len(poem.Text) || !t.closed {
			b.Fatalf("%d bytes came, closed: %t", t.taken, t.closed)
		}
	}
}
