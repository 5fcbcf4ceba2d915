//go:build (darwin || freebsd) && !poll_opt

package kernel

import "syscall"

// This file waits by gnet's Polling. At most one task is queued there (woken says
// so), because it drains its queue before it polls again; and what is left over
// rings a bell, which is heard behind the next poll.

// waiter has nothing of its own.
type waiter struct{}

// open has nothing to do.
func (*waiter) open(*poller) error { return nil }

// AddTagged has no place for the tag.
func (m *machine) AddTagged(fd int, _ uint32) syscall.Errno { return m.poller.Watch(fd) }

// Poll runs gnet's poller until a turn stops it.
func (m *machine) Poll() error {
	return m.poller.Poll(func(fd int, filter int16, flags uint16) {
		m.handler.Ready(fd, translate(filter, flags), 0)
		m.handler.Served() // gnet does not tell when its batch ends
	})
}

// Wake queues the turn, unless it is queued or running.
func (m *machine) Wake() {
	if !m.woken.Load() && m.woken.CompareAndSwap(false, true) {
		m.heard()
	}
}

// heard hands the turn to the poller, to be run after the batch.
func (m *machine) heard() { m.unlessClosed(m.poller.Trigger) }

// turn is the poller's task. woken stays up while Turn runs, because the poller
// would run a task that is queued now before it polls again; after it has come
// down, whoever calls Wake triggers, and what came before is for More to find.
func (m *machine) turn() (stop bool) {
	stop = m.handler.Turn()
	m.woken.Store(false)
	if !stop && m.handler.More() && m.woken.CompareAndSwap(false, true) {
		m.alarm.ring()
	}
	return stop
}
