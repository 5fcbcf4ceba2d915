// Package reactortest tests what runs on a reactor.
//
//	Run        ──▶ a real loop ───────▶ the machine's sockets and time
//
//	[Run] calls a function on a real loop and waits for the Deferred that it
//	returns; the test fails for what it leaves behind.
//
// Reading order: run.go (what a test calls), trial.go (what then happens),
// watched.go (how it knows what is open), turns.go, log.go.
package reactortest
