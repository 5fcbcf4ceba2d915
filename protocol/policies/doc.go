// Package policies puts rules around protocols that know nothing of them: how
// long a connection may be silent, how many there may be, how fast they run,
// what is written down of them, and what becomes of a connection that failed.
//
// Most of them are wrappers. A wrapper looks like a protocol from below and
// like a transport from above, so wrappers can be stacked:
//
//	       loop                 TimeoutFactory        your factory
//	        │  BuildProtocol         │                     │
//	        ▼                        ▼                     ▼
//	    Transport ◀── Write ──  ProtocolWrapper ◀── Write ── Protocol
//	        └─── DataReceived ───▶   └─── DataReceived ───▶
//
//	server := &policies.TotalLimit{Max: 1000, Factory: &policies.TimeoutFactory{
//		Idle: time.Minute, Clock: r, Factory: f}}
//
// A wrapper is transparent where it has no business: half-close reaches a
// wrapped [protocol.HalfCloser] and a protocol that is none does not become
// one, a TCP connection stays a [protocol.TCPOptions], producers, causes and
// Disconnecting pass through, and so does a factory's refusal (nil) and its
// panic; the log names the wrapped protocol. Each factory here also forwards
// [protocol.StartStopper].
//
// The factories wrap a [protocol.Factory]; [Client] makes one of them serve a
// [protocol.ClientFactory].
//
// Everything belongs to the goroutine of the loop that drives the connections.
//
// Reading order: wrapper.go (what the others stand on), timeout.go, mixin.go,
// limit.go and peers.go, throttle.go with bucket.go and outflow.go, traffic.go,
// switch.go with late.go, sniff.go, reconnect.go.
package policies
