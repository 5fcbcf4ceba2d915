// Package drive is the load: it gives servers work and checks every answer. It
// works on Linux; elsewhere only Result is there.
//
//	Work ──Open(addr)──▶ Load ──Run(ops, result)──▶ Result
//	Echo, Transform      its connections            operations, wall time,
//	Fetch, Stream, …     stay open between runs     latency
//
// A load is a bare epoll loop of raw system calls on the calling goroutine,
// which it locks to its thread for as long as it runs, without allocations:
// what it costs is spent on another core than the server's, but a load that is
// too slow would hide how fast the server is.
//
// A server that resets, dies, falls silent or answers wrongly makes a run end
// with an error. Nothing hangs: an answer is waited for no longer than Patience.
//
// A load uses the process that it is in. Where descriptors run out, Spawn gives
// it a process of its own.
//
// Reading order: drive_linux.go (the API), loop_linux.go (the epoll loop), then
// exchange_linux.go (Echo, Transform, Idle), visit_linux.go (Fetch,
// TransformOnce), stream_linux.go, paced_linux.go, spawn_linux.go,
// collect_linux.go.
package drive
