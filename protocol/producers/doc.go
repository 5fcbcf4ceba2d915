// Package producers holds what writes to a transport no faster than it takes:
// sources that wait to be asked, sources that write until they are told to
// wait, files, and two connections that feed each other.
//
//	pull    queue empty ── ResumeProducing ──▶ one piece         Pull, FileSender
//	push    every turn a piece, until the queue is full           Push, Funcs
//	pipe    conn a ──DataReceived──▶ Write── conn b               Pipe
//	           ◀── PauseProducing ────────────┘ b's queue is full
//
// Each bounds its memory by a high-water mark and one piece. Pull, Push
// and [FileSender] return a Deferred that fires with the number of bytes
// written, as an int64, or fails with a [*SendError] that tells how far it came.
// Written means handed to the transport: LoseConnection then delivers it.
//
// Everything belongs to the goroutine of the loop that drives the connections.
//
// Reading order: pull.go, file.go, push.go, pipe.go (what a user calls), end.go
// (one side of it).
package producers
