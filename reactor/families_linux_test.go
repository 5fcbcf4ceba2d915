package reactor_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"

	"skein/deferred"
	"skein/protocol"
	"skein/reactor"
	"skein/reactor/reactortest"
)

// TestConnectInEveryFamily connects to a listener of each kind, which is Go's own,
// and asks both ends whom they talk to.
func TestConnectInEveryFamily(t *testing.T) {
	zoned := linkLocal(t)
	file := filepath.Join(t.TempDir(), "s")
	tests := []struct {
		name, network, listen string
		dest                  func(bound net.Addr) string
	}{
		{"IPv4", "tcp4", "127.0.0.1:0", net.Addr.String},
		{"IPv4 written as IPv6", "tcp4", "127.0.0.1:0", func(a net.Addr) string {
			return fmt.Sprintf("[::ffff:127.0.0.1]:%d", a.(*net.TCPAddr).Port)
		}},
		{"IPv6", "tcp6", "[::1]:0", net.Addr.String},
		{"IPv6 with a zone", "tcp6", zoned + ":0", func(a net.Addr) string {
			return fmt.Sprintf("%s:%d", zoned, a.(*net.TCPAddr).Port)
		}},
		{"UNIX", "unix", file, net.Addr.String},
		{"abstract UNIX", "unix", fmt.Sprintf("@skein-families-%d", os.Getpid()), net.Addr.String},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server, err := net.Listen(test.network, test.listen)
			if err != nil {
				t.Skip(err) // no IPv6 here
			}
			defer server.Close()
			dest := test.dest(server.Addr())
			reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
				done := deferred.New()
				c := &client{t: t, p: &proto{
					made: func(p *proto) {
						peer, err := server.Accept()
						if err != nil {
							t.Fatal(err)
						}
						if err := want("the server's peer", peer.RemoteAddr().String(), localName(p.Transport)); err != nil {
							t.Error(err)
						}
						_, _ = peer.Write([]byte("hello"))
						_ = peer.Close()
					},
					data: func(_ *proto, data []byte) {
						if string(data) != "hello" {
							t.Errorf("%q came", data)
						}
					},
					lost: func(*proto, error) { done.Callback(nil) },
				}}
				if test.network == "unix" {
					r.ConnectUNIX(dest, c)
				} else {
					r.ConnectTCP(dest, c)
				}
				return done
			})
		})
	}
}

// localName is a client's own address, as its server sees it.
func localName(t protocol.Transport) string {
	if a := t.LocalAddr(); a.Network() != "unix" {
		return a.String()
	}
	return "@" // Go's word for an end without a name
}

// linkLocal returns a host that is none without its zone, or one where nobody can
// listen if this machine has none.
func linkLocal(t *testing.T) string {
	t.Helper()
	all, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range all {
		addrs, _ := i.Addrs()
		for _, a := range addrs {
			if n, ok := a.(*net.IPNet); ok && n.IP.To4() == nil && n.IP.IsLinkLocalUnicast() && i.Flags&net.FlagUp != 0 {
				return fmt.Sprintf("[%s%%%s]", n.IP, i.Name)
			}
		}
	}
	return "no link-local address"
}
