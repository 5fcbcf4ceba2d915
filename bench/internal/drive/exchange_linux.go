package drive

import (
	"fmt"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// An exchange sends requests and checks the answers, on connections that stay.
// Each has as many requests under way as its depth allows, in a closed loop:
// an answer makes room for a request. With a window, which is smaller than all
// that, the room goes to the connections in turn.
type exchange struct {
	loop
	script *script
	peers  []peer
	depth  int
	window int
	next   int // the peer whose turn it is
}

// A peer is a connection of an exchange.
type peer struct {
	fd     int
	out    int             // where in the script's requests the next byte to send is
	unsent int             // bytes of requests that the kernel has not taken yet
	in     int             // where in the script's answers the next byte to come is
	part   int             // bytes of an answer that is not complete
	flight int             // requests that are under way
	begun  []time.Duration // when they were begun: a ring of depth
	head   int             // of the ring
}

// openExchange connects.
func openExchange(addr string, s *script, conns, depth, window int) (*exchange, error) {
	if conns < 1 || depth < 1 || s.out < 1 || s.in < 1 {
		return nil, fmt.Errorf("drive: %d connections, depth %d, messages of %d bytes: there is nothing to do", conns, depth, s.out)
	}
	d, err := newDialer(addr)
	if err != nil {
		return nil, err
	}
	x := &exchange{script: s, depth: depth, window: window, peers: make([]peer, 0, conns)}
	if err := x.init(); err != nil {
		return nil, err
	}
	rings := make([]time.Duration, conns*depth)
	for i := range conns {
		fd, err := d.dial(0)
		if err == nil {
			x.peers = append(x.peers, peer{fd: fd, out: i % period * s.out, in: i % period * s.in, begun: rings[i*depth:][:depth]})
			err = x.add(fd, i, unix.EPOLLIN|unix.EPOLLOUT|unix.EPOLLRDHUP|unix.EPOLLET)
		}
		if err != nil {
			_ = x.Close()
			return nil, fmt.Errorf("drive: connection %d of %d: %w", i+1, conns, err)
		}
	}
	return x, nil
}

// Run does operations, see Load.
func (x *exchange) Run(ops int, r *Result) error { return x.ops(x, ops, r) }

// RunFor does operations, see Load.
func (x *exchange) RunFor(d time.Duration, r *Result) error { return x.during(x, d, r) }

// InFlight is how many operations are under way at once.
func (x *exchange) InFlight() int { return x.window }

// Close closes the connections.
func (x *exchange) Close() error {
	for _, p := range x.peers {
		_ = unix.Close(p.fd)
	}
	x.peers = nil
	return unix.Close(x.ep)
}

// start fills the window.
func (x *exchange) start() error {
	share := x.depth // of a connection
	if x.roams() {
		share = 1
	}
	for n := 0; n < x.window && x.left > 0; n += share {
		p := &x.peers[x.next]
		x.next = (x.next + 1) % len(x.peers)
		now := x.now()
		if err := x.begin(p, x.take(share, now), now); err != nil {
			return err
		}
	}
	return nil
}

// roams reports whether the requests go from one connection to the next.
func (x *exchange) roams() bool { return x.window < len(x.peers)*x.depth }

// ready takes answers and makes requests in their place.
func (x *exchange) ready(i int, events uint32) error {
	p := &x.peers[i]
	if events&unix.EPOLLOUT != 0 && p.unsent > 0 {
		if err := x.flush(p); err != nil {
			return err
		}
	}
	if events&(unix.EPOLLIN|hangup) == 0 {
		return nil
	}
	n, now, err := x.receive(p, events)
	if err != nil || n == 0 {
		return err
	}
	n = x.take(n, now)
	if !x.roams() {
		return x.begin(p, n, now)
	}
	for ; n > 0; n-- {
		for x.peers[x.next].flight == x.depth {
			x.next = (x.next + 1) % len(x.peers)
		}
		p := &x.peers[x.next]
		x.next = (x.next + 1) % len(x.peers)
		if err := x.begin(p, 1, now); err != nil {
			return err
		}
	}
	return nil
}

// begin sends n requests, in one piece.
func (x *exchange) begin(p *peer, n int, now time.Duration) error {
	if n == 0 {
		return nil
	}
	for range n {
		at := p.head + p.flight
		if at >= x.depth {
			at -= x.depth
		}
		p.begun[at] = now
		p.flight++
	}
	waits := p.unsent > 0
	p.unsent += n * x.script.out
	if waits {
		return nil // for room, which an event will tell
	}
	return x.flush(p)
}

// flush sends what is unsent.
func (x *exchange) flush(p *peer) error {
	n, errno := write(p.fd, x.script.requests[p.out:][:p.unsent])
	if errno != 0 {
		if errno == unix.EAGAIN {
			return nil
		}
		return fmt.Errorf("send: %w", gone(errno))
	}
	p.unsent -= n
	p.out += n
	if end := period * x.script.out; p.out >= end {
		p.out -= end * (p.out / end)
	}
	return nil
}

// receive takes what has come, checks it, and returns how many answers are
// complete with it.
func (x *exchange) receive(p *peer, events uint32) (done int, now time.Duration, err error) {
	for {
		n, errno := read(p.fd, x.buf)
		if errno == unix.EAGAIN {
			return done, now, nil
		}
		if errno != 0 {
			return done, now, fmt.Errorf("receive: %w", gone(errno))
		}
		if n == 0 {
			return done, now, fmt.Errorf("%w, with %d requests under way", ErrClosed, p.flight)
		}
		due := p.flight*x.script.in - p.part
		if n > due {
			return done, now, fmt.Errorf("%w: %d bytes came where %d are due", ErrWrong, n, due)
		}
		if err := check(x.buf[:n], x.script.answers[p.in:][:n]); err != nil {
			return done, now, err
		}
		now = x.now()
		done += x.arrived(p, n, now)
		// What is left, if there is anything, makes another event; but an end
		// that has been told is not told again.
		if n < len(x.buf) && events&hangup == 0 {
			return done, now, nil
		}
	}
}

// arrived counts n bytes that are right.
func (x *exchange) arrived(p *peer, n int, now time.Duration) (done int) {
	p.in += n
	if end := period * x.script.in; p.in >= end {
		p.in -= end * (p.in / end)
	}
	for p.part += n; p.part >= x.script.in; p.part -= x.script.in {
		x.complete(1, p.begun[p.head], now)
		if p.head++; p.head == x.depth {
			p.head = 0
		}
		p.flight--
		done++
	}
	return done
}

// gone makes one error of the ways in which a server can be gone.
func gone(errno syscall.Errno) error {
	if errno == unix.ECONNRESET || errno == unix.EPIPE {
		return fmt.Errorf("%w (%w)", ErrClosed, errno)
	}
	return errno
}
