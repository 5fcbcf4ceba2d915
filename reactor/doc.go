//go:build linux || darwin || freebsd

// Package reactor is an event loop in the manner of Twisted's: one goroutine
// that waits for sockets, timers and calls from other goroutines, and runs the
// callbacks that they concern, one at a time. So callbacks need no locks, and
// ten thousand connections cost ten thousand small structs and not as many
// stacks.
//
//	        ┌───────────────────────── one turn ──────────────────────────┐
//	        │                                                             │
//	 wait ──▶ events ──▶ backlog ──▶ posted ──▶ due ──▶ flush ──▶ close, ─┘
//	(epoll,   of this    of busy     calls      timers  writes    report
//	 kqueue)  batch      sockets                                  the lost
//
// A program makes a reactor, gives it ports, connectors and timers, and calls
// [Reactor.Run], which returns when [Reactor.Stop] has been called:
//
//	r, err := reactor.New()
//	port, err := r.ListenTCP("localhost:10000", protocol.FactoryFunc(newEcho))
//	err = r.Run()
//
// What a protocol may expect of its connection is written at
// [protocol.Transport]; in short: writes are gathered and never block,
// LoseConnection loses nothing, ConnectionLost comes exactly once and never
// from inside another call, and a panic costs one connection.
//
// # Processors
//
// A loop runs on one processor. A program that is one loop and little else is
// best off with GOMAXPROCS=1 (the skein command sets it): a scheduler with
// processors to spare now and then wakes a thread that finds nothing to do. To use
// several cores, run several processes that share the port, see [ReusePort].
//
// # Reading order
//
// The loop: turn.go (what a turn does), user.go (the place that calls user
// code), timers.go, calls.go, run.go (start and stop). A connection: conn.go
// (its states and events), input.go, output.go and queue.go, closing.go, transport.go
// (its public face), slab.go (how many are made at a time); unwatched.go, leaving.go and
// parked.go (those that the poller does not know). Where connections come from:
// port.go, connector.go, dial.go. What processes give each other: sockets.go,
// adopt.go, drained.go. The rest stands for itself. What the operating system has to
// do with all this is in internal/kernel.
package reactor
