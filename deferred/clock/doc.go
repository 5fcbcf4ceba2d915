// Package clock holds timers: the [Scheduler] interface, the [DelayedCall] it
// returns, the heap that orders calls, and a fake clock for tests.
//
//	          CallLater(d, f)
//	caller ───────────────────▶ Scheduler ──▶ Queue (4-ary heap by time, then by sequence)
//	   ▲                                        │
//	   └── *DelayedCall: Cancel, Reset, Delay   └──▶ due calls, oldest first, equal times FIFO
//
// There is one heap. A reactor drives it with the machine's monotonic clock
// and a timer descriptor; [Fake] drives it with a clock that a test moves by
// hand. So a test that passes on the fake clock has exercised the ordering
// that production uses.
//
// Reading order: clock.go (the contract), queue.go (the heap), train.go (calls of one
// delay), fake.go.
package clock
