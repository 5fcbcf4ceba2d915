// Package conformance is the contract of a reactor as tests: what every loop
// owes its users, whatever it runs on.
//
//	                 ┌─ the machine's sockets ─┐
//	Run(t, loop) ──▶ │                         │ ◀── tests of writing, closing,
//	                 └─ sockets in memory ─────┘     connecting, timers, ...
//
// A test is a function of a scene, a running reactor. It reads from top to
// bottom, as blocking code does: a body of inline callbacks that waits for
// Deferreds. Both ends of a connection are protocols on the one reactor, so a
// slow reader is one that pauses, and a peer that vanishes is one that aborts.
// Nothing sleeps: a test waits until something has happened, and fails if it
// does not.
//
// Reading order: loop.go (what is tested, and [Run]), scene.go (what a test
// says), ends.go (who takes part). The others are the tests, one subject each.
package conformance
