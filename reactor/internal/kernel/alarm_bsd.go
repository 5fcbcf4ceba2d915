//go:build darwin || freebsd

package kernel

import "time"

// alarm is a timer and a bell for systems without timerfd: runtime timers that
// wake the poller from their own goroutines.
type alarm struct {
	timer  *time.Timer
	onRing func()
}

// newAlarm makes an alarm; onTime and onRing run on a goroutine of their own.
func newAlarm(onTime, onRing func()) (alarm, error) {
	t := time.AfterFunc(time.Hour, onTime)
	t.Stop()
	return alarm{timer: t, onRing: onRing}, nil
}

// descriptors returns what the poller has to watch: nothing.
func (a *alarm) descriptors() []int { return nil }

// set makes the timer expire once, in d.
func (a *alarm) set(d time.Duration) { a.timer.Reset(d) }

// ring rings the bell from another goroutine, so that the poller polls first.
func (a *alarm) ring() { go a.onRing() }

// close stops the timer.
func (a *alarm) close() { a.timer.Stop() }
