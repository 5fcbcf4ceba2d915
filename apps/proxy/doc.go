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
// A client that leaves by a reset is gone at once, and the last one to go takes
// the fetch along. One that only closes looks as if it had closed half, and still
// reads: the system's keep-alive finds out, where there is one, after a minute or
// two; anywhere else the end of the fetch does. A policy around the server that
// closes by LoseConnection, as a policies.TimeoutFactory does, gives a client
// that waits no bytes and a clean end: leave it more time than a fetch takes.
//
// What bounds a fetch is a silence of the origin and the length of the poem, see
// [FetchFrom], not its whole time: an origin that sends a byte now and then keeps
// its fetch, and all who wait, for as long as it likes. One that must end gets a
// timeout of its own:
//
//	fetch := proxy.FetchFrom(r, addr, poetry.Options{IdleTimeout: 10 * time.Second})
//	bounded := func() *deferred.Deferred { return fetch().AddTimeout(time.Minute, r) }
//
// All of it belongs to the reactor's goroutine, and nothing blocks.
//
// Reading order: version1.go and version2.go, which are the tutorial's;
// service.go, cache.go (the three states), keep.go (what stays, and for how
// long), server.go, log.go; transform.go, the same cache in front of the
// transform service of apps/transform.
package proxy
