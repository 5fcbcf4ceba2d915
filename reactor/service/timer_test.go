package service_test

import (
	"errors"
	"testing"
	"time"

	"skein/deferred"
	"skein/deferred/clock"
	"skein/deferred/deferredtest"
	"skein/reactor/service"
)

func TestTimerService(t *testing.T) {
	c, calls := clock.NewFake(), 0
	timer := &service.TimerService{Clock: c, Step: time.Second, Call: func() *deferred.Deferred { calls++; return nil }}
	for range 2 {
		calls = 0
		must(t, service.Start(timer))
		want(t, "calls at the start", calls, 1)
		c.Pump(time.Second, time.Second, 500*time.Millisecond)
		want(t, "calls after 2.5 s", calls, 3)
		deferredtest.SuccessResultOf(t, service.Stop(timer))
		c.Advance(time.Minute)
		want(t, "calls after the stop", calls, 3)
		want(t, "timers that wait", c.Pending(), 0)
	}
}

func TestTimerServiceStopWaitsForTheCallUnderWay(t *testing.T) {
	c, work := clock.NewFake(), deferred.New()
	timer := &service.TimerService{Clock: c, Step: time.Second, Call: func() *deferred.Deferred { return work }}
	must(t, service.Start(timer))
	c.Advance(time.Hour)
	stop := service.Stop(timer)
	deferredtest.NoResult(t, stop)
	work.Callback(nil)
	deferredtest.SuccessResultOf(t, stop)
	want(t, "timers that wait", c.Pending(), 0)
}

func TestTimerServiceThatFails(t *testing.T) {
	cases := map[string]func() *deferred.Deferred{
		"by its Deferred": func() *deferred.Deferred { return deferred.Fail(errBroken) },
		"by a panic":      func() *deferred.Deferred { panic(errBroken) },
	}
	for name, call := range cases {
		t.Run(name, func(t *testing.T) {
			log := deferredtest.Unhandled(t)
			c, calls := clock.NewFake(), 0
			timer := &service.TimerService{Clock: c, Step: time.Second}
			timer.Call = func() *deferred.Deferred {
				if calls++; calls%2 == 0 {
					return call()
				}
				return nil
			}
			must(t, service.Start(timer))
			c.Advance(time.Hour)
			want(t, "calls", calls, 2)
			want(t, "the service runs", timer.Running(), true)
			if got := log.Flush(); len(got) != 1 || !errors.Is(got[0].Err, errBroken) {
				t.Errorf("reported: %v, want the error of the call", got)
			}
			deferredtest.SuccessResultOf(t, service.Stop(timer))

			var told error
			timer.Failed = func(err error) { told = err }
			must(t, service.Start(timer))
			c.Advance(time.Second)
			expectErr(t, "what Failed is told", told, errBroken)
			deferredtest.SuccessResultOf(t, service.Stop(timer))
		})
	}
}

func TestTimerServiceThatStopsItself(t *testing.T) {
	c := clock.NewFake()
	timer := &service.TimerService{Clock: c, Step: time.Second}
	timer.Call = func() *deferred.Deferred { service.Stop(timer); return nil }
	m := tree(t, "m", timer)
	must(t, service.Start(m)) // the only call is over
	want(t, "the timer runs", timer.Running(), false)
	want(t, "the others run", m.Running(), true)
	want(t, "timers that wait", c.Pending(), 0)
}

func TestTimerServiceThatCannotStart(t *testing.T) {
	nothing := func() *deferred.Deferred { return nil }
	cases := []struct {
		name  string
		timer *service.TimerService
		want  error
	}{
		{"no clock", &service.TimerService{Step: time.Second, Call: nothing}, service.ErrNoReactor},
		{"no call", &service.TimerService{Clock: clock.NewFake(), Step: time.Second}, deferred.ErrNilFunc},
		{"a step into the past", &service.TimerService{Clock: clock.NewFake(), Step: -1, Call: nothing}, clock.ErrNegativeDelay},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			expectErr(t, "the error", service.Start(tc.timer), tc.want)
			want(t, "running", tc.timer.Running(), false)
		})
	}
}
