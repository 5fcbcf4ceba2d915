// Package proc runs the programs that are measured, each on a core of its own,
// and reads what they cost. It works on Linux; elsewhere it is empty.
//
//	Start ──▶ "listening HOST:PORT" ──▶ Server ──┬── CPU     the kernel's clock of the process
//	                                             ├── Cost    what a run adds to it
//	                                             ├── Memory  /proc/PID/smaps_rollup
//	                                             ├── Stats   asked of the program itself
//	                                             └── Stop    end of input, then a kill
//
// Reading order: process_linux.go (a program that is spoken to in lines),
// server_linux.go (one that serves), cost_linux.go, settle_linux.go,
// cores_linux.go.
package proc
