package reactortest

import "syscall"

// stream is one direction of a connection: the bytes between a write at one end
// and the read at the other. They stand in two buffers, the writer's and then
// the reader's:
//
//	take ◀── [ avail: in the reader's buffer | still with the writer ] ◀── put
//	                                data
//
// The network takes no time, so what fits into the reader's buffer is there at
// once, unless the bytes are cut into chunks: then the next chunk comes when
// the one before has been read.
type stream struct {
	from, to *socket
	data     []byte
	avail    int
	fin      bool // the writer has written its last
	full     bool // the writer waits for room

	send, receive int // sizes of the buffers
	chunk         int // 0 if bytes come as they are
}

// unix reports whether the stream is of a UNIX connection, which has one buffer
// and calls it the writer's.
func (s *stream) unix() bool { return s.from.local.Unix() }

// room returns how many more bytes fit.
func (s *stream) room() int { return s.send + s.receive - len(s.data) }

// roomy reports whether there is so much room that the writer is told, by
// Linux's rules: a third of a TCP buffer, three quarters of a UNIX one.
func (s *stream) roomy() bool {
	if s.unix() {
		return len(s.data)*4 <= s.send+s.receive
	}
	return s.room()*2 >= max(s.unsent(), 1)
}

// unsent returns the bytes that are still with the writer, as the kernel counts
// them.
func (s *stream) unsent() int {
	if s.unix() {
		return len(s.data)
	}
	return len(s.data) - s.avail
}

// ended reports whether the reader can know that no more bytes come.
func (s *stream) ended() bool { return s.fin && s.avail == len(s.data) }

// put adds bytes at the writer's end.
func (s *stream) put(p []byte) (int, syscall.Errno) {
	n := min(len(p), s.room())
	s.full = n < len(p)
	if n == 0 {
		return 0, syscall.EAGAIN
	}
	s.data = append(s.data, p[:n]...)
	s.arrive()
	return n, 0
}

// arrive moves to the reader's buffer what goes there, and tells the reader.
func (s *stream) arrive() {
	before, over := s.avail, s.ended()
	switch {
	case s.chunk == 0:
		s.avail = min(len(s.data), s.receive)
		if s.unix() {
			s.avail = len(s.data)
		}
	case s.avail == 0:
		s.avail = min(len(s.data), s.chunk, s.receive)
	}
	if s.avail > before || s.ended() != over {
		s.to.m.edge(s.to)
	}
}

// take removes bytes at the reader's end, and tells the writer if that was what
// it waited for.
func (s *stream) take(p []byte) int {
	n := copy(p, s.data[:s.avail])
	s.data = s.data[n:]
	s.avail -= n
	if len(s.data) == 0 {
		s.data = nil
	}
	s.arrive()
	if s.full && s.roomy() {
		s.full = false
		s.from.m.roomEdge(s.from)
	}
	return n
}

// end puts the end behind the last byte.
func (s *stream) end() {
	if !s.fin {
		over := s.ended()
		s.fin = true
		if s.ended() != over {
			s.to.m.edge(s.to)
		}
	}
}

// cut drops what is still with the writer, and then the end behind it.
func (s *stream) cut() {
	s.fin = s.fin && s.ended()
	s.data = s.data[:s.avail]
}
