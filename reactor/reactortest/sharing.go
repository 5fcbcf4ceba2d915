package reactortest

import (
	"errors"
	"os"
	"slices"
	"syscall"

	"skein/reactor/internal/kernel"
)

// This file is how a listening or a UDP socket comes to have several holders:
// descriptors of the reactor's, and files, which on a machine could be another
// process's. A file here is a real one that only stands for the socket, so that
// it can be closed as any other; that is noticed when it matters.

// holders are who hold a socket together. It lives as long as one of them does.
type holders struct {
	faces []*socket // with a number each; what they share hangs on each
	files []*os.File
}

// held reports whether anybody holds the socket.
func (h *holders) held() bool {
	h.files = slices.DeleteFunc(h.files, closed)
	return len(h.faces)+len(h.files) > 0
}

// closed reports whether a file has been closed.
func closed(f *os.File) bool {
	_, err := f.Stat()
	return errors.Is(err, os.ErrClosed)
}

// drop forgets a descriptor.
func (h *holders) drop(s *socket) {
	h.faces = slices.DeleteFunc(h.faces, func(o *socket) bool { return o == s })
}

// edge tells all who watch that the state has changed.
func (h *holders) edge() {
	for _, s := range h.faces {
		s.m.edge(s)
	}
}

// holders returns who hold the socket, or nil for one that cannot be shared.
func (s *socket) holders() *holders {
	switch {
	case s.listener != nil:
		return &s.listener.holders
	case s.mail != nil:
		return &s.mail.holders
	}
	return nil
}

// sweep ends the sockets that only files have held, and that nobody holds now.
func (n *network) sweep() {
	orphan := func(s *socket) bool { return !s.holders().held() }
	for _, s := range n.listening {
		if orphan(s) {
			s.listener.close()
		}
	}
	n.listening = slices.DeleteFunc(n.listening, orphan)
	n.mailboxes = slices.DeleteFunc(n.mailboxes, orphan)
}

// behind returns the socket that a file stands for.
func (n *network) behind(f *os.File) (*socket, syscall.Errno) {
	if f == nil || closed(f) {
		return nil, syscall.EBADF
	}
	for _, s := range slices.Concat(n.listening, n.mailboxes) {
		if slices.Contains(s.holders().files, f) {
			return s, 0
		}
	}
	return nil, syscall.ENOTSOCK
}

// Inspect tells what socket a file stands for.
func (m *memory) Inspect(f *os.File) (info kernel.SocketInfo, errno syscall.Errno) {
	s, errno := m.network.behind(f)
	if errno != 0 {
		return info, errno
	}
	info = kernel.SocketInfo{Network: "tcp", Listening: s.listener != nil, Local: s.local}
	switch {
	case s.mail != nil:
		info.Network, info.Connected = "udp", s.mail.peer.IsValid()
	case s.local.Unix():
		info.Network = "unix"
	}
	return info, 0
}

// Adopt returns a descriptor for the socket that a file stands for.
func (m *memory) Adopt(f *os.File) (int, syscall.Errno) {
	s, errno := m.network.behind(f)
	if errno != 0 {
		return -1, errno
	}
	fd, errno := m.free()
	if errno != 0 {
		return -1, errno
	}
	face := &socket{m: m, local: s.local, listener: s.listener, mail: s.mail}
	m.install(fd, face)
	h := face.holders()
	h.faces = append(h.faces, face)
	return fd, 0
}

// Share returns a file that stands for a socket.
func (m *memory) Share(fd int) (*os.File, syscall.Errno) {
	s, errno := m.lookup(fd)
	if errno != 0 {
		return nil, errno
	}
	h := s.holders()
	if h == nil {
		return nil, syscall.EOPNOTSUPP
	}
	f, err := os.Open(os.DevNull)
	if err != nil {
		return nil, syscall.EMFILE
	}
	h.files = append(h.files, f)
	return f, 0
}
