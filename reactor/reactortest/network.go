package reactortest

import (
	"net/netip"
	"slices"
	"syscall"

	"skein/reactor/internal/kernel"
)

// network is who listens where. Every IP address is this machine's, unless it
// has been made a black hole.
type network struct {
	listening []*socket
	open      []*socket // connected or connecting, this side's numbers
	mailboxes []*socket // UDP sockets
	holes     []netip.Prefix
	deaf      map[string]bool // UNIX names that never answer
	lastPort  uint16

	// For connections made from now on.
	send, receive, chunk int
}

// listener is what a listening socket has more than another.
type listener struct {
	holders
	queue     []*socket // connected, to be accepted
	waiting   []*socket // clients for whom the queue had no room
	backlog   int
	reusePort bool
	made      int // connections so far, to share them out
	network   *network
}

const (
	// bufferSize is the default size of each buffer.
	bufferSize = 64 << 10
	// maxBacklog is the system's bound for a listener's queue.
	maxBacklog = 4096
	// lowestPort is the first of the numbers that port 0 stands for.
	lowestPort = 40000
)

// newNetwork returns a network without a socket.
func newNetwork() network {
	return network{deaf: make(map[string]bool), lastPort: lowestPort - 1, send: bufferSize, receive: bufferSize}
}

// listen binds a socket and makes it listen.
func (n *network) listen(a kernel.Addr, o kernel.ListenOptions) (*socket, syscall.Errno) {
	if !a.Unix() && a.IP.Port() == 0 {
		a.IP = netip.AddrPortFrom(a.IP.Addr(), n.freePort())
	}
	l := &listener{backlog: o.Backlog, reusePort: o.ReusePort, network: n}
	if l.backlog <= 0 || l.backlog > maxBacklog {
		l.backlog = maxBacklog
	}
	n.sweep()
	for _, s := range n.listening {
		if overlap(s.local, a) && !(l.reusePort && s.listener.reusePort) {
			return nil, syscall.EADDRINUSE
		}
	}
	s := &socket{fd: -1, local: a, listener: l}
	l.faces = []*socket{s}
	n.listening = append(n.listening, s)
	return s, 0
}

// overlap reports whether two addresses to listen on exclude each other.
func overlap(a, b kernel.Addr) bool {
	if a.Unix() || b.Unix() {
		return a == b
	}
	if a.IP.Port() != b.IP.Port() {
		return false
	}
	return covers(a.IP.Addr(), b.IP.Addr()) || covers(b.IP.Addr(), a.IP.Addr())
}

// covers reports whether a listener on a gets connections to b.
func covers(a, b netip.Addr) bool {
	return a == b || a.IsUnspecified() && (a.Is6() || b.Is4())
}

// connect begins to connect a new socket.
func (n *network) connect(m *memory, a, from kernel.Addr) (*socket, syscall.Errno) {
	s := &socket{m: m, fd: -1, peer: a, connecting: true}
	n.sweep()
	l := n.find(a)
	if a.Unix() {
		switch {
		case n.deaf[a.Path]:
			return nil, syscall.EAGAIN // as if its queue were full
		case l == nil:
			return nil, syscall.ECONNREFUSED
		case l.listener.full():
			return nil, syscall.EAGAIN
		}
	} else if errno := n.bind(s, a, from); errno != 0 {
		return nil, errno
	}
	n.open = append(n.open, s)
	switch {
	case !a.Unix() && n.inHole(a.IP.Addr()):
	case l == nil:
		s.refuse()
	case l.listener.full():
		l.listener.waiting = append(l.listener.waiting, s)
	default:
		l.listener.admit(l, s)
	}
	return s, 0
}

// find returns the listener that gets a connection to a. Those that share an
// address take turns.
func (n *network) find(a kernel.Addr) *socket {
	var best *socket
	for _, s := range n.listening {
		if s.local.Unix() != a.Unix() {
			continue
		}
		match := s.local == a
		if !a.Unix() {
			match = s.local.IP.Port() == a.IP.Port() && covers(s.local.IP.Addr(), a.IP.Addr())
		}
		if match && (best == nil || s.listener.made < best.listener.made) {
			best = s
		}
	}
	return best
}

// bind gives a client's socket its own address: the peer's IP address, where
// all are this machine's, and a free port, unless the client chooses.
func (n *network) bind(s *socket, a, from kernel.Addr) syscall.Errno {
	ip, port := a.IP.Addr(), uint16(0)
	if !from.Unix() {
		ip, port = from.IP.Addr(), from.IP.Port()
	}
	if port == 0 {
		port = n.freePort()
	}
	s.local = kernel.Addr{IP: netip.AddrPortFrom(ip, port)}
	if n.taken(s.local) {
		return syscall.EADDRINUSE
	}
	return 0
}

// taken reports whether a client's address is in use.
func (n *network) taken(a kernel.Addr) bool {
	return slices.ContainsFunc(n.listening, func(s *socket) bool { return overlap(s.local, a) }) ||
		slices.ContainsFunc(n.open, func(s *socket) bool { return s.local == a })
}

// freePort returns the next number that nobody has.
func (n *network) freePort() uint16 {
	for {
		if n.lastPort++; n.lastPort < lowestPort {
			n.lastPort = lowestPort
		}
		used := func(s *socket) bool { return !s.local.Unix() && s.local.IP.Port() == n.lastPort }
		if !slices.ContainsFunc(n.listening, used) && !slices.ContainsFunc(n.open, used) {
			return n.lastPort
		}
	}
}

// inHole reports whether an address never answers.
func (n *network) inHole(ip netip.Addr) bool {
	return slices.ContainsFunc(n.holes, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// forget takes a closed socket off the lists.
func (n *network) forget(s *socket) {
	same := func(o *socket) bool { return o == s }
	n.sweep()
	n.open = slices.DeleteFunc(n.open, same)
	for _, l := range n.listening {
		l.listener.waiting = slices.DeleteFunc(l.listener.waiting, same)
	}
}

// full reports whether the queue has no room; by Linux's count it has one more
// place than it says.
func (l *listener) full() bool { return len(l.queue) > l.backlog }

// admit connects a client, and queues the server's end of it at port.
func (l *listener) admit(port, client *socket) {
	n := l.network
	server := &socket{m: port.m, fd: -1, local: client.peer, peer: client.local}
	join(client, server, n.send, n.receive, n.chunk)
	l.made++
	l.queue = append(l.queue, server)
	l.edge()
	client.m.edge(client)
}

// next takes the first of the queue, and admits who waited for its place.
func (l *listener) next() *socket {
	s := l.queue[0]
	l.queue = l.queue[1:]
	n := l.network
	n.open = append(n.open, s)
	if len(l.waiting) > 0 {
		client := l.waiting[0]
		l.waiting = l.waiting[1:]
		l.admit(n.find(client.peer), client)
	}
	return s
}

// close resets who has not been accepted and refuses who waits.
func (l *listener) close() {
	for _, s := range l.queue {
		client := s.other
		s.close(true)
		if client != nil && s.local.Unix() {
			client.err = syscall.ECONNRESET // only here a UNIX client hears of it
		}
	}
	for _, s := range l.waiting {
		s.refuse()
	}
	l.queue, l.waiting = nil, nil
}
