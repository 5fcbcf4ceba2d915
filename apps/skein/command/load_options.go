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
	"time"

	"github.com/alecthomas/kong"

	"skein/bench/load"
)

// rate is a number of operations a second.
type rate float64

// Decode parses a number above 0.
func (r *rate) Decode(ctx *kong.DecodeContext) error {
	text, err := value(ctx)
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
	text, err := value(ctx)
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
	if o.Addrs, err = lookup(string(c.Address), time.Duration(c.Timeout)); err != nil {
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
		o.Addrs = slices.DeleteFunc(o.Addrs, func(to netip.AddrPort) bool { return to.Addr().Is4() != ip.Is4() })
		o.Sources = append(o.Sources, ip)
	}
	if len(o.Addrs) == 0 {
		return fmt.Errorf("--source: no address of %s is of the same kind, IPv4 or IPv6", c.Address)
	}
	return nil
}

// lookup returns the addresses of a server, those of IPv4 first, as a server
// listens on the first of these.
func lookup(addr string, limit time.Duration) ([]netip.AddrPort, error) {
	host, number, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	port, err := strconv.ParseUint(number, 10, 16)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
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
