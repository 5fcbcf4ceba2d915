package reactor

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"

	"skein/reactor/internal/kernel"
)

// netAddr returns the address in the form of Go's net.
func netAddr(network string, a kernel.Addr) net.Addr {
	if network == "unix" {
		return &net.UnixAddr{Name: a.Path, Net: "unix"}
	}
	return tcpAddr(a.IP)
}

// address is a net.TCPAddr with the bytes that its IP points to, which makes it
// one object instead of two: every connection needs one.
type address struct {
	net.TCPAddr
	ip [16]byte
}

// tcpAddr returns the address in the form of Go's net.
func tcpAddr(a netip.AddrPort) *net.TCPAddr { return new(address).set(a) }

// set makes t the address a, and returns it.
func (t *address) set(a netip.AddrPort) *net.TCPAddr {
	t.Port, t.Zone = int(a.Port()), a.Addr().Zone()
	switch {
	case a.Addr().Is4():
		ip := a.Addr().As4()
		t.IP = t.ip[:copy(t.ip[:], ip[:]):4]
	case a.Addr().Is6():
		t.ip = a.Addr().As16()
		t.IP = t.ip[:]
	}
	return &t.TCPAddr
}

// errnoError returns an errno with the call that it came from, or nil.
func errnoError(call string, errno syscall.Errno) error {
	if errno == 0 {
		return nil
	}
	return os.NewSyscallError(call, errno)
}

// splitPort splits "host:port". A port must be a number: a name that means a
// number elsewhere than it does here is worse than an error.
func splitPort(addr string) (host string, port uint16, err error) {
	host, text, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0, fmt.Errorf("%w: write it as host:port", err)
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("port %q is not a number from 0 to 65535", text)
	}
	return host, uint16(n), nil
}

// listenAddrs returns the addresses to try to listen on, the first that works
// counts: an empty host is every address, by IPv6 with IPv4 if there is IPv6;
// a name is its first address, IPv4 first, as in Go's net.
func listenAddrs(addr string) ([]netip.AddrPort, error) {
	host, port, err := splitPort(addr)
	if err != nil {
		return nil, err
	}
	if host == "" {
		return []netip.AddrPort{
			netip.AddrPortFrom(netip.IPv6Unspecified(), port),
			netip.AddrPortFrom(netip.IPv4Unspecified(), port),
		}, nil
	}
	ips, err := lookup(context.Background(), host)
	if err != nil {
		return nil, err
	}
	for _, ip := range ips {
		if ip.Is4() {
			return []netip.AddrPort{netip.AddrPortFrom(ip, port)}, nil
		}
	}
	return []netip.AddrPort{netip.AddrPortFrom(ips[0], port)}, nil
}

// literal returns the address that host is, if it is one.
func literal(host string) (netip.Addr, bool) {
	ip, err := netip.ParseAddr(host)
	return ip.Unmap(), err == nil
}

// lookup returns the addresses of a host, in the order in which to try them. It
// blocks, unless host is a literal.
func lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	if ip, ok := literal(host); ok {
		return []netip.Addr{ip}, nil
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	switch {
	case err != nil && ctx.Err() == nil && host == "localhost":
		// A chroot has no /etc/hosts, and no resolver is to be asked (RFC 6761).
		ips = []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}
	case err != nil:
		return nil, err
	}
	for i := range ips {
		ips[i] = ips[i].Unmap()
	}
	return interleave(ips), nil
}

// interleave alternates the address families, beginning with the first one's,
// so that one family that leads nowhere costs one attempt's head start and not
// all of them (RFC 8305, section 4).
func interleave(ips []netip.Addr) []netip.Addr {
	var first, second []netip.Addr
	for _, ip := range ips {
		if ip.Is4() == ips[0].Is4() {
			first = append(first, ip)
		} else {
			second = append(second, ip)
		}
	}
	mixed := make([]netip.Addr, 0, len(ips))
	for len(first) > 0 || len(second) > 0 {
		if len(first) > 0 {
			mixed, first = append(mixed, first[0]), first[1:]
		}
		first, second = second, first
	}
	return mixed
}
