package drive

import (
	"fmt"
	"math"
	"runtime"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	runLimit = 5 * time.Minute // the longest that a run may take beyond its own time
	waitTick = 100             // milliseconds after which a silent server is looked at
	readSize = 64 << 10        // bytes that one read may bring
	hangup   = unix.EPOLLRDHUP | unix.EPOLLHUP | unix.EPOLLERR
)

// A loop waits for sockets, and watches over the run that it is in. Loads embed
// it.
type loop struct {
	ep     int
	events [256]unix.EpollEvent
	one    unix.EpollEvent // of add; a variable of its own would be an allocation
	buf    []byte          // what is read goes here

	// Of the run.
	base   time.Time     // times are counted from here
	result *Result       // what it adds to
	left   int           // operations that may still begin
	open   int           // operations that have begun and are not complete
	stop   time.Duration // when no more may begin
	limit  time.Duration // when the run is too long
	alive  time.Duration // when an operation was completed last
	failed error         // why the load can only be closed

	patience time.Duration // how long an operation may take
}

// init makes the loop ready.
func (l *loop) init() error {
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return fmt.Errorf("drive: epoll_create1: %w", err)
	}
	l.ep, l.base, l.buf, l.patience = ep, time.Now(), make([]byte, readSize), Patience
	return nil
}

// now is the time, counted from base.
func (l *loop) now() time.Duration { return time.Since(l.base) }

// add watches a socket; its events carry the index.
func (l *loop) add(fd, index int, events uint32) error {
	l.one = unix.EpollEvent{Events: events, Fd: int32(index)}
	if err := unix.EpollCtl(l.ep, unix.EPOLL_CTL_ADD, fd, &l.one); err != nil {
		return fmt.Errorf("epoll_ctl: %w", err)
	}
	return nil
}

// A turner is a load as its loop sees it.
type turner interface {
	// start begins the first operations of a run.
	start() error
	// ready handles an event.
	ready(index int, events uint32) error
}

// ops is a run of n operations.
func (l *loop) ops(t turner, n int, r *Result) error {
	if n <= 0 {
		return l.failed
	}
	return l.run(t, n, math.MaxInt64, r)
}

// during is a run that begins operations for as long as d.
func (l *loop) during(t turner, d time.Duration, r *Result) error {
	return l.run(t, math.MaxInt, d, r)
}

// run does a run: what has begun is completed.
func (l *loop) run(t turner, n int, d time.Duration, r *Result) error {
	return l.within(n, d, r, func() error {
		err := t.start()
		for err == nil && l.open > 0 {
			err = l.turn(t, waitTick)
		}
		return err
	})
}

// within calls f with the loop set up for a run. It keeps its thread, so that
// what the thread has in the caches of its core stays of use.
func (l *loop) within(n int, d time.Duration, r *Result, f func() error) error {
	if l.failed != nil {
		return l.failed
	}
	runtime.LockOSThread() //nolint:forbidigo // not the reactor's goroutine
	defer runtime.UnlockOSThread()
	began := l.now()
	l.left, l.result, l.alive = n, r, began
	l.stop, l.limit = after(began, d), began+runLimit
	if d != math.MaxInt64 {
		l.limit += d
	}
	err := f()
	r.Wall += l.now() - began
	l.result = nil
	if err != nil {
		l.failed = fmt.Errorf("drive: %w", err)
	}
	return l.failed
}

// after adds without running over.
func after(t, d time.Duration) time.Duration {
	if d > math.MaxInt64-t {
		return math.MaxInt64
	}
	return t + d
}

// turn waits for events and handles them.
func (l *loop) turn(t turner, timeout int) error {
	n, err := unix.EpollWait(l.ep, l.events[:], timeout)
	if err != nil && err != unix.EINTR {
		return fmt.Errorf("epoll_wait: %w", err)
	}
	open, done := l.open, l.result.Ops
	for _, ev := range l.events[:max(n, 0)] {
		if err := t.ready(int(ev.Fd), ev.Events); err != nil {
			return err
		}
	}
	if l.result.Ops == done {
		if now := l.now(); now-l.alive > l.patience || now > l.limit {
			return fmt.Errorf("%w: %d operations are under way and %d are done, the last one %v ago",
				ErrSilent, open, done, (now - l.alive).Round(time.Millisecond))
		}
	}
	return nil
}

// complete notes that n operations are done, which were begun at a time.
func (l *loop) complete(n int, begun, now time.Duration) {
	l.open -= n
	l.alive = now
	l.result.record(now-begun, n)
}

// take asks to begin as many as n operations, and says how many may.
func (l *loop) take(n int, now time.Duration) int {
	if now >= l.stop {
		l.left = 0
	}
	n = min(n, l.left)
	l.left -= n
	l.open += n
	return n
}

// The descriptors never block, so the calls need not tell Go's scheduler.

// read reads into p, which is not empty.
func read(fd int, p []byte) (int, syscall.Errno) {
	for {
		n, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
		if errno != syscall.EINTR {
			return int(n), errno
		}
	}
}

// discard takes as much as would fit into p, and does not copy it there.
func discard(fd int, p []byte) (int, syscall.Errno) {
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), unix.MSG_TRUNC, 0, 0)
		if errno != syscall.EINTR {
			return int(n), errno
		}
	}
}

// write writes p, which is not empty. A closed connection is an error and no
// signal.
func write(fd int, p []byte) (int, syscall.Errno) {
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), unix.MSG_NOSIGNAL, 0, 0)
		if errno != syscall.EINTR {
			return int(n), errno
		}
	}
}
