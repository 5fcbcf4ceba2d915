// Package command is the command instructions: it has servers work under
// valgrind's callgrind, which counts the instructions that a process takes in
// user space.
//
//	server under callgrind ◀── operations ── load
//	        │
//	        └── dump, dump, … ──▶ instructions from one to the next / operations
//
// What a server does at its start is not in it, nor what the kernel does, which
// is most of all, nor the collection of garbage: valgrind does not survive Go's
// signals. The caches are not looked at. Servers that let Go's scheduler know of
// their system calls, gnet and net, pay too much here: it finds that the calls
// take long, and looks for other work each time.
//
//	config.go       the flags
//	run_linux.go    all of it, from building the servers to the table
//	count_linux.go  one server under callgrind
//	callgrind.go    what callgrind writes
package command

import (
	"context"
	"io"

	"skein/bench/internal/cli"
)

// Main runs the command and returns its exit status.
func Main(args []string, stdout, stderr io.Writer) int {
	var c config
	return cli.Main("instructions", args, stderr, func() (err error) {
		c, err = parse(args, stdout)
		return err
	}, func(ctx context.Context) (bool, error) {
		return run(ctx, c, stdout, stderr)
	})
}
