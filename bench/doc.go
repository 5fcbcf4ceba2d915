// Package bench measures the reactor beside its peers: the same work, on the
// same machine, in the same run, in turns.
//
//	 core 1                                    core 0
//	┌──────────────────┐    loopback    ┌──────────────────────────┐
//	│ drive: the load, │ ─────────────▶ │ one server process       │
//	│ a bare epoll loop│ ◀───────────── │ (skein, epoll, gnet, …)  │
//	└──────────────────┘                └──────────────────────────┘
//	         │                                      │
//	         └── operations, latency ──┬── its CPU time, memory, allocations
//	                                   ▼
//	                     CPU per operation, as a ratio
//
// What is compared is the CPU time that the server's process takes for an
// operation. It is steadier than the wall time, and it is what a machine runs
// out of. The servers take turns, slice by slice, so that what disturbs the
// machine disturbs all of them; the ratios are medians over the slices.
// bench/cmd/instructions counts instructions instead, which no clock disturbs.
//
// # Servers
//
// Every server is a program that is run as
//
//	PROGRAM WORK [-addr HOST:PORT] [-poem BYTES] [-stream BYTES] [-origin HOST:PORT] [-reuseport]
//
// The defaults are 127.0.0.1:0, 3072, 1 GiB, none and off. It prints one line,
// "listening HOST:PORT", to standard output when it serves, and exits with
// status 0 when its standard input ends, so none outlives the program that
// measures it. One that is written in Go answers a line "stats" on its input
// with a line of JSON on its output, see proc.Stats, and a line "collect" with
// the same after a collection of garbage. A WORK that it does not know ends it
// with status 2. All of them listen with the largest backlog and
// set TCP_NODELAY. None of them logs while it serves.
//
//	echo       sends back what comes; at the peer's end, closes
//	poem       sends a poem of -poem bytes to each client and closes
//	transform  answers netstrings "cummingsify.TEXT" with a netstring of TEXT
//	           with the ASCII letters in lower case, in order, however many come
//	           in one piece and however they are cut; at the peer's end, closes
//	once       the same, but closes after the first answer
//	stream     sends -stream zero bytes to each client, in pieces of 64 KiB from
//	           one buffer, which it has written to, as the client takes them,
//	           and closes
//	proxy      fetches the poem from -origin once, and sends it to each client
//	relay      fetches the poem from -origin anew for each client, which gets it
//	           when it is there whole
//
// A close is orderly: the client gets all of it, and then the end. Byte i of a
// poem is "abcdefghijklmnopqrstuvwxyz\n"[i%27]. A server may take it for granted
// that peers behave; skein's does not, and keeps its whole contract.
package bench
