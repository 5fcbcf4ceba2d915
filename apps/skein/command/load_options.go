package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"skein/apps/skein/runner"
	"skein/bench/load"
)

// rate is a number of operations a second.
type rate float64

// Decode parses a number above 0.
func (r *rate) Decode(ctx *kong.DecodeContext) error {
	text, err := runner.Value(ctx)
	if err != nil {
		return err
	}
	const least, most = 0.001, 10_000_000
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || !(x >= least && x <= most) {
		return fmt.Errorf("%q is not a number of operations a second: use one from %v to %d, such as 1000", text, least, most)
	}
	*r = rate(x)
	return nil
}

// ipAddress is an IP address.
type ipAddress netip.Addr

// Decode parses an IP address.
func (a *ipAddress) Decode(ctx *kong.DecodeContext) error {
	text, err := runner.Value(ctx)
	if err != nil {
		return err
	}
	ip, err := netip.ParseAddr(text)
	if err != nil {
		return fmt.Errorf("%q is not an IP address of this machine, such as 127.0.0.2", text)
	}
	*a = ipAddress(ip.Unmap())
	return nil
}

// options returns the load that is asked for. It looks the server's name up, and
// reads the poem.
func (c *loadServer) options() (load.Options, error) {
	o := load.Options{
		Mode: load.Mode(c.Mode), Conns: int(c.Conns), For: time.Duration(c.For), Rate: float64(c.Rate), Timeout: time.Duration(c.Timeout),
		Depth: max(int(c.Depth), 1), Size: cmp.Or(int(c.Size), defaultSize), Interval: interval(time.Duration(c.For)),
	}
	var err error
	if o.Addrs, err = lookup(string(c.Address)); err != nil {
		return o, err
	}
	if err := c.sources(&o); err != nil {
		return o, err
	}
	var poem []byte
	if c.Poem != "" {
		if poem, err = os.ReadFile(c.Poem); err != nil {
			return o, fmt.Errorf("--poem: %w", err)
		}
		if len(poem) == 0 {
			return o, fmt.Errorf("--poem: %s is empty", c.Poem)
		}
	}
	switch {
	case o.Mode == load.Transform:
		o.Name, o.Text = c.transform(), poem
		if poem == nil {
			o.Text = verse(o.Size)
		}
		if len(o.Name)+1+len(o.Text) > maxRequest {
			return o, fmt.Errorf("--poem: %s has %d bytes: a request has at most %d, with the name and a dot", c.Poem, len(poem), maxRequest)
		}
	case poem != nil:
		o.Want = load.FingerprintOf(poem)
	}
	return o, nil
}

// sources checks the addresses to connect from.
func (c *loadServer) sources(o *load.Options) error {
	for _, s := range c.Source {
		ip := netip.Addr(s)
		if err := connectable(ip); err != nil {
			return err
		}
		o.Addrs = slices.DeleteFunc(o.Addrs, func(to netip.AddrPort) bool { return to.Addr().Is4() != ip.Is4() })
		o.Sources = append(o.Sources, ip)
	}
	if len(o.Addrs) == 0 {
		return fmt.Errorf("--source: no address of %s is of the same kind, IPv4 or IPv6", c.Address)
	}
	return nil
}

// connectable returns an error for an address that this machine has not: a
// connection would find no port there, as if all were taken.
func connectable(from netip.Addr) error {
	s, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(from, 0)))
	if errors.Is(err, syscall.EADDRNOTAVAIL) {
		return fmt.Errorf("--source: %v is not an address of this machine: %w", from, err)
	}
	if err != nil {
		return nil // for other reasons than the address: the connections will tell
	}
	return s.Close()
}

// lookupTime is how long the server's name is looked up. It is not --timeout, which
// may be short: that is the server's.
const lookupTime = 10 * time.Second

// lookup returns the addresses of a server, those of IPv4 first, as a server
// listens on the first of these.
func lookup(addr string) ([]netip.AddrPort, error) {
	host, number, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	port, err := strconv.ParseUint(number, 10, 16)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookupTime)
	defer cancel()
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, fmt.Errorf("no server to put under load: %w (is the name right?)", err)
	}
	if len(ips) == 0 {
		return nil, errors.New(host + " has no address")
	}
	all := make([]netip.AddrPort, len(ips))
	for i, ip := range ips {
		all[i] = netip.AddrPortFrom(ip.Unmap(), uint16(port))
	}
	slices.SortStableFunc(all, func(a, b netip.AddrPort) int { return a.Addr().BitLen() - b.Addr().BitLen() })
	return slices.Compact(all), nil
}

// verse returns so many bytes of a poem with letters of both cases.
func verse(size int) []byte {
	const line = "Tyger Tyger, burning bright, In the forests of the NIGHT\n"
	return []byte(strings.Repeat(line, size/len(line)+1)[:size])
}
