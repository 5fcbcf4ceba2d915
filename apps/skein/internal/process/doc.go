//go:build linux || darwin || freebsd

// Package process is what the processes of one server give each other: sockets,
// a held pid file, and word of how it goes.
//
//	--daemon        first process ──Detach──▶ daemon ──Status──▶ "ready", and the first ends
//
//	SIGUSR2         old process ──Handover──▶ successor          sockets, pid file
//	                     ▲                        │
//	                     └────────Status──────────┘              "ready", and the old one drains
//
//	--workers 3     supervisor ──Spawn──▶ worker 1, 2, 3         a set of sockets each
//	                     ▲                        │
//	                     ├────────Status──────────┤              "ready", or why not
//	                     ├────────Control─────────┤              a heartbeat a second; its end
//	                     └───standard error───────┘              lines for the one log
//
// What a process is given stands in one environment variable, [Variable], as
// JSON with the numbers of the descriptors. [Inherit] reads and removes it, so
// that nothing goes further than one generation; all other descriptors of ours
// are closed on exec.
//
// A child's ends of the pipes are for it to block on; the parent's are watched by
// its reactor, so that there are no goroutines but the one that waits for a
// child's end, and all that is said comes as Deferreds on the loop.
//
// # Reading order
//
// inherit.go and record.go (what a process is given), status.go and control.go
// (what it says), detach.go; spawn.go, child.go and lines.go (the parent's side),
// handover.go; supervisor.go and worker.go; share.go (more sockets on one port).
//
// Twisted: the double fork of twistd, reactor.spawnProcess with childFDs, and
// reactor.adoptStreamPort.
package process
