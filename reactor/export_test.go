package reactor

import (
	"net/netip"

	"skein/protocol"
	"skein/reactor/internal/kernel"
)

// FD returns the descriptor of a reactor's connection, for tests of what
// happens to its number.
func FD(t protocol.Transport) int { return int(t.(*conn).fd) }

// Inject delivers to a descriptor number, as if it stood in the running batch,
// an event that says everything at once.
func Inject(r *Reactor, fd int) {
	r.table[fd].ready(kernel.Readable|kernel.Writable|kernel.Hangup|kernel.Failed, 0)
}

// Leaving returns how many connections are seen off without the poller, by the
// count that decides how closely they are looked at.
func Leaving(r *Reactor) int { return r.leaving.live }

// Asleep reports whether the loop seems to be waiting. It reads the field of the
// affinity check as a foreign goroutine does.
func Asleep(r *Reactor) bool { return !r.calling }

// Attempts returns how many connectors the shutdown would find connecting.
func Attempts(r *Reactor) int { return len(r.attempts) }

// Found has an attempt that is under way go on with these addresses, as if the
// lookup of its name had found them.
func Found(c protocol.Connector, ips ...netip.Addr) {
	a := c.(*connector).attempt
	_, port, _ := splitPort(a.c.dest)
	a.resolved(ips, port, nil)
}

// Parked returns how many connections stand in the line of the parked, those included
// that wait no longer.
func Parked(r *Reactor) int { return len(r.parked.places) - r.parked.head }

// Watched reports whether the poller knows a reactor's connection.
func Watched(t protocol.Transport) bool { return t.(*conn).has(isWatched) }
