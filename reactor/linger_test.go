package reactor_test

import (
	"io"
	"net"
	"testing"

	"golang.org/x/sys/unix"

	"skein/deferred"
	"skein/protocol"
	"skein/reactor"
	"skein/reactor/reactortest"
)

// TestAnAdoptedPortsLingerCostsNobodyBytes adopts a listener whose connections, as
// they come from the kernel, answer a close with a reset that drops what is still
// to be sent. (With a longer time, the close would stand still instead, and the
// loop with it.) The client's half of the connection ends first, so that the close
// comes right behind the last byte.
func TestAnAdoptedPortsLingerCostsNobodyBytes(t *testing.T) {
	f := listenFile(t, "tcp", "127.0.0.1:0")
	raw, err := f.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(fd uintptr) {
		err = unix.SetsockoptLinger(int(fd), unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	}); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
		closed := make(chan struct{})
		port, err := r.AdoptStreamPort(f, build(func() protocol.Protocol {
			return &proto{
				data: func(p *proto, data []byte) { _, _ = p.Transport.Write(data) },
				lost: func(*proto, error) { close(closed) },
			}
		}))
		if err != nil {
			t.Fatal(err)
		}
		addr := port.Addr().String()
		return closing(port, r.DeferToThread(func() (any, error) {
			c, err := net.Dial("tcp", addr)
			if err != nil {
				return nil, err
			}
			defer c.Close()
			if _, err := c.Write([]byte("hello")); err != nil {
				return nil, err
			}
			if err := c.(*net.TCPConn).CloseWrite(); err != nil {
				return nil, err
			}
			<-closed
			got, err := io.ReadAll(c)
			if err != nil {
				return nil, err
			}
			return nil, want("what came", string(got), "hello")
		}))
	})
}
