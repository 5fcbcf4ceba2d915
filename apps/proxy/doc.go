// Package proxy stands between poetry servers and their clients: it fetches a
// poem once and gives it to everybody who asks. It is part 14 of the "slow
// poetry" tutorial, about a function that answers sometimes at once and
// sometimes later, grown into something that can be left running.
//
//	clients          the proxy                                    an origin
//	        ┌─────────────────────────────────────────────┐
//	 A ───▶ │ Protocol ─▶ Service.GetPoem ─▶ cache        │
//	        │                               ┌───────┐     │
//	 B ───▶ │ Protocol ─▶ Service.GetPoem ─▶│ empty │──────── one fetch ──▶ server
//	        │                               └───┬───┘     │
//	        │                    first to ask   ▼         │
//	        │           failed, or all     ┌──────────┐   │
//	        │           have left: empty ◀─┤ fetching │ A and B wait,
//	        │                              └────┬─────┘ each on a Deferred
//	        │                       the poem    ▼         │
//	        │              TTL, or       ┌────────┐       │
//	        │       evicted: empty ◀─────┤ cached │◀──────── C gets it at once
//	        └────────────────────────────┴────────┴───────┘
//
// A poem in the cache is whole: one whose connection was lost is an error, and
// is not kept. Clients are told apart from it the same way: they get all of the
// poem and a clean end, or a reset, never a part with a clean end. The price is
// that a client sees no byte before the fetch has ended: one that gives up after
// some time of silence needs as much patience as the whole fetch takes.
//
// All of it belongs to the reactor's goroutine, and nothing blocks.
//
// Reading order: version1.go and version2.go, which are the tutorial's;
// service.go, cache.go (the three states), keep.go (what stays, and for how
// long), server.go, log.go; transform.go, the same cache in front of the
// transform service of apps/transform.
package proxy
