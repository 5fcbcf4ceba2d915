// Package poetry serves and fetches poems over TCP, by the simplest protocol
// there is: whoever connects is sent one poem, and then the end of the
// connection. It is the running example of the "slow poetry" tutorial.
//
//	 a server                                        a client
//	┌──────────────────────────┐                    ┌──────────────────────┐
//	│ Factory ─▶ Protocol      │   the poem, all    │                      │
//	│   ConnectionMade:        │ ─── at once ─────▶ │ GetPoem              │
//	│   WriteShared, close     │                    │   ClientFactory      │
//	├──────────────────────────┤                    │     ─▶ ClientProtocol│
//	│ SlowFactory ─▶           │   a few bytes,     │   the Deferred fires │
//	│   SlowProtocol: a timer  │ ─ and a few bytes ▶│   with the poem      │
//	└──────────────────────────┘                    └──────────────────────┘
//
// The protocol has no length and no end mark: the end of the connection is the
// end of the poem. So a client must tell a clean end from a broken one. One
// that was reset, ran into a time limit or was aborted has delivered a part of
// a poem, which [GetPoem] never passes for a whole one: see [FetchError].
//
// Nothing here blocks, and all of it belongs to the reactor's goroutine, but
// for [Builtin] and [ReadPoem], which anybody may call.
//
// Reading order: poem.go, server.go, slow.go, client.go, errors.go.
package poetry
