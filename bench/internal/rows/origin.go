package rows

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
)

// OriginArgs are the arguments of the server that has the poem for others.
func OriginArgs() []string { return append(poemArgs(), "-addr", OriginAddr()) }

// poemArgs are the arguments of a server of the poem.
func poemArgs() []string { return []string{poem, "-poem", fmt.Sprint(poemSize)} }

// OriginAddr returns where the server that has the poem is to listen: on a port that
// is free, and that the system does not give to clients. Those of real servers are
// such, too, and whoever connects to one need not look whether it is connected to
// itself. Without such a port the system chooses.
func OriginAddr() string {
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		return anyPort
	}
	var low, high int
	if _, err := fmt.Sscan(string(text), &low, &high); err != nil {
		return anyPort
	}
	return outside(low, high)
}

const (
	anyPort   = "127.0.0.1:0"
	firstPort = 1024  // below, they are root's
	lastPort  = 65535 // of all
	portTries = 100
)

// outside returns a free port that is not from low to high. It looks here and there,
// so that two who look at the same time find two.
func outside(low, high int) string {
	below, above := max(low-firstPort, 0), max(lastPort-max(high, firstPort-1), 0)
	if below+above == 0 {
		return anyPort
	}
	for range portTries {
		port := firstPort + rand.IntN(below+above)
		if port >= firstPort+below { // not below: as far from the end of all
			port += lastPort + 1 - firstPort - below - above
		}
		addr := fmt.Sprintf("127.0.0.1:%d", port)
		if l, err := net.Listen("tcp4", addr); err == nil {
			_ = l.Close()
			return addr
		}
	}
	return anyPort
}
