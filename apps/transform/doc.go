// Package transform offers transformations of poems to clients, and is their
// client: the transform service of part 12 of the "slow poetry" tutorial.
//
//	 a client                                 a server
//	┌───────────────┐  11:shout.hello,   ┌─────────────┐
//	│ Proxy         │ ── netstrings ───▶ │ Factory     │─╮  ┌─────────┐   ┌─────────┐
//	│   Xform ─▶ d  │ ◀──── 5:HELLO, ─── ├─────────────┤ │  │ Server  │   │ Service │
//	├───────────────┤                    │ LineFactory │─┼─▶│ a Table │──▶│ methods │
//	│ nc, telnet    │ ───── lines ─────▶ ├─────────────┤ │  │ limits  │   │         │
//	│ a datagram    │ ────── UDP ──────▶ │ Datagrams   │─╯  └─────────┘   └─────────┘
//	└───────────────┘                    └─────────────┘
//
// A [Service] transforms, and knows of no network. A [Server] is what a network
// may ask of it: a [Table] of permitted names, with limits and a log, so that a
// client can reach nothing that is not in the table. The factories put one
// Server on as many wires as there are.
//
// # Over netstrings
//
// A request is one netstring, "name.poem"; the answer is the poem as another.
// A name has no dot, so the first dot ends it. The limit of a request is 99,999
// bytes; an answer may be longer than its request.
//
// # Over lines
//
// The first line of a request is the name and the following lines are the poem.
// A line with nothing but a dot ends it, and so does the client's half-close. In
// both directions a line that begins with a dot is sent with another in front.
// Lines end with LF or CR LF; the answer's end as the name's did. The answer to a
// request that a dot has ended is ended by a dot.
//
//	printf 'shout\nhello\n' | nc -N localhost 11001
//
// # One request or many
//
// As in the tutorial, a server closes the connection after the answer. (Requests
// that arrive together, in one piece of the stream, are all answered first.) With
// [Server].Pipeline it goes on: it answers any number of requests in the order in
// which they came, until the client half-closes. Either way a client that
// half-closes at once gets its answers, slow ones too; for one that is gone,
// transformations under way are cancelled.
//
// # The short way
//
// A [Transformation] returns a Deferred, as some take their time. Most do not:
// with [Server].Direct, a netstring that asks for one of those is answered without
// a Deferred, and costs no allocation. Nobody who looks from outside can tell.
//
// # Bad input
//
// Nothing that a client sends is answered by an error message: it is refused by
// the end of the connection, and the log has one line that says why. Answers to
// requests before the bad one still arrive; but at (*), what follows cannot be
// told any more, and the connection closes at once: the answers that are written
// arrive, and transformations under way are cancelled.
//
//	an unknown name, no dot        refused in its turn, as a [*RequestError]
//	a poem that is not UTF-8       the same
//	a malformed netstring          refused at the first wrong byte (*)
//	a netstring over the limit,    refused at the byte that tells, before it has
//	or a line                      come (*)
//	lines over the limit           refused in their turn, at the line that tells
//	a request that is cut short    refused when the client's end has come
//	a request that takes too long  [Server].Timeout after the last complete one; a
//	                               client that has all its answers, and asks no
//	                               more, is closed without a reproach
//	requests without end           no more than [Server].MaxPending are worked on,
//	                               and none is begun while they have
//	                               [Server].MaxRequest bytes together; the rest
//	                               waits in the network
//	answers that nobody takes      reading stops at the transport's high-water mark;
//	                               aborted when nothing has moved for the timeout,
//	                               neither here nor in the system's memory
//
// Reading order: service.go with lower.go and ascii.go, table.go, server.go,
// session.go, netstring.go, line.go, datagram.go; direct.go and batch.go, the short
// way; then proxy.go and exchange.go, the client. errors.go.
package transform
