package reactortest

import "syscall"

// Call is a call to the kernel that can be made to fail.
type Call uint8

// The calls. Writing several slices at once is a Write, too.
const (
	Listen Call = iota
	Accept
	Connect
	Add
	Read
	Write
)

// String returns the call's name.
func (c Call) String() string {
	return [...]string{"listen", "accept", "connect", "add", "read", "write"}[c]
}

// fault is an error that a call will return, in place of doing anything.
type fault struct{ errno syscall.Errno }

// fault returns the error that a test has ordered for this call, if any. After
// a false EAGAIN or ENOBUFS, an edge says that the call can be tried again, to those
// who watch that direction: a kernel tells that, too.
func (m *memory) fault(c Call, s *socket) syscall.Errno {
	if len(m.faults[c]) == 0 {
		return 0
	}
	f := m.faults[c][0]
	m.faults[c] = m.faults[c][1:]
	switch {
	case s == nil || f.errno != syscall.EAGAIN && f.errno != syscall.ENOBUFS:
		return f.errno
	case c != Write:
		m.edge(s)
	default:
		if s.out != nil {
			s.out.full = true // if there is no room now, there is an edge when there is
		}
		m.roomEdge(s)
	}
	return f.errno
}
