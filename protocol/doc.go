// Package protocol holds the contracts between an event loop and the code that
// it drives: what a connection's behaviour looks like ([Protocol]), how one is
// made for each connection ([Factory], [ClientFactory]), what it writes to
// ([Transport]), and why a connection ended ([CloseError]).
//
//	                 BuildProtocol(addr)
//	reactor ──────────▶ Factory ──────────▶ Protocol
//	   │                                    ▲      │
//	   │  MakeConnection, ConnectionMade,   │      │ Write, LoseConnection,
//	   │  DataReceived*, ConnectionLost     │      │ PauseProducing ...
//	   └────────────────────────────────────┘      ▼
//	                                           Transport
//
// The order of calls on a Protocol is fixed: MakeConnection, ConnectionMade,
// any number of DataReceived, ConnectionLost; each of the first two and the
// last exactly once. All come from one goroutine, never two at a time, and
// none comes from inside a method of Transport, but for the producer's
// PauseProducing, ResumeProducing and StopProducing.
//
// This package knows no sockets and depends on nothing but the standard
// library, so a protocol can be written and tested without a loop: see
// protocol/protocoltest.
//
// Reading order: protocol.go, transport.go, factory.go, reasons.go.
package protocol
