// Skein is the one command of this repository: it runs the servers, clients and
// the demonstration. Without arguments it lists what it can do; the commands
// themselves are in skein/apps/skein/command.
//
// Twisted: the tutorial's programs, and twistd.
package main

import (
	"os"

	"skein/apps/skein/command"
)

func main() { os.Exit(command.Main(os.Args[1:], os.Stdout, os.Stderr)) }
