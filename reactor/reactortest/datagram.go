package reactortest

import (
	"net/netip"
	"slices"
	"syscall"

	"skein/reactor/internal/kernel"
)

// mailbox is what a UDP socket has more than another.
type mailbox struct {
	letters []letter
	peer    netip.AddrPort // of ConnectUDP; not valid without
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
func (m *memory) ListenUDP(a kernel.Addr) (int, syscall.Errno) {
	fd, errno := m.free()
	if errno == 0 {
		errno = m.fault(Listen, nil)
	}
	if errno != 0 {
		return -1, errno
	}
	n := &m.network
	for a.IP.Port() == 0 || n.addressee(a.IP) != nil {
		if a.IP.Port() != 0 {
			return -1, syscall.EADDRINUSE
		}
		a.IP = netip.AddrPortFrom(a.IP.Addr(), n.freePort())
	}
	s := &socket{m: m, local: a, mail: &mailbox{}}
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
	t := m.network.addressee(dest)
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
		m.edge(t)
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

// addressee returns the UDP socket that gets what is sent to an address.
func (n *network) addressee(a netip.AddrPort) *socket {
	for _, s := range n.mailboxes {
		if s.local.IP.Port() == a.Port() && (covers(s.local.IP.Addr(), a.Addr()) || covers(a.Addr(), s.local.IP.Addr())) {
			return s
		}
	}
	return nil
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
