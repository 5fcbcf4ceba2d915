package reactor_test

import (
	"io"
	"net"
	"testing"

	"skein/protocol"
	"skein/reactor"
)

type echo struct{ protocol.Base }

func (e *echo) DataReceived(d []byte) { e.Transport.Write(d) }

func TestSmoke(t *testing.T) {
	r, err := reactor.New()
	if err != nil {
		t.Fatal(err)
	}
	p, err := r.ListenTCP("localhost:0", protocol.FactoryFunc(func(net.Addr) protocol.Protocol { return &echo{} }))
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		c, err := net.Dial("tcp", p.Addr().String())
		if err != nil {
			t.Error(err)
			return
		}
		c.Write([]byte("hello"))
		c.(*net.TCPConn).CloseWrite()
		b, err := io.ReadAll(c)
		t.Log(string(b), err)
		r.CallFromThread(func() { r.Stop() })
	}()
	if err := r.Run(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", r.Stats())
}
