package drive

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// Visits connect, say what they have to say, listen to the end, and leave; so
// many at once.
type visits struct {
	loop
	dialer  *dialer
	request []byte // nil if the server speaks unasked
	answer  []byte
	slots   []visit
}

// A visit is a connection of a short life.
type visit struct {
	fd    int // -1: none
	begun time.Duration
	sent  int
	got   int
}

// openVisits makes room for the visits.
func openVisits(addr string, request, answer []byte, atOnce int) (*visits, error) {
	if atOnce < 1 {
		return nil, fmt.Errorf("drive: %d connections at once: there is nothing to do", atOnce)
	}
	d, err := newDialer(addr)
	if err != nil {
		return nil, err
	}
	v := &visits{dialer: d, request: request, answer: answer, slots: make([]visit, atOnce)}
	for i := range v.slots {
		v.slots[i].fd = -1
	}
	return v, v.init()
}

// Run does operations, see Load.
func (v *visits) Run(ops int, r *Result) error { return v.ops(v, ops, r) }

// RunFor does operations, see Load.
func (v *visits) RunFor(d time.Duration, r *Result) error { return v.during(v, d, r) }

// InFlight is how many operations are under way at once.
func (v *visits) InFlight() int { return len(v.slots) }

// Close closes what a run that failed has left.
func (v *visits) Close() error {
	for _, s := range v.slots {
		if s.fd >= 0 {
			_ = unix.Close(s.fd)
		}
	}
	v.slots = nil
	return unix.Close(v.ep)
}

// start begins one visit in each slot.
func (v *visits) start() error {
	for i := range v.slots {
		if err := v.begin(i); err != nil {
			return err
		}
	}
	return nil
}

// begin begins a visit in a slot, if one may.
func (v *visits) begin(i int) error {
	now := v.now()
	if v.take(1, now) == 0 {
		return nil
	}
	fd, err := v.dialer.begin()
	if err != nil {
		return err
	}
	v.slots[i] = visit{fd: fd, begun: now}
	events := uint32(unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLET)
	if len(v.request) > 0 {
		events |= unix.EPOLLOUT
	}
	return v.add(fd, i, events)
}

// ready goes on with a visit.
func (v *visits) ready(i int, events uint32) error {
	s := &v.slots[i]
	if events&unix.EPOLLOUT != 0 && events&unix.EPOLLERR == 0 && s.sent < len(v.request) {
		n, errno := write(s.fd, v.request[s.sent:])
		if errno != 0 && errno != unix.EAGAIN {
			return fmt.Errorf("send: %w", gone(errno))
		}
		s.sent += max(n, 0)
	}
	if events&(unix.EPOLLIN|hangup) == 0 {
		return nil
	}
	for {
		n, errno := read(s.fd, v.buf)
		if errno == unix.EAGAIN {
			return nil
		}
		if errno != 0 {
			return fmt.Errorf("after %d of %d bytes: %w", s.got, len(v.answer), gone(errno))
		}
		if n == 0 {
			return v.end(i)
		}
		if due := len(v.answer) - s.got; n > due {
			return fmt.Errorf("%w: %d bytes came where %d are due", ErrWrong, n, due)
		}
		if err := check(v.buf[:n], v.answer[s.got:][:n]); err != nil {
			return fmt.Errorf("after %d bytes: %w", s.got, err)
		}
		s.got += n
		if n < len(v.buf) && events&hangup == 0 {
			return nil
		}
	}
}

// end ends a visit and begins the next.
func (v *visits) end(i int) error {
	s := &v.slots[i]
	if s.got < len(v.answer) {
		return fmt.Errorf("%w: the end came after %d of %d bytes", ErrWrong, s.got, len(v.answer))
	}
	err := unix.Close(s.fd)
	s.fd = -1
	if err != nil && !errors.Is(err, unix.EINTR) {
		return fmt.Errorf("close: %w", err)
	}
	v.complete(1, s.begun, v.now())
	return v.begin(i)
}
