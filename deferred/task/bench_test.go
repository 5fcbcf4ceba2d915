package task_test

import (
	"testing"
	"time"

	"skein/deferred"
	"skein/deferred/clock"
	"skein/deferred/task"
)

// BenchmarkLoopingCall is one call of a loop, timer included.
func BenchmarkLoopingCall(b *testing.B) {
	for _, bench := range []struct {
		name   string
		result *deferred.Deferred
	}{{"nil", nil}, {"fired", deferred.Succeed(nil)}} {
		b.Run(bench.name, func(b *testing.B) {
			c, calls := clock.NewFake(), 0
			task.NewLoopingCall(c, func() *deferred.Deferred { calls++; return bench.result }).Start(time.Second, false)
			b.ReportAllocs()
			for b.Loop() {
				c.Advance(time.Second)
			}
			if calls == 0 {
				b.Fatal("no call came")
			}
		})
	}
}

// BenchmarkStep is one step of one of a hundred tasks: two switches of
// coroutines and a look at the clock.
func BenchmarkStep(b *testing.B) {
	c := clock.NewFake()
	tasks := task.NewCooperator(c)
	tasks.MaxSteps = 1000
	steps := 0
	for range 100 {
		tasks.Cooperate(func(yield func(*deferred.Deferred) bool) {
			for yield(nil) {
				steps++
			}
		})
	}
	b.ReportAllocs()
	turns := 0
	for b.Loop() {
		if turns%tasks.MaxSteps == 0 {
			c.Advance(time.Millisecond)
		}
		turns++
	}
	if steps == 0 {
		b.Fatal("no step was taken")
	}
	tasks.Stop()
}
