package task_test

import (
	"testing"
	"time"

	"skein/deferred"
	"skein/deferred/task"
)

// countLoop returns a diary and a loop that notes the count of each call.
func countLoop() (*diary, *task.LoopingCall) {
	d := newDiary()
	return d, task.NewLoopingCallWithCount(d.clock, func(count int) *deferred.Deferred {
		d.note("%d", count)
		return nil
	})
}

func TestCountIsOneForALoopThatKeepsUp(t *testing.T) {
	for _, now := range []bool{true, false} {
		d, l := countLoop()
		l.Start(time.Second, now)
		d.run(2)
		want := []string{"0s 1", "1s 1", "2s 1"}
		if !now {
			want = want[1:]
		}
		d.expect(t, want...)
	}
}

func TestCountTellsOfSkippedInstants(t *testing.T) {
	d, l := countLoop()
	l.Start(time.Second, true)
	// Two instants at once; then late, but within the interval; then on time.
	d.clock.Pump(2*time.Second, 1700*time.Millisecond, 300*time.Millisecond)
	d.expect(t, "0s 1", "2s 2", "3.7s 1", "4s 1")
}

func TestCountBeforeTheFirstCall(t *testing.T) {
	d, l := countLoop()
	l.Start(time.Second, false)
	d.clock.Advance(3500 * time.Millisecond)
	d.expect(t, "3.5s 3")
}

func TestCountWhileACallWaits(t *testing.T) {
	d, work := newDiary(), deferred.New()
	l := task.NewLoopingCallWithCount(d.clock, func(count int) *deferred.Deferred {
		d.note("%d", count)
		if len(d.entries) == 1 {
			return work
		}
		return nil
	})
	l.Start(time.Second, true)
	d.run(2.5)
	work.Callback(nil)
	d.run(1.5)
	d.expect(t, "0s 1", "3s 3", "4s 1")
}

func TestCountWithIntervalZeroIsOne(t *testing.T) {
	d := newDiary()
	var l *task.LoopingCall
	l = task.NewLoopingCallWithCount(d.clock, func(count int) *deferred.Deferred {
		d.note("%d", count)
		if len(d.entries) == 2 {
			_ = l.Stop()
		}
		return nil
	})
	l.Start(0, true)
	d.clock.Advance(time.Second)
	d.expect(t, "0s 1", "1s 1")
}

func TestCountAfterResetAndRestart(t *testing.T) {
	d, l := countLoop()
	l.Start(time.Second, true)
	d.run(0.5)
	_ = l.Reset()
	d.run(1)
	d.expect(t, "0s 1", "1.5s 1")

	_ = l.Stop()
	d.run(5)
	l.Start(time.Second, true) // counts afresh, not the time it stood still
	d.run(1)
	d.expect(t, "0s 1", "1.5s 1", "6.5s 1", "7.5s 1")
}

func TestCountIsNeverLessThanOne(t *testing.T) {
	d := newDiary()
	l := task.NewLoopingCallWithCount(d.clock, func(count int) *deferred.Deferred {
		if count < 1 {
			t.Errorf("at %v the count is %d", d.clock.Now().Sub(d.start), count)
		}
		d.note("%d", count)
		return nil
	})
	l.Start(time.Second, false)
	for i := range 200 { // resets and late calls at odd times
		d.clock.Advance(time.Duration(i*137%1900) * time.Millisecond)
		if i%3 == 0 {
			_ = l.Reset()
		}
	}
	if len(d.entries) == 0 {
		t.Error("no call came")
	}
}

func TestCountNeedsAFunction(t *testing.T) {
	expectPanic(t, deferred.ErrNilFunc, func() { task.NewLoopingCallWithCount(newDiary().clock, nil) })
}
