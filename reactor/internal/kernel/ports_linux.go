package kernel

import (
	"fmt"
	"os"
)

// portRange is a range of ports, both ends included.
type portRange struct{ low, high uint16 }

// open reads from which ports the system chooses one for a socket that has to have
// one. Who changes that while the kernel is open should open it anew: a socket that
// gets a port of the new range alone, and is connected to itself by that, passes for
// one that has a peer, and its user's own bytes for the peer's.
func (c *calls) open() {
	text, _ := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range") // of IPv6, too
	c.ports = parsePorts(string(text))
}

// parsePorts reads a range: all ports, if there is none in the text.
func parsePorts(text string) portRange {
	var r portRange
	if n, _ := fmt.Sscan(text, &r.low, &r.high); n < 2 || r.low > r.high {
		return portRange{0, 1<<16 - 1}
	}
	return r
}

// gives reports whether the system may choose a port.
func (c *calls) gives(port uint16) bool { return c.ports.low <= port && port <= c.ports.high }
