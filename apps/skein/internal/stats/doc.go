// Package stats serves what a daemon is doing: a page for people and a text for
// Prometheus. The server is a protocol on the daemon's own loop, so an answer
// that comes is a sign of life itself.
//
//	             on the loop of each process           on one of them
//
//	reactor ──▶ Self ──▶ Snapshot ──(JSON, from workers)──▶ Gather
//	              │                                            │
//	 a timer each second                                      Site ◀── GET / HEAD
//	                                                           │
//	             /         HTML, or plain text for curl   ◀────┤
//	             /metrics  the text format 0.0.4          ◀────╯
//
// What is measured stands once, in measures.go: pages and metrics are made from
// that.
//
// The server speaks HTTP/1.0 and 1.1, keeps connections, and answers pipelined
// requests in order. What a head may be made of, and who is slow, it has in common
// with apps/dummyhttp: apps/internal/http1. The rest of that one is about bodies,
// which nobody sends here.
//
//	404  neither / nor /metrics
//	405  another method than GET or HEAD
//	400  what is malformed, a body, no Host, or two
//	408  a request that is not complete in time
//	414  a request line longer than 8 KiB, and 431 a header or all of them
//	505  another version
//
// Reading order: snapshot.go, self.go (machine.go), measures.go, page.go
// (plain.go, html.go, show.go), metrics.go; site.go, client.go, request.go,
// answer.go.
package stats
