package drive

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

const (
	streamOp     = 64 << 10  // bytes of an operation
	streamBytes  = 1 << 30   // of a stream, if nobody says
	streamBuffer = 256 << 10 // the receive buffer: many of them must not fill the kernel's memory
	sampleEvery  = 1 << 20   // bytes after which some are looked at
	sampleSize   = 4096      // how many
)

// Streams read from servers that send as fast as they can. A read counts bytes
// and drops them in the kernel; now and then one looks at them.
type streams struct {
	loop
	dialer *dialer
	whole  int64 // bytes of a stream
	taps   []tap
	zeros  [sampleSize]byte
	extra  int // bytes that count for the next operation
}

// A tap is a connection of streams.
type tap struct {
	fd     int
	got    int64
	sample int64 // where to look next
}

// openStreams connects.
func openStreams(addr string, conns int, whole int64) (*streams, error) {
	if conns < 1 {
		return nil, fmt.Errorf("drive: %d connections: there is nothing to do", conns)
	}
	if whole == 0 {
		whole = streamBytes
	}
	d, err := newDialer(addr)
	if err != nil {
		return nil, err
	}
	s := &streams{dialer: d, whole: whole, taps: make([]tap, conns)}
	if err := s.init(); err != nil {
		return nil, err
	}
	s.buf = make([]byte, 4*streamOp)
	for i := range s.taps {
		s.taps[i].fd = -1
	}
	for i := range s.taps {
		if err := s.connect(i); err != nil {
			_ = s.Close()
			return nil, fmt.Errorf("drive: connection %d of %d: %w", i+1, conns, err)
		}
	}
	return s, nil
}

// connect asks for a stream.
func (s *streams) connect(i int) error {
	fd, err := s.dialer.dial(streamBuffer)
	if err != nil {
		return err
	}
	s.taps[i] = tap{fd: fd}
	return s.add(fd, i, unix.EPOLLIN|unix.EPOLLRDHUP) // level-triggered: one read for each event is fair
}

// Run does operations, see Load.
func (s *streams) Run(ops int, r *Result) error { return s.ops(s, ops, r) }

// RunFor does operations, see Load.
func (s *streams) RunFor(d time.Duration, r *Result) error { return s.during(s, d, r) }

// InFlight is how many operations are under way at once: some on each
// connection, which what is in its buffers amounts to.
func (s *streams) InFlight() int { return len(s.taps) * 8 }

// Close closes the connections.
func (s *streams) Close() error {
	for _, t := range s.taps {
		if t.fd >= 0 {
			_ = unix.Close(t.fd)
		}
	}
	s.taps = nil
	return unix.Close(s.ep)
}

// start asks for one operation, which is under way until the last one is done;
// the server sends anyway.
func (s *streams) start() error {
	s.take(1, s.now())
	return s.count(0)
}

// ready reads once.
func (s *streams) ready(i int, _ uint32) error {
	if s.open == 0 {
		return nil // the run is over, with events left in the batch
	}
	t := &s.taps[i]
	var n int
	var errno unix.Errno
	if t.got >= t.sample {
		t.sample = t.got + sampleEvery
		if n, errno = read(t.fd, s.buf[:sampleSize]); n > 0 {
			if err := check(s.buf[:n], s.zeros[:n]); err != nil {
				return fmt.Errorf("after %d bytes: %w", t.got, err)
			}
		}
	} else {
		n, errno = discard(t.fd, s.buf)
	}
	switch {
	case errno == unix.EAGAIN:
		return nil
	case errno != 0:
		return fmt.Errorf("after %d of %d bytes: %w", t.got, s.whole, gone(errno))
	case n == 0:
		return s.end(i)
	}
	if t.got += int64(n); t.got > s.whole {
		return fmt.Errorf("%w: %d bytes of a stream of %d", ErrWrong, t.got, s.whole)
	}
	return s.count(n)
}

// count counts bytes that came as operations.
func (s *streams) count(n int) error {
	s.extra += n
	for s.open > 0 && s.extra >= streamOp {
		s.extra -= streamOp
		s.alive = s.now()
		s.result.Ops++
		s.open = 0
		s.take(1, s.alive)
	}
	return nil
}

// end comes after a whole stream and asks for another one.
func (s *streams) end(i int) error {
	t := &s.taps[i]
	if t.got != s.whole {
		return fmt.Errorf("%w: the end came after %d of %d bytes", ErrWrong, t.got, s.whole)
	}
	err := unix.Close(t.fd)
	t.fd = -1
	if err != nil {
		return fmt.Errorf("close: %w", err)
	}
	return s.connect(i)
}
