// Package task runs functions over time: again and again ([LoopingCall]), once
// and later ([DeferLater]), and piece by piece beside others ([Cooperator]).
//
//	LoopingCall   start ├────f────┬────f────┬─────────┬────f    every interval, on
//	                    0         1         2    late   4       a grid; misses skipped
//
//	DeferLater    now ───────── d ─────────▶ f ──▶ Deferred
//
//	Cooperator    ┌─ a slice: 10 ms ─┐  loop  ┌─ a slice ─┐
//	              │ a1 b1 c1 a2 b2 c2│ ─ I/O ▶│ a3 b3 ... │ ─ ...
//	              └──────────────────┘        └───────────┘
//
// All of them take a [clock.Scheduler]: a reactor in a program, a [clock.Fake]
// in a test. Like the Scheduler, everything here belongs to the one goroutine
// that runs its calls. A panic in a function that is run here ends that loop or
// task with a [*deferred.PanicError], and nothing else.
//
// Reading order: later.go, looping.go (and count.go), cooperator.go,
// cooperative.go (one task), errors.go.
package task
