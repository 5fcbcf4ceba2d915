package reactortest

import (
	"net/netip"
	"slices"
	"syscall"

	"skein/reactor/internal/kernel"
)

// mailbox is what a UDP socket has more than another.
type mailbox struct {
	holders
	letters   []letter
	peer      netip.AddrPort // of ConnectUDP; not valid without
	reusePort bool
}

// letter is a datagram on its way, or arrived.
type letter struct {
	from netip.AddrPort
	data []byte
}

const (
	// maxLetter is the longest datagram.
	maxLetter = 65507
	// mailboxSize is how many datagrams wait; what comes then is lost.
	mailboxSize = 256
)

// ListenUDP returns a UDP socket.
func (m *memory) ListenUDP(a kernel.Addr, o kernel.ListenOptions) (int, syscall.Errno) {
	fd, errno := m.free()
	if errno == 0 {
		errno = m.fault(Listen, nil)
	}
	if errno != 0 {
		return -1, errno
	}
	n := &m.network
	n.sweep()
	for a.IP.Port() == 0 || n.excluded(a.IP, o.ReusePort) {
		if a.IP.Port() != 0 {
			return -1, syscall.EADDRINUSE
		}
		a.IP = netip.AddrPortFrom(a.IP.Addr(), n.freePort())
	}
	s := &socket{m: m, local: a, mail: &mailbox{reusePort: o.ReusePort}}
	s.mail.faces = []*socket{s}
	n.mailboxes = append(n.mailboxes, s)
	m.install(fd, s)
	return fd, 0
}

// ConnectUDP sets the one peer of a UDP socket.
func (m *memory) ConnectUDP(fd int, a kernel.Addr) syscall.Errno {
	s, errno := m.lookupMail(fd)
	if errno == 0 {
		s.mail.peer = a.IP
	}
	return errno
}

// ReadFrom takes the oldest datagram, or the news that nobody got the last one.
func (m *memory) ReadFrom(fd int, p []byte) (int, kernel.Addr, syscall.Errno) {
	s, errno := m.lookupMail(fd)
	if errno == 0 {
		errno = m.fault(Read, s)
	}
	if errno == 0 {
		errno = s.takeError()
	}
	if errno == 0 && len(s.mail.letters) == 0 {
		errno = syscall.EAGAIN
	}
	if errno != 0 {
		return 0, kernel.Addr{}, errno
	}
	l := s.mail.letters[0]
	s.mail.letters = slices.Delete(s.mail.letters, 0, 1)
	return copy(p, l.data), kernel.Addr{IP: l.from}, 0
}

// WriteTo sends one datagram. It arrives at once, unless nobody is there, there
// is no room, or the peer has another peer.
func (m *memory) WriteTo(fd int, p []byte, to kernel.Addr) syscall.Errno {
	s, errno := m.lookupMail(fd)
	if errno == 0 {
		errno = m.fault(Write, s)
	}
	if errno == 0 {
		errno = s.takeError()
	}
	dest := to.IP
	if !dest.IsValid() && errno == 0 {
		dest = s.mail.peer
	}
	switch {
	case errno != 0:
		return errno
	case !dest.IsValid():
		return syscall.EDESTADDRREQ
	case len(p) > maxLetter:
		return syscall.EMSGSIZE
	case s.local.IP.Addr().Is4() && dest.Addr().Is6():
		return syscall.EAFNOSUPPORT
	case m.network.inHole(dest.Addr()):
		return 0
	}
	from := s.local.IP
	if from.Addr().IsUnspecified() {
		from = netip.AddrPortFrom(dest.Addr(), from.Port())
	}
	m.network.sweep()
	t := m.network.addressee(dest, from)
	if t == nil {
		if s.mail.peer.IsValid() { // only a connected socket hears of it
			s.err = syscall.ECONNREFUSED
			m.edge(s)
		}
		return 0
	}
	box := t.mail
	if len(box.letters) < mailboxSize && (!box.peer.IsValid() || box.peer == from) {
		box.letters = append(box.letters, letter{from, slices.Clone(p)})
		box.edge()
	}
	return 0
}

// lookupMail returns the UDP socket of a number.
func (m *memory) lookupMail(fd int) (*socket, syscall.Errno) {
	s, errno := m.lookup(fd)
	if errno == 0 && s.mail == nil {
		errno = syscall.ENOTSOCK
	}
	return s, errno
}

// addressees returns the UDP sockets that could get what is sent to an address.
func (n *network) addressees(a netip.AddrPort) (all []*socket) {
	for _, s := range n.mailboxes {
		if s.local.IP.Port() == a.Port() && (covers(s.local.IP.Addr(), a.Addr()) || covers(a.Addr(), s.local.IP.Addr())) {
			all = append(all, s)
		}
	}
	return all
}

// addressee returns the one that gets it. Those that share an address share the
// senders.
func (n *network) addressee(a, from netip.AddrPort) *socket {
	all := n.addressees(a)
	switch {
	case len(all) == 0:
		return nil
	case !all[0].mail.reusePort:
		return all[0]
	}
	return all[int(from.Port())%len(all)]
}

// excluded reports whether an address cannot be bound, because others have it
// and do not share.
func (n *network) excluded(a netip.AddrPort, reusePort bool) bool {
	return slices.ContainsFunc(n.addressees(a), func(s *socket) bool { return !reusePort || !s.mail.reusePort })
}

// readyMail returns what a UDP socket is ready for.
func (s *socket) readyMail() (e kernel.Events) {
	e = kernel.Writable
	if len(s.mail.letters) > 0 || s.err != 0 {
		e |= kernel.Readable
	}
	if s.err != 0 {
		e |= kernel.Hangup | kernel.Failed
	}
	return e
}
