//go:build (linux || darwin || freebsd) && !poll_opt

package kernel

import (
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// machine is the real kernel: gnet's poller, an alarm, and system calls. How it
// waits is each platform's: see wait_linux.go and wait_bsd.go.
type machine struct {
	calls
	poller *poller

	// What each event needs, side by side.
	handler Handler
	alarm   alarm
	woken   atomic.Bool // a turn is due, or running
	waiter  waiter

	mu     sync.RWMutex // keeps Wake from writing to a number that Close gave back
	closed bool
}

// Open returns the machine's own kernel.
func Open() (Kernel, error) {
	m := &machine{}
	m.calls.open()
	var err error
	if m.poller, err = openPoller(m.turn); err != nil {
		return nil, err
	}
	if err := m.open(); err != nil {
		_ = m.poller.Close()
		return nil, err
	}
	return m, nil
}

// open makes what there is besides the poller.
func (m *machine) open() (err error) {
	if err = m.waiter.open(m.poller); err != nil {
		return err
	}
	if m.alarm, err = newAlarm(m.Wake, m.heard); err != nil {
		return fmt.Errorf("reactor: open the timer: %w", err)
	}
	for _, fd := range m.alarm.descriptors() {
		if errno := m.poller.WatchInput(fd); errno != 0 {
			m.alarm.close()
			return fmt.Errorf("reactor: watch the timer: %w", errno)
		}
	}
	return nil
}

// Attach sets the loop.
func (m *machine) Attach(h Handler) { m.handler = h }

// SetTimer sets the alarm.
func (m *machine) SetTimer(d time.Duration) { m.alarm.set(max(d, 1)) }

// Now returns the time, with the monotonic clock's reading.
func (m *machine) Now() time.Time { return time.Now() }

// Since asks the monotonic clock alone.
func (m *machine) Since(then time.Time) time.Duration { return time.Since(then) }

// Add watches by edges, both directions.
func (m *machine) Add(fd int) syscall.Errno { return m.poller.Watch(fd) }

// AddInput watches by edges of input.
func (m *machine) AddInput(fd int) syscall.Errno { return m.poller.WatchInput(fd) }

// AddOutput adds the edges of output.
func (m *machine) AddOutput(fd int) syscall.Errno { return m.poller.WatchOutput(fd) }

// Remove ends the watch; a descriptor that is not watched is no error.
func (m *machine) Remove(fd int) { m.poller.Forget(fd) }

// Close closes the alarm and the poller.
func (m *machine) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	m.alarm.close()
	return m.poller.Close()
}

// unlessClosed calls f, which may write to a descriptor of ours, while Close waits.
func (m *machine) unlessClosed(f func()) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if !m.closed {
		f()
	}
}
