//go:build linux || darwin || freebsd

package process

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"skein/deferred"
	"skein/reactor"
)

// Control is a worker's line to its supervisor: heartbeats go one way, and its
// end, when the supervisor is gone, is heard at the other. Its methods are the
// loop's.
type Control struct {
	fd     int
	rest   []byte // of a heartbeat that did not fit as a whole
	r      *reactor.Reactor
	orphan occasion
	closed bool
}

// SendHeartbeat sends the supervisor a snapshot, JSON on one line or several. It
// never blocks: a snapshot that the supervisor has no room for is dropped, which
// sent says; the next one brings all that it would have. One that is longer than
// 64 KiB is an error, and so is what is not JSON.
func (c *Control) SendHeartbeat(snapshot json.RawMessage) (sent bool, err error) {
	line, err := json.Marshal(snapshot) // in one line
	if err != nil {
		return false, fmt.Errorf("process: a heartbeat: %w", err)
	}
	if len(line) >= maxLine {
		return false, fmt.Errorf("process: a heartbeat of %d bytes: it must be shorter than %d", len(line), maxLine)
	}
	if c.closed {
		return false, os.ErrClosed
	}
	if err := c.flush(); err != nil || len(c.rest) > 0 {
		return false, err
	}
	c.rest = append(line, '\n')
	n := len(c.rest)
	if err := c.flush(); err != nil {
		return false, err
	}
	if len(c.rest) == n {
		c.rest = nil
		return false, nil
	}
	return true, nil
}

// flush writes what there is room for.
func (c *Control) flush() error {
	for len(c.rest) > 0 {
		n, err := unix.Write(c.fd, c.rest)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EAGAIN):
			return nil
		case err != nil:
			c.rest = nil
			return err
		}
		c.rest = c.rest[n:]
	}
	return nil
}

// WhenOrphaned watches the line by r, and returns a Deferred that fires with nil
// when the supervisor is gone, however it went: the worker is to stop in good
// order then. It does not fire when the reactor stops before that. It fails if
// the line cannot be watched.
func (c *Control) WhenOrphaned(r *reactor.Reactor) *deferred.Deferred {
	if c.r == nil {
		if err := r.AddReader(c); err != nil {
			return deferred.Fail(err)
		}
		c.r = r
	}
	return c.orphan.when()
}

// Fileno returns the descriptor. The reactor calls it.
func (c *Control) Fileno() int { return c.fd }

// DoRead finds the end of the line: the supervisor says nothing. The reactor
// calls it.
func (c *Control) DoRead() error {
	var buf [64]byte
	n, err := unix.Read(c.fd, buf[:])
	switch {
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR), err == nil && n > 0:
		return nil
	case err != nil:
		return err
	}
	return errClosed
}

// ConnectionLost takes the end of the line, or of the reactor, which calls it.
func (c *Control) ConnectionLost(reason error) {
	c.closed = true
	_ = unix.Close(c.fd)
	if !errors.Is(reason, reactor.ErrStopped) {
		c.orphan.happen(nil, nil)
	}
}
