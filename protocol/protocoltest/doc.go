// Package protocoltest tests protocols without sockets and without a loop: a
// transport that remembers what was written, two protocols connected back to
// back in memory, and a protocol that remembers what it was told.
//
//	      one protocol                       two protocols
//
//	test ──▶ Protocol                Protocol            Protocol
//	  ▲         │ Write                 │ ▲                 │ ▲
//	  │         ▼                       ▼ │     Chunk       ▼ │
//	  └── StringTransport              End ◀──── Pair ────▶ End
//	       Value() []byte                         ▲
//	                                     test ────┘ Pump()
//
// [StringTransport] is strict where a real transport forgives, so that a test
// finds the mistake and not the user. [Pair] keeps the whole contract of
// [protocol.Transport]: it moves bytes only inside [Pair.Pump], cuts them as
// the test says, and carries half-closes, aborts, pauses and producers.
// [Recorder] checks the contract from the other side: see [Recorder.Err].
//
// Everything belongs to one goroutine, the test's.
//
// Reading order: recorder.go, stringtransport.go, pair.go (the pump), end.go
// (what a protocol calls), closing.go (how an end ends), outbox.go.
package protocoltest
