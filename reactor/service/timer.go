package service

import (
	"time"

	"skein/deferred"
	"skein/deferred/clock"
	"skein/deferred/task"
)

// TimerService calls a function again and again while it runs: at its start, and
// then each Step, as a [task.LoopingCall] does. A call that fails ends the calls,
// not the service: it stays as running as it was, and another start calls again.
//
// Twisted: internet.TimerService.
type TimerService struct {
	Base

	// Clock is what measures Step; nil: the application's reactor.
	Clock clock.Scheduler
	// Step is the time from call to call; 0: once in each turn of the loop.
	Step time.Duration
	// Call is what is called. It returns nil, or a Deferred for work that goes on:
	// no call comes before that has fired, and a stop waits for it.
	Call func() *deferred.Deferred
	// Failed is told of the error that has ended the calls; nil: it is reported as
	// the unhandled error of a Deferred.
	//
	// Twisted: TimerService._failed.
	Failed func(err error)

	calls *task.LoopingCall
	over  *deferred.Deferred // fires when the last call is over
}

// StartService makes the first call. [Start] calls it.
func (t *TimerService) StartService() error {
	c := t.Clock
	if c == nil {
		r, err := reactorFor(t, nil)
		if err != nil {
			return err
		}
		c = r
	}
	t.calls = task.NewLoopingCall(c, t.Call)
	t.over = t.calls.Start(t.Step, true)
	t.over.AddErrback(func(err error) (any, error) {
		if t.Failed == nil {
			deferred.Fail(err)
			return nil, nil
		}
		t.Failed(err)
		return nil, nil
	})
	return nil
}

// StopService makes no more calls. The Deferred fires when the one that is under
// way, if any, is over. [Stop] calls it.
func (t *TimerService) StopService() *deferred.Deferred {
	_ = t.calls.Stop() // a call may have failed and ended it
	return t.over
}
