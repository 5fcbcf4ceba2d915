package reactortest

import (
	"syscall"

	"skein/reactor/internal/kernel"
)

// socket is one socket, in or out of the table: a connection has one at each
// end, from the moment at which it is made, before it is accepted.
//
//	socket ──out──▶ stream ──in──▶ other
//	       ◀──in─── stream ◀─out──
type socket struct {
	m           *memory
	fd          int // -1 if it has no number, not yet or no more
	local, peer kernel.Addr

	watched   bool   // Add
	inputOnly bool   // AddInput
	tag       uint32 // AddTagged
	told      bool   // in memory.edges

	listener *listener // of a listening socket
	mail     *mailbox  // of a UDP socket

	connecting bool
	in, out    *stream
	other      *socket       // the other end, until that is gone or this one is
	closed     bool          // nobody holds a number for it any more
	gone       bool          // there is no connection: reset, or refused
	err        syscall.Errno // to be collected
}

// join makes a connection of two sockets.
func join(a, b *socket, send, receive, chunk int) {
	a.out = &stream{from: a, to: b, send: send, receive: receive, chunk: chunk}
	b.out = &stream{from: b, to: a, send: send, receive: receive, chunk: chunk}
	a.in, b.in = b.out, a.out
	a.other, b.other = b, a
	a.connecting, b.connecting = false, false
}

// ready returns what the socket is ready for, as Linux's tcp_poll does.
func (s *socket) ready() (e kernel.Events) {
	if l := s.listener; l != nil {
		if len(l.queue) > 0 {
			e |= kernel.Readable
		}
		return e
	}
	if s.mail != nil {
		return s.readyMail()
	}
	if s.connecting {
		return 0
	}
	if s.err != 0 {
		e |= kernel.Failed
	}
	if s.gone {
		return e | kernel.Readable | kernel.Writable | kernel.Hangup
	}
	if s.in.avail > 0 || s.in.ended() || s.err != 0 {
		e |= kernel.Readable
	}
	if s.in.ended() {
		e |= kernel.Hangup
	}
	if s.out.fin || s.err != 0 || s.out.roomy() {
		e |= kernel.Writable
	}
	return e
}

// spent reports whether nothing goes in either direction any more, which is told to
// those who watch only one, too.
func (s *socket) spent() bool {
	return s.gone || s.err != 0 || s.in != nil && s.in.ended() && s.out.fin
}

// read takes what has arrived. What arrived before a reset can still be read,
// and so can the end; a UNIX socket tells of the error before the end.
func (s *socket) read(p []byte) (int, syscall.Errno) {
	unix := s.local.Unix()
	switch {
	case s.connecting:
		return 0, syscall.EAGAIN
	case s.listener != nil && unix:
		return 0, syscall.EINVAL
	case s.in == nil:
		return 0, s.errorOr(syscall.ENOTCONN)
	case s.in.avail > 0:
		return s.in.take(p), 0
	case s.err != 0 && (unix || !s.in.ended()):
		return 0, s.takeError()
	case s.in.ended() || s.gone:
		return 0, 0
	}
	return 0, syscall.EAGAIN
}

// write puts in what there is room for. Bytes for a TCP peer that has closed
// are taken, and answered by a reset.
func (s *socket) write(p []byte) (int, syscall.Errno) {
	unix := s.local.Unix()
	switch {
	case s.connecting:
		return 0, syscall.EAGAIN
	case s.listener != nil && unix:
		return 0, syscall.ENOTCONN
	case s.err != 0 && !unix:
		return 0, s.takeError()
	case s.out == nil || s.gone || s.out.fin:
		return 0, syscall.EPIPE
	case s.other.closed:
		s.reset()
		return len(p), 0
	}
	return s.out.put(p)
}

// over reports whether a connection has ended in both directions.
func (s *socket) over() bool { return s.in.ended() && s.out.ended() }

// notConnected reports whether there is no peer. A UNIX socket that had one
// keeps it.
func (s *socket) notConnected() bool {
	return s.connecting || s.in == nil || !s.local.Unix() && (s.gone || s.over())
}

// takeError returns the pending error, once.
func (s *socket) takeError() syscall.Errno {
	err := s.err
	s.err = 0
	return err
}

// errorOr returns the pending error, or another if there is none.
func (s *socket) errorOr(other syscall.Errno) syscall.Errno {
	if err := s.takeError(); err != 0 {
		return err
	}
	return other
}

// close is what becomes of a socket that nobody holds any more. A TCP socket
// with unread input is reset, as is one that reset asks for; any other goes on
// sending what it has, by itself.
func (s *socket) close(reset bool) {
	s.closed = true
	switch {
	case s.holders() != nil:
		s.holders().drop(s) // the network's sweep follows
	case s.other == nil:
		// Refused, reset, on its way, or left by a UNIX peer.
	case s.local.Unix():
		s.closeUnix()
	case reset || len(s.in.data) > 0:
		s.out.cut()
		s.other.reset()
	default:
		s.out.end()
	}
}

// closeUnix ends a UNIX connection: there is no reset, but a peer whose bytes
// were not read hears of it, and none can be sent any more.
func (s *socket) closeUnix() {
	peer, unread := s.other, len(s.in.data) > 0
	s.out.end()
	peer.in.fin = true
	if unread {
		peer.err = syscall.ECONNRESET
	}
	peer.gone, peer.other = true, nil
	peer.out.data, peer.out.avail = nil, 0
	s.m.edge(peer)
}

// reset ends the connection as a reset from the peer does: output is dropped,
// input that has arrived can still be read.
func (s *socket) reset() {
	if s.gone {
		return
	}
	s.err = syscall.ECONNRESET
	if s.in.ended() {
		s.err = syscall.EPIPE
	}
	s.in.cut()
	s.out.cut()
	s.gone, s.other = true, nil
	s.m.edge(s)
}

// refuse ends an attempt to connect.
func (s *socket) refuse() {
	s.connecting, s.gone = false, true
	s.err = syscall.ECONNREFUSED
	s.m.edge(s)
}
