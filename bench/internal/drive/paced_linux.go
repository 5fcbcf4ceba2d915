package drive

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// paceDepth is how many messages wait on one connection, at most. Those that
// are due beyond that are sent later, and still count from when they were due.
const paceDepth = 64

// A pacer sends messages when they are due.
type pacer struct {
	*exchange
	rate float64
}

// openPaced connects.
func openPaced(addr string, p Paced) (Load, error) {
	if !(p.Rate > 0) {
		return nil, fmt.Errorf("drive: %v messages in a second are no pace", p.Rate)
	}
	x, err := openExchange(addr, echoScript(p.Size, paceDepth), p.Conns, paceDepth, p.Conns*paceDepth)
	if err != nil {
		return nil, err
	}
	return &pacer{x, p.Rate}, nil
}

// Run does operations, see Load.
func (p *pacer) Run(ops int, r *Result) error {
	length := time.Duration(float64(ops) / p.rate * float64(time.Second))
	return p.within(0, length, r, func() error { return p.pace(ops) })
}

// RunFor does operations, see Load.
func (p *pacer) RunFor(d time.Duration, r *Result) error {
	return p.Run(int(p.rate*d.Seconds()), r)
}

// InFlight is the number of connections, as if each carried one message.
func (p *pacer) InFlight() int { return len(p.peers) }

// pace sends ops messages and waits for their answers. While the next one is due
// within a millisecond it does not sleep, since epoll's clock is no finer.
func (p *pacer) pace(ops int) error {
	began := p.now()
	for sent := 0; sent < ops || p.open > 0; {
		timeout := waitTick
		for sent < ops {
			due := began + time.Duration(float64(sent)/p.rate*float64(time.Second))
			now := p.now()
			if due > now {
				timeout = min(timeout, int((due-now)/time.Millisecond))
				break
			}
			to := &p.peers[p.next]
			if to.flight == p.depth {
				break // its answers make an event
			}
			if p.open == 0 {
				p.alive = now
			}
			p.next = (p.next + 1) % len(p.peers)
			sent++
			p.open++
			if err := p.begin(to, 1, due); err != nil {
				return err
			}
		}
		if err := p.turn(p, timeout); err != nil {
			return err
		}
	}
	return nil
}

// start is not called: pace starts.
func (p *pacer) start() error { return nil }

// ready takes answers, and leaves the sending to pace.
func (p *pacer) ready(i int, events uint32) error {
	to := &p.peers[i]
	if events&unix.EPOLLOUT != 0 && to.unsent > 0 {
		if err := p.flush(to); err != nil {
			return err
		}
	}
	if events&(unix.EPOLLIN|hangup) == 0 {
		return nil
	}
	_, _, err := p.receive(to, events)
	return err
}
