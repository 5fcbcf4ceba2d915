package reactor_test

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"

	"skein/deferred"
	"skein/protocol"
	"skein/reactor"
	"skein/reactor/reactortest"
)

// TestNagleIsOff: of accepted connections from the beginning, of clients from the
// first byte that they write, unless they wish otherwise.
func TestNagleIsOff(t *testing.T) {
	isOff := func(p *proto) bool {
		v, err := unix.GetsockoptInt(reactor.FD(p.Transport), unix.IPPROTO_TCP, unix.TCP_NODELAY)
		if err != nil {
			t.Error(err)
		}
		return v != 0
	}
	wish := func(p *proto, on bool) {
		if err := p.Transport.(protocol.TCPOptions).SetNoDelay(on); err != nil {
			t.Error(err)
		}
	}
	write := func(p *proto) { _, _ = p.Transport.Write([]byte("hello")) } // else no echo comes
	cases := []struct {
		name string
		made func(*proto)
		off  bool
	}{
		{"what was written", write, true},
		{"a wish before", func(p *proto) { wish(p, false); write(p) }, false},
		{"two wishes before", func(p *proto) { wish(p, false); wish(p, true); write(p) }, true},
		{"a wish behind", func(p *proto) { write(p); wish(p, false) }, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
				done := deferred.New()
				port, err := r.ListenTCP("127.0.0.1:0", protocol.FactoryFunc(func(net.Addr) protocol.Protocol {
					return &proto{
						made: func(p *proto) {
							if !isOff(p) {
								t.Error("it is on, of an accepted connection")
							}
						},
						data: func(p *proto, data []byte) { _, _ = p.Transport.Write(data) },
					}
				}))
				if err != nil {
					t.Fatal(err)
				}
				r.ConnectTCP(port.Addr().String(), &client{t: t, p: &proto{
					made: c.made,
					data: func(p *proto, _ []byte) {
						if off := isOff(p); off != c.off {
							t.Errorf("after the echo it is off: %v, want %v", off, c.off)
						}
						p.Transport.LoseConnection()
					},
					lost: func(*proto, error) { port.StopListening().ChainDeferred(done) },
				}})
				return done
			})
		})
	}
}
