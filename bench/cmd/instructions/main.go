// Instructions prints how many instructions skein and its peers take for an
// operation, of their own and not the kernel's:
//
//	go run ./bench/cmd/instructions -rows echo-50-1 -servers skein,gnet
//
// Clocks swing; this count is nearly the same on every run, and shows what a
// change is worth. Package command says how; -help what can be asked for.
package main

import (
	"os"

	"skein/bench/cmd/instructions/command"
)

func main() { os.Exit(command.Main(os.Args[1:], os.Stdout, os.Stderr)) }
