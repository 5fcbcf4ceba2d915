//go:build !poll_opt

package kernel

import (
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// This file waits in gnet's epoll instance, in place of gnet's Polling. That one
// polls again after each batch, yields to Go's scheduler whenever nothing is there,
// and runs a turn only after its own eventfd was written to and heard. Here a batch
// is followed by its turn, and by one wait: an eighth less CPU time for a proxy that
// fetches each poem, a tenth for a bulk stream (bench/cmd/compare's rows "relay" and
// "stream-1", beside a build with Polling).

const (
	// batchSize is how many events one wait takes.
	batchSize = 256
	// groupSize is how many of them pass between two calls of Served: the longer, the
	// more there is to be had from doing alike things in a row, and the longer the
	// first one's answer waits. bench/cmd/compare's rows of echoes and transform
	// requests show what it is worth, beside a build with 1; 64 and 256 brought no more.
	groupSize = 32
)

// waiter is the loop's place to sleep.
type waiter struct {
	epoll  int
	asleep atomic.Bool // or about to be: whoever wants a turn has to ring
	single bool        // GOMAXPROCS is 1
	passed int         // events and waits since the last yield
	events [batchSize]unix.EpollEvent
}

// yieldEvery is how many events and waits pass between two yields: a millisecond or
// two. While all processors are busy, a goroutine that the loop has started waits
// for that long.
const yieldEvery = 256

// open finds the poller's descriptor.
func (w *waiter) open(p *poller) (err error) {
	w.epoll, err = p.Descriptor()
	w.passed = yieldEvery // the first wait looks at GOMAXPROCS
	return err
}

// AddTagged watches as gnet's AddReadWrite does, which leaves empty the half of
// epoll's data that has the tag here.
func (m *machine) AddTagged(fd int, tag uint32) syscall.Errno {
	const edges = unix.EPOLLIN | unix.EPOLLPRI | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET
	ev := unix.EpollEvent{Events: edges, Fd: int32(fd), Pad: int32(tag)}
	_, _, errno := syscall.RawSyscall6(unix.SYS_EPOLL_CTL, uintptr(m.waiter.epoll), unix.EPOLL_CTL_ADD, uintptr(fd), uintptr(unsafe.Pointer(&ev)), 0, 0)
	return errno
}

// Poll waits, passes the batch on and takes the turn that is due, until a turn
// says to stop.
func (m *machine) Poll() error {
	for {
		batch, err := m.wait()
		if err != nil {
			return err
		}
		for i := range batch {
			fd := int(batch[i].Fd)
			if m.alarm.owns(fd) {
				m.alarm.event(fd)
			} else {
				m.handler.Ready(fd, translate(batch[i].Events, 0), uint32(batch[i].Pad))
			}
			if i%groupSize == groupSize-1 || i == len(batch)-1 {
				m.handler.Served()
			}
		}
		if m.woken.Load() && m.turn() {
			return nil
		}
	}
}

// wait returns the next batch; it does not sleep if a turn is due.
//
// INVARIANT: either wait sees that a turn is due, or Wake sees that the loop is
// asleep: each writes its own flag before it reads the other's.
func (m *machine) wait() ([]unix.EpollEvent, error) {
	w := &m.waiter
	w.yield()
	w.asleep.Store(true)
	var n int
	var errno syscall.Errno
	if m.woken.Load() {
		n, errno = w.look()
	} else {
		n, errno = w.sleep()
	}
	w.asleep.Store(false)
	w.passed += n + 1
	if errno != 0 && errno != unix.EINTR {
		return nil, os.NewSyscallError("epoll_wait", errno)
	}
	return w.events[:n], nil
}

// yield lets Go's scheduler run others. With one processor nobody else gives them
// a turn before the loop sleeps: the monitor thread would, up to 10 ms later. With
// several it wakes a thread that looks for work, which costs more than an event, so
// it is done now and then only, and then for the monitor's sake: a goroutine that
// has not yielded for 10 ms is told to, by a signal, and its processor is taken away
// while it sleeps.
func (w *waiter) yield() {
	switch {
	case w.passed >= yieldEvery:
		w.passed = 0
		w.single = runtime.GOMAXPROCS(0) == 1
		runtime.Gosched()
	case w.single:
		runtime.Gosched()
	}
}

// look takes what is there. It cannot block, so the scheduler need not know.
func (w *waiter) look() (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(w.epoll), uintptr(unsafe.Pointer(&w.events)), batchSize, 0, 0, 0)
	return count(n, errno), errno
}

// sleep waits until something is there.
func (w *waiter) sleep() (int, syscall.Errno) {
	forever := -1
	n, _, errno := syscall.Syscall6(unix.SYS_EPOLL_PWAIT, uintptr(w.epoll), uintptr(unsafe.Pointer(&w.events)), batchSize, uintptr(forever), 0, 0)
	return count(n, errno), errno
}

// count returns the result of a call that has failed or not.
func count(n uintptr, errno syscall.Errno) int {
	if errno != 0 {
		return 0
	}
	return int(n)
}

// Wake asks for a turn. On the loop's own goroutine, and while it works, that
// costs no system call.
func (m *machine) Wake() {
	if m.woken.Load() || !m.woken.CompareAndSwap(false, true) {
		return
	}
	if m.waiter.asleep.Load() {
		m.unlessClosed(m.alarm.ring)
	}
}

// heard has nothing to do: the bell has ended the wait, and that is all.
func (m *machine) heard() {}

// turn takes the turn. woken stays up while it runs, so that whoever calls Wake
// meanwhile need not; what came before it has come down is for More to find.
func (m *machine) turn() (stop bool) {
	stop = m.handler.Turn()
	m.woken.Store(false)
	if !stop && m.handler.More() {
		m.woken.Store(true)
	}
	return stop
}
