package proxy_test

import (
	"bytes"
	"net"
	"testing"

	"skein/apps/proxy"
	"skein/deferred"
	"skein/deferred/clock"
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

// cachedFactory returns a factory whose poem is in the cache.
func cachedFactory(poem []byte) *proxy.Factory {
	fetch := func() *deferred.Deferred { return deferred.Succeed(poem) }
	s := proxy.NewService(clock.NewFake(), map[string]proxy.Fetch{"poem": fetch}, proxy.Options{})
	s.GetPoem("poem")
	return &proxy.Factory{Service: s, Origin: "poem"}
}

// BenchmarkCached is the life of a connection whose poem is in the cache, as far
// as it lies with the proxy.
func BenchmarkCached(b *testing.B) {
	poem := bytes.Repeat([]byte("a line\n"), 400)
	f := cachedFactory(poem)
	t := &sink{}
	b.ReportAllocs()
	for b.Loop() {
		*t = sink{}
		p := f.BuildProtocol(nil)
		p.MakeConnection(t)
		p.ConnectionMade()
		p.ConnectionLost(protocol.ErrConnectionDone)
		if t.taken != len(poem) || !t.closed {
			b.Fatalf("%d bytes came, closed: %t", t.taken, t.closed)
		}
	}
}
