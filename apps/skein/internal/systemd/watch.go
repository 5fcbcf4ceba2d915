package systemd

import (
	"time"

	"skein/deferred"
	"skein/deferred/clock"
	"skein/deferred/task"
)

// retryAfter is when what systemd did not take is tried again.
const retryAfter = 100 * time.Millisecond

// Watch gives signs of life by c, twice as often as systemd's watchdog wants
// them, until stop is called. c is the loop's: a loop that is stuck gives none,
// and is restarted. What could not be sent is sent by c, too, without a watchdog
// as well.
func (n *Notifier) Watch(c clock.Scheduler) (stop func()) {
	if n == nil {
		return func() {}
	}
	n.clock = c
	n.flush()
	var beat *task.LoopingCall
	if n.interval > 0 {
		beat = task.NewLoopingCall(c, func() *deferred.Deferred { n.Alive(); return nil })
		beat.Start(max(n.interval/2, time.Millisecond), true)
	}
	return func() {
		n.clock = nil
		if n.retry != nil {
			_ = n.retry.Cancel() // it waits: forget has not run
			n.retry = nil
		}
		if beat != nil {
			_ = beat.Stop() // once it has been stopped, there is nothing to do
		}
	}
}

// later sets the timer for what is unsent.
func (n *Notifier) later() {
	if n.clock == nil || n.retry != nil {
		return
	}
	n.retry = n.clock.CallLater(retryAfter, func() {
		n.retry = nil
		n.flush()
	})
}
