package load

import (
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
)

// sources are the addresses to connect from. A connection is known by both its
// ends, so from one address to one server there are no more than there are local
// ports; on the loopback network another address costs nothing.
type sources struct {
	binds []string // "host:0", or "" for the system's choice
	fixed bool     // the user has chosen them; else they are for the loopback network
	each  int      // how many connections one of them is for; 0: they take turns
	skip  int      // connections of the processes before this one
}

// newSources returns the sources of one process.
func newSources(o Options) sources {
	if len(o.Sources) > 0 {
		s := sources{fixed: true}
		for _, a := range o.Sources {
			s.binds = append(s.binds, netip.AddrPortFrom(a, 0).String())
		}
		return s
	}
	s := sources{binds: []string{""}, each: max(int(float64(LocalPorts())*share), 1), skip: o.Before}
	if !slices.ContainsFunc(o.Addrs, isLoopback4) {
		return s
	}
	for n := 2; n < min((o.Before+o.Conns)/s.each+spareSources, 250); n++ {
		s.binds = append(s.binds, netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, byte(n)}), 0).String())
	}
	return s
}

// share is which part of the ports one source is to use before the next one's turn.
// Linux gives a connection an even port, and an odd one only when it has seen that
// all even ones are taken: beyond half of them, each connect takes most of a
// millisecond. (Measured: the first 20,000 connections in 1 s, the next 6,000 in
// 5 s.)
const share = 0.45

// spareSources is how many more loopback addresses there are than the
// connections should need: other programs need ports, too.
const spareSources = 5

// first returns the source that a client begins with.
func (s *sources) first(client int) int32 {
	if s.each == 0 {
		return int32((s.skip + client) % len(s.binds))
	}
	return int32((s.skip + client) / s.each % len(s.binds))
}

// after returns the source to try after one that has no port left.
func (s *sources) after(n int32) int32 { return (n + 1) % int32(len(s.binds)) }

// isLoopback4 reports whether a server is on the part of the loopback network that
// has more than one address.
func isLoopback4(a netip.AddrPort) bool { return a.Addr().Is4() && a.Addr().IsLoopback() }

// bind returns the address to bind to on the way to a server, or "".
func (s *sources) bind(n int32, to netip.AddrPort) string {
	if !s.fixed && !isLoopback4(to) {
		return ""
	}
	return s.binds[n]
}

// count returns how many sources there are for a server.
func (s *sources) count(to netip.AddrPort) int {
	if !s.fixed && !isLoopback4(to) {
		return 1
	}
	return len(s.binds)
}

// LocalPorts returns how many ports the system chooses from for the local ends
// of connections.
func LocalPorts() int {
	const usual = 28232 // Linux's
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		return usual // another system
	}
	return portRange(string(text), usual)
}

// portRange returns how many ports the text of the system's setting spans.
func portRange(text string, usual int) int {
	fields := strings.Fields(text)
	if len(fields) != 2 {
		return usual
	}
	low, err1 := strconv.Atoi(fields[0])
	high, err2 := strconv.Atoi(fields[1])
	if err1 != nil || err2 != nil || high < low {
		return usual
	}
	return max(high-low+1, 4)
}
