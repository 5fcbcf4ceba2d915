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
	// One loop, one processor: with more, Go's scheduler now and then wakes a thread
	// to look for work that is never there.
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(1)
	}
	os.Exit(command.Main(os.Args[1:], os.Stdout, os.Stderr))
}
