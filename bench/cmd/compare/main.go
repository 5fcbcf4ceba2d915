// Compare lets skein and its peers do the same work in turns, and prints, writes
// and draws what each of them costs as a multiple of a bare epoll loop in C:
//
//	go run ./bench/cmd/compare -out results
//
// Package bench says what is measured and how; -help what can be asked for.
package main

import (
	"os"

	"skein/bench/cmd/compare/command"
)

func main() { os.Exit(command.Main(os.Args[1:], os.Stdout, os.Stderr)) }
