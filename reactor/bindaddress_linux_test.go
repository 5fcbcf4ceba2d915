package reactor_test

import (
	"net"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"

	"skein/reactor/internal/kernel"
)

// A socket with an address of its own but no port takes its port when it
// connects: at bind it would take it from all peers at once.
func TestPortIsChosenAtConnect(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	k, err := kernel.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	to := kernel.Addr{IP: l.Addr().(*net.TCPAddr).AddrPort()}
	from := kernel.Addr{IP: netip.MustParseAddrPort("127.0.0.2:0")}
	fd, errno := k.Connect(to, from)
	if errno != 0 {
		t.Fatal(errno)
	}
	defer k.CloseSocket(fd, true)
	if late, err := unix.GetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT); err != nil || late != 1 {
		t.Errorf("IP_BIND_ADDRESS_NO_PORT is %d, %v", late, err)
	}
	if a, errno := k.LocalAddr(fd); errno != 0 || a.IP.Addr() != from.IP.Addr() || a.IP.Port() == 0 {
		t.Errorf("it connects from %v, %v", a.IP, errno)
	}
}
