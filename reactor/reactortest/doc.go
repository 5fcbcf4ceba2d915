// Package reactortest tests what runs on a reactor.
//
//	Run, on a real loop                     MemoryReactor
//
//	  f ──▶ Deferred ──▶ Stop                 Advance ─┐   ┌─ Run
//	        │                                          ▼   ▼
//	   reactor.Reactor                         reactor.Reactor
//	        │                                          │
//	   the machine's kernel                    sockets in memory,
//	   (and a list of what is open)            a clock that jumps
//
// [Run] calls a function on a loop and waits for the Deferred that it returns;
// the test fails for what it leaves behind. [MemoryReactor] is the same reactor
// on a kernel without a machine: no port, no waiting, and faults to order.
// [RunMemory] is both. What every reactor owes its users is written down, as
// tests, in the package conformance below this one.
//
// Reading order: run.go (what a test calls), trial.go (what then happens),
// watched.go (how it knows what is open), turns.go, log.go. Then memory.go (the
// reactor in memory and its knobs), kernel.go (its loop and clock),
// descriptors.go (its system calls), socket.go, stream.go, network.go,
// sharing.go, datagram.go (what they do), faults.go.
package reactortest
