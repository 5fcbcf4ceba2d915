// Package load puts servers under load and measures how they bear it, on
// skein's own loop.
//
//	Options ──▶ Generator ───────────────┐ Report            Result
//	            (one loop, many clients) │ (what is new)       ▲  text, JSON,
//	                                     ▼                     │  a picture
//	Options ──▶ Fleet ──▶ Serve ───▶   Total ──────────────────┘
//	            (parent)  (children,     │
//	                       a Generator   └──▶ Progress
//	                       in each)
//
// A [Generator] keeps its clients at work: they fetch poems, or send and check
// what comes back, or just stay connected. Without a rate the loop is closed:
// each client begins its next operation when the last is done, so a server that
// hesitates is asked less, and its worst moments count little. With a rate it is
// open: operations are due at fixed times, whatever the server does, and latency
// counts from when one was due and not from when a client was free for it. That
// is what is called correcting for coordinated omission.
//
// Every [Report] has what is new since the one before, so a [Total] of however
// many processes is their sum, and a process that dies has left behind what it
// had reported.
//
// Reading order: options.go, kinds.go; generator.go with client.go and mode.go
// (poem.go, echo.go, transform.go, idle.go), schedule.go, watch.go, source.go;
// report.go, tell.go, total.go, result.go; text.go, plot.go, progress.go; fleet.go,
// child.go.
package load
