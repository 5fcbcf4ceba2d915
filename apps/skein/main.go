// Skein is the one command of this repository: it runs the servers, clients and
// the demonstration. Without arguments it lists what it can do; the commands
// themselves are in skein/apps/skein/command.
//
// Twisted: the tutorial's programs, and twistd.
package main

import (
	"os"
	"runtime"

	"skein/apps/skein/command"
)

func main() {
	// One loop, one processor: else, whenever the loop has nothing to do, the
	// scheduler wakes another thread to look for work that is never there. That is
	// a tenth of the CPU time of serving poems.
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(1)
	}
	os.Exit(command.Main(os.Args[1:], os.Stdout, os.Stderr))
}
