// Command server is one of the benchmark's servers; package servers says which
// there are, and package bench what they do.
package main

import (
	"os"

	"skein/bench/internal/servers"
)

func main() { os.Exit(servers.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
