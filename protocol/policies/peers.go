package policies

import (
	"net"
	"net/netip"

	"skein/protocol"
)

// PeerLimit bounds how many connections one peer may have open at once. One too
// many goes to Overflow, or is closed: the listener cannot know who waits.
//
// Twisted: policies.LimitConnectionsByPeer.
type PeerLimit struct {
	protocol.Factory

	// Max is the limit for each peer; 0: none applies.
	Max int
	// Overflow builds the protocols of connections over the limit; nil: they
	// are closed. They are not counted: a peer is free again when the others
	// have ended, however long these take.
	Overflow protocol.Factory
	// Key names the peer of an address; "" is nobody, and not limited. nil:
	// [PeerKey].
	Key func(addr net.Addr) string

	open map[string]int // no entry is 0
}

// PeerKey is the name of a peer as [PeerLimit] sees it: the IPv4 address, or
// the /64 network of an IPv6 address, which is the least that one customer has.
// An address without an IP is nobody's: "".
func PeerKey(addr net.Addr) string {
	var ip netip.Addr
	switch a := addr.(type) {
	case *net.TCPAddr:
		ip = a.AddrPort().Addr()
	case *net.UDPAddr:
		ip = a.AddrPort().Addr()
	}
	ip = ip.Unmap().WithZone("")
	if !ip.Is6() {
		if !ip.IsValid() {
			return ""
		}
		return ip.String()
	}
	network, _ := ip.Prefix(64) // 64 is within an IPv6 address
	return network.String()
}

// Open returns how many connections the peer with this address has now.
func (l *PeerLimit) Open(addr net.Addr) int { return l.open[l.key(addr)] }

// BuildProtocol builds and counts.
func (l *PeerLimit) BuildProtocol(addr net.Addr) protocol.Protocol {
	key := l.key(addr)
	if key == "" || l.Max == 0 {
		return l.Factory.BuildProtocol(addr)
	}
	if l.open[key] >= l.Max {
		if l.Overflow == nil {
			return nil
		}
		return l.Overflow.BuildProtocol(addr)
	}
	return buildCounted(l.Factory, addr, func() { l.add(key, 1) }, func() { l.add(key, -1) })
}

// key names the peer.
func (l *PeerLimit) key(addr net.Addr) string {
	if l.Key != nil {
		return l.Key(addr)
	}
	return PeerKey(addr)
}

// add counts, and forgets peers that have left.
func (l *PeerLimit) add(key string, n int) {
	if l.open == nil {
		l.open = make(map[string]int)
	}
	if l.open[key] += n; l.open[key] == 0 {
		delete(l.open, key)
	}
}
