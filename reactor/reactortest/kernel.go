package reactortest

import (
	"sync/atomic"
	"syscall"
	"time"

	"skein/reactor/internal/kernel"
)

// memory is a kernel without a machine: sockets are buffers, and time is a
// number. It does one thing after the other in an order that depends on nothing
// but what the reactor does, so a run can be repeated.
//
// Time stands still while there is something to do, but for a few microseconds a
// batch; when there is nothing, it jumps to the next timer. With no timer
// either, the loop waits for a call from another goroutine.
//
// All but Wake and Now belong to the loop's goroutine.
type memory struct {
	handler kernel.Handler
	driven  bool // by hand, right now

	// Time.
	now   atomic.Int64 // nanoseconds since birth
	alarm int64        // when a turn is due; 0 if none is

	// The turn.
	woken atomic.Bool
	bell  chan struct{} // rung by Wake, for a loop that waits

	// Descriptors. See descriptors.go.
	table   []*socket // by number; nil where one is free
	limit   int       // how many there may be
	edges   []*socket // whose state has changed since the last batch
	batch   []event   // scratch of step
	network network
	faults  map[Call][]fault
}

var _ kernel.Kernel = (*memory)(nil)

// event is one event of a batch. It names a number, not a socket, as epoll's
// does: what the number stands for may change within the batch.
type event struct {
	fd  int
	ev  kernel.Events
	tag uint32
}

// birth is where a memory kernel's time begins, the same as clock.Fake's.
var birth = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// workTime is how long a batch takes: a loop that is never idle must not stop
// the time.
const workTime = 10 * time.Microsecond

// newMemory returns a kernel with nothing open.
func newMemory() *memory {
	m := &memory{bell: make(chan struct{}, 1), limit: 1 << 20, faults: make(map[Call][]fault)}
	m.network = newNetwork()
	m.now.Store(1) // so that no instant is 0, which stands for no alarm
	return m
}

// Attach sets the loop.
func (m *memory) Attach(h kernel.Handler) { m.handler = h }

// Poll runs batches until a turn says to stop.
func (m *memory) Poll() error {
	for {
		worked, stop := m.step()
		switch {
		case stop:
			return nil
		case worked:
			m.pass(int64(workTime))
		default:
			m.idle()
		}
	}
}

// groupSize is how many edges pass between two calls of Served: few, so that tests with
// few sockets see what that can lead to.
const groupSize = 5

// step passes on the edges there are now, and runs the turn if one was asked
// for. woken stays up during the turn, as on the machine: what comes then is
// for More to find.
func (m *memory) step() (worked, stop bool) {
	m.batch = m.takeEdges(m.batch[:0])
	for i, e := range m.batch {
		m.handler.Ready(e.fd, e.ev, e.tag)
		if i%groupSize == groupSize-1 || i == len(m.batch)-1 {
			m.handler.Served()
		}
	}
	if !m.woken.Load() {
		return len(m.batch) > 0, false
	}
	stop = m.handler.Turn()
	m.woken.Store(false)
	if !stop && m.handler.More() {
		m.woken.Store(true)
	}
	return true, stop
}

// idle moves the time to the next timer, or waits for Wake. While functions run
// on other goroutines on the loop's behalf, time passes as fast as on the wall:
// a jump would end every timeout that they run under.
func (m *memory) idle() {
	switch {
	case m.alarm == 0:
		<-m.bell
	case m.away():
		m.waitAway(time.Duration(m.alarm - m.now.Load()))
	default:
		m.pass(m.alarm - m.now.Load())
	}
}

// away reports whether the loop waits for functions on other goroutines.
func (m *memory) away() bool {
	h, ok := m.handler.(interface{ Away() int })
	return ok && h.Away() > 0
}

// waitAway waits for Wake, for d at most; d goes by on the clock, too.
func (m *memory) waitAway(d time.Duration) {
	start := time.Now()
	limit := time.NewTimer(d)
	defer limit.Stop()
	select {
	case <-m.bell:
		m.pass(min(int64(time.Since(start)), int64(d)))
	case <-limit.C:
		m.pass(int64(d))
	}
}

// pass moves the time, and asks for the turn if the alarm's time has come.
func (m *memory) pass(ns int64) {
	now := m.now.Add(max(ns, 0))
	if m.alarm != 0 && m.alarm <= now {
		m.alarm = 0
		m.woken.Store(true)
	}
}

// Wake asks for a turn. Any goroutine may call it.
func (m *memory) Wake() {
	if m.woken.CompareAndSwap(false, true) {
		select {
		case m.bell <- struct{}{}:
		default: // it has rung already
		}
	}
}

// SetTimer sets the alarm.
func (m *memory) SetTimer(d time.Duration) {
	m.alarm = m.now.Load() + max(int64(d), 1)
}

// Now returns the time. Any goroutine may call it.
func (m *memory) Now() time.Time { return birth.Add(time.Duration(m.now.Load() - 1)) }

// Since counts by that time.
func (m *memory) Since(then time.Time) time.Duration { return m.Now().Sub(then) }

// Close has nothing to give back.
func (m *memory) Close() error { return nil }

// Add watches a socket. What it is ready for is told at once.
func (m *memory) Add(fd int) (errno syscall.Errno) {
	s, errno := m.lookup(fd)
	if errno == 0 {
		errno = m.fault(Add, s)
	}
	if errno == 0 {
		s.watched, s.inputOnly, s.tag = true, false, 0
		m.edge(s)
	}
	return errno
}

// AddTagged marks the edges.
func (m *memory) AddTagged(fd int, tag uint32) syscall.Errno {
	errno := m.Add(fd)
	if errno == 0 {
		m.table[fd].tag = tag
	}
	return errno
}

// AddInput watches a socket's input, and its end.
func (m *memory) AddInput(fd int) syscall.Errno {
	errno := m.Add(fd)
	if errno == 0 {
		m.table[fd].inputOnly = true
	}
	return errno
}

// AddOutput watches its output, too.
func (m *memory) AddOutput(fd int) syscall.Errno {
	s, errno := m.lookup(fd)
	switch {
	case errno != 0:
		return errno
	case !s.watched:
		return syscall.ENOENT
	}
	return m.Add(fd)
}

// Remove ends the watch.
func (m *memory) Remove(fd int) {
	if s, errno := m.lookup(fd); errno == 0 {
		s.watched = false
	}
}

// Pending returns what a socket is ready for.
func (m *memory) Pending(fd int) kernel.Events {
	s, errno := m.lookup(fd)
	if errno != 0 {
		return kernel.Readable | kernel.Writable // as poll(2) says it
	}
	return s.ready() & (kernel.Readable | kernel.Writable)
}

// edge notes that a socket's state has changed.
func (m *memory) edge(s *socket) {
	if s.watched && !s.told {
		s.told = true
		m.edges = append(m.edges, s)
	}
}

// roomEdge notes that there is room for output again. Who watches input only hears
// nothing, not of input that has waited either.
func (m *memory) roomEdge(s *socket) {
	if !s.inputOnly {
		m.edge(s)
	}
}

// takeEdges appends an event for each changed socket, with what it is ready for
// now.
func (m *memory) takeEdges(batch []event) []event {
	edges := m.edges
	m.edges = nil
	for _, s := range edges {
		s.told = false
		ev := s.ready()
		if s.inputOnly && !s.spent() {
			ev &^= kernel.Writable
		}
		if s.watched && ev != 0 {
			batch = append(batch, event{s.fd, ev, s.tag})
		}
	}
	return batch
}
