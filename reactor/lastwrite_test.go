package reactor_test

import (
	"bytes"
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/rs/zerolog"

	"skein/protocol"
	"skein/reactor"
	"skein/reactor/internal/kernel"
)

// listener is the machine's kernel, and notes what it is given to write.
type listener struct {
	kernel.Kernel
	offers []offer
}

// offer is one call: how many bytes, how many of them were taken, and whether the
// end was said to follow.
type offer struct {
	bytes, taken int
	last         bool
}

func (l *listener) Write(fd int, p []byte, last bool) (int, syscall.Errno) {
	n, errno := l.Kernel.Write(fd, p, last)
	l.offers = append(l.offers, offer{len(p), n, last})
	return n, errno
}

func (l *listener) Writev(fd int, bufs [][]byte, last bool) (int, syscall.Errno) {
	n, errno := l.Kernel.Writev(fd, bufs, last)
	l.offers = append(l.offers, offer{len(bytes.Join(bufs, nil)), n, last})
	return n, errno
}

// pieces is a pull producer of that many pieces of ten bytes.
type pieces struct {
	t    protocol.Transport
	left int
}

func (p *pieces) ResumeProducing() {
	_, _ = p.t.Write(make([]byte, 10))
	if p.left--; p.left == 0 {
		p.t.UnregisterProducer()
	}
}

func (*pieces) StopProducing() {}

// TestTheLastWriteIsTheLast: the kernel holds back what is said to be followed by
// the end, so only the write is said to be that has the last byte. None is larger
// than a turn's share.
func TestTheLastWriteIsTheLast(t *testing.T) {
	const share = 256 << 10
	tests := []struct {
		name  string
		write func(protocol.Transport)
		bytes int
	}{
		{"one piece", func(t protocol.Transport) { _, _ = t.Write(make([]byte, 100)) }, 100},
		{"a large shared one", func(t protocol.Transport) { _ = t.WriteShared(make([]byte, 4*share+1)) }, 4*share + 1},
		{"large ones and small ones", func(t protocol.Transport) {
			_ = t.WriteShared(make([]byte, 2*share))
			_, _ = t.Write(make([]byte, 100))
			_ = t.WriteShared(make([]byte, share))
		}, 3*share + 100},
		{"a producer", func(t protocol.Transport) { _ = t.RegisterProducer(&pieces{t, 7}, false) }, 70},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			k, err := kernel.Open()
			if err != nil {
				t.Fatal(err)
			}
			l := &listener{Kernel: k}
			r := reactor.NewOn(l, reactor.WithLogger(zerolog.Nop()), reactor.WithoutSignals())
			_, addr := listen(t, r, build(func() protocol.Protocol {
				return &proto{
					made: func(p *proto) { test.write(p.Transport); p.Transport.LoseConnection() },
					lost: func(*proto, error) { _ = r.Stop() },
				}
			}))
			came := make(chan int64)
			go func() {
				var n int64
				if c, err := net.Dial("tcp", addr); err == nil {
					n, _ = io.Copy(io.Discard, c)
					_ = c.Close()
				}
				came <- n
			}()
			if err := r.Run(); err != nil {
				t.Fatal(err)
			}
			if n := <-came; n != int64(test.bytes) {
				t.Errorf("%d bytes came, want %d", n, test.bytes)
			}
			sent := 0
			for _, o := range l.offers {
				if o.bytes > share || o.last != (sent+o.bytes == test.bytes) {
					t.Errorf("behind %d of %d bytes, %d are offered, as the last: %t", sent, test.bytes, o.bytes, o.last)
				}
				sent += max(o.taken, 0)
			}
		})
	}
}
