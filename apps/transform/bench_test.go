package transform_test

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"skein/apps/transform"
	"skein/deferred/clock"
	"skein/protocol"
)

// sink is a transport that takes everything and keeps only how much it was.
type sink struct {
	protocol.Transport
	taken, writes int
	closed        bool
}

func (s *sink) Write(p []byte) (int, error) { s.taken += len(p); s.writes++; return len(p), nil }

func (s *sink) WriteSequence(bufs [][]byte) error {
	s.writes++
	for _, p := range bufs {
		s.taken += len(p)
	}
	return nil
}

func (s *sink) RemoteAddr() net.Addr                           { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1234} }
func (s *sink) RegisterProducer(protocol.Producer, bool) error { return nil }
func (s *sink) UnregisterProducer()                            {}
func (s *sink) Disconnecting() bool                            { return s.closed }
func (s *sink) LoseConnection()                                { s.closed = true }
func (s *sink) LoseConnectionCause(error)                      { s.closed = true }

// quiet returns a server that pipelines and does not log.
func quiet(c clock.Scheduler) *transform.Server {
	service := &transform.Service{Clock: c}
	return &transform.Server{Permitted: service.Table(), Direct: service.Direct(), Clock: c, Pipeline: true}
}

// BenchmarkRequests sends requests, as many in one piece as the depth says, over
// a connection that stands.
func BenchmarkRequests(b *testing.B) {
	for _, depth := range []int{1, 16} {
		for _, size := range []int{64, 256} {
			b.Run(fmt.Sprintf("depth=%d/bytes=%d", depth, size), func(b *testing.B) {
				request := netstring("cummingsify." + strings.Repeat("A Poem, ", size/8))
				chunk := []byte(strings.Repeat(request, depth))
				p, t := (&transform.Factory{Server: quiet(clock.NewFake())}).BuildProtocol(nil), &sink{}
				p.MakeConnection(t)
				p.ConnectionMade()
				b.ReportAllocs()
				n := 0
				for b.Loop() {
					p.DataReceived(chunk)
					n += depth
				}
				if want := n * len(netstring(strings.Repeat("x", size))); t.taken != want {
					b.Errorf("the answers to %d requests have %d bytes, want %d", n, t.taken, want)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/request")
			})
		}
	}
}

// BenchmarkAppend is what a request pays for its poem.
func BenchmarkAppend(b *testing.B) {
	direct := (&transform.Service{}).Direct()
	for _, size := range []int{64, 4 << 10} {
		for _, letters := range []struct{ name, poem string }{{"ascii", "A Poem, "}, {"utf8", "Ä Gedi. "}} {
			poem := []byte(strings.Repeat(letters.poem, size/len(letters.poem)))
			for _, name := range []string{"cummingsify", "shout"} {
				b.Run(fmt.Sprintf("%s/%s/bytes=%d", name, letters.name, size), func(b *testing.B) {
					dst := make([]byte, 0, 2*size)
					b.ReportAllocs()
					b.SetBytes(int64(len(poem)))
					for b.Loop() {
						if made := direct[name](dst, poem); len(made) != len(poem) {
							b.Fatalf("%d bytes", len(made))
						}
					}
				})
			}
		}
	}
}

// BenchmarkConnection is the life of a connection with one request.
func BenchmarkConnection(b *testing.B) {
	server := quiet(clock.NewFake())
	server.Pipeline = false
	f := &transform.Factory{Server: server}
	chunk := []byte(netstring("cummingsify." + strings.Repeat("Poem", 8)))
	b.ReportAllocs()
	for b.Loop() {
		p, t := f.BuildProtocol(nil), &sink{}
		p.MakeConnection(t)
		p.ConnectionMade()
		p.DataReceived(chunk)
		p.ConnectionLost(protocol.ErrConnectionDone)
		if t.taken != 36 || !t.closed {
			b.Fatalf("%d bytes came, closed: %t", t.taken, t.closed)
		}
	}
}
