package clock_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"skein/deferred/clock"
)

// pendingCounts are the sizes of the crowd that a measured timer is set among.
var pendingCounts = []int{0, 1_000, 100_000}

// BenchmarkSetCancel is the life of most timers: a timeout that is set and,
// because the answer came, cancelled, while many others wait.
func BenchmarkSetCancel(b *testing.B) {
	for _, pending := range pendingCounts {
		b.Run(fmt.Sprintf("pending=%d", pending), func(b *testing.B) {
			c := crowded(pending)
			i := 0
			b.ReportAllocs()
			for b.Loop() {
				// A stride through the minute lands among the crowd, not behind it.
				i++
				call := c.CallLater(time.Duration(i*7919%60_000)*time.Millisecond, func() {})
				if call.Cancel() != nil {
					b.Fatal("a call that waits could not be cancelled")
				}
			}
		})
	}
}

// BenchmarkReplace cancels one of the crowd at random and sets another in its
// place: the memory it touches is cold, as on a busy server.
func BenchmarkReplace(b *testing.B) {
	const pending = 100_000
	c := clock.NewFake()
	rng := rand.New(rand.NewPCG(1, 2))
	set := func() *clock.DelayedCall {
		return c.CallLater(time.Duration(rng.Int64N(int64(time.Minute))), func() {})
	}
	calls := make([]*clock.DelayedCall, pending)
	for i := range calls {
		calls[i] = set()
	}
	b.ReportAllocs()
	for b.Loop() {
		i := rng.IntN(pending)
		if calls[i].Cancel() != nil {
			b.Fatal("a call that waits could not be cancelled")
		}
		calls[i] = set()
	}
}

// BenchmarkTimeouts cancels the oldest of a crowd of equal time-outs and sets another,
// as a server does whose connections come and go.
func BenchmarkTimeouts(b *testing.B) {
	for _, pending := range pendingCounts {
		b.Run(fmt.Sprintf("pending=%d", pending), func(b *testing.B) {
			c := clock.NewFake()
			calls := make([]*clock.DelayedCall, pending+1)
			for i := range calls {
				c.Advance(time.Millisecond)
				calls[i] = c.CallLater(time.Hour, func() {})
			}
			i := 0
			b.ReportAllocs()
			for b.Loop() {
				if calls[i].Cancel() != nil {
					b.Fatal("a call that waits could not be cancelled")
				}
				calls[i] = c.CallLater(time.Hour, func() {})
				if i++; i == len(calls) {
					i = 0
				}
			}
		})
	}
}

// BenchmarkSetRun sets a call that is due first and runs it.
func BenchmarkSetRun(b *testing.B) {
	for _, pending := range pendingCounts {
		b.Run(fmt.Sprintf("pending=%d", pending), func(b *testing.B) {
			c, ran := crowded(pending), 0
			run := func() { ran++ }
			b.ReportAllocs()
			for b.Loop() {
				c.CallLater(0, run)
				c.Advance(0)
			}
			if ran == 0 {
				b.Fatal("no call ran")
			}
		})
	}
}

// BenchmarkReset moves one of many calls, as a connection does that puts off
// its idle timeout at every read.
func BenchmarkReset(b *testing.B) {
	for _, pending := range pendingCounts {
		b.Run(fmt.Sprintf("pending=%d", pending), func(b *testing.B) {
			c := crowded(pending)
			call, i := c.CallLater(time.Minute, func() {}), 0
			b.ReportAllocs()
			for b.Loop() {
				i++
				if call.Reset(time.Duration(i*7919%60_000)*time.Millisecond) != nil {
					b.Fatal("a call that waits could not be moved")
				}
			}
		})
	}
}

// crowded returns a clock on which n calls wait, spread over a minute.
func crowded(n int) *clock.Fake {
	c := clock.NewFake()
	for i := range n {
		c.CallLater(time.Second+time.Duration(i*7919%60_000)*time.Millisecond, func() {})
	}
	return c
}
