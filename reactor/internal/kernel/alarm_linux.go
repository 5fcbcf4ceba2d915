package kernel

import (
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// alarm is a timer and a bell that the poller can wait for: a timerfd, which
// wakes the loop some 25 µs after its time where a runtime timer takes six
// times as long, and an eventfd. Both are watched by edges, so neither is ever
// read: each expiry and each write is an edge of its own.
type alarm struct {
	timer, bell    int
	onTime, onRing func()
}

// newAlarm makes an alarm; onTime and onRing run on the loop.
func newAlarm(onTime, onRing func()) (alarm, error) {
	timer, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return alarm{}, err
	}
	bell, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		_ = unix.Close(timer)
		return alarm{}, err
	}
	return alarm{timer: timer, bell: bell, onTime: onTime, onRing: onRing}, nil
}

// descriptors returns what the poller has to watch.
func (a *alarm) descriptors() []int { return []int{a.timer, a.bell} }

// owns reports whether an event is the alarm's own.
func (a *alarm) owns(fd int) bool { return fd == a.timer || fd == a.bell }

// event takes one that is.
func (a *alarm) event(fd int) {
	if fd == a.timer {
		a.onTime()
	} else {
		a.onRing()
	}
}

// set makes the timer expire once, in d, which is positive.
func (a *alarm) set(d time.Duration) {
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(d))}
	// It fails only for a bad descriptor or value.
	syscall.RawSyscall6(unix.SYS_TIMERFD_SETTIME, uintptr(a.timer), 0, uintptr(unsafe.Pointer(&spec)), 0, 0, 0)
}

// ring rings the bell.
func (a *alarm) ring() {
	one := uint64(1)
	syscall.RawSyscall(unix.SYS_WRITE, uintptr(a.bell), uintptr(unsafe.Pointer(&one)), 8)
}

// close closes both descriptors.
func (a *alarm) close() {
	_ = unix.Close(a.timer)
	_ = unix.Close(a.bell)
}
