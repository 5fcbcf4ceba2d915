// Package command is the command compare: its flags, its rows and how they are
// measured.
//
//	config.go         the flags
//	rows.go           what rows share, and how long they take
//	run_linux.go      all of it, from building the servers to the files
//	contest_linux.go  the rows in which servers take turns
//	memory_linux.go   what connections weigh
//	scale_linux.go    100,000 connections
package command

import (
	"context"
	"io"

	"skein/bench/internal/cli"
)

// Main runs the command and returns its exit status.
func Main(args []string, stdout, stderr io.Writer) int {
	var c config
	return cli.Main("compare", args, stderr, func() (err error) {
		c, err = parse(args, stdout)
		return err
	}, func(ctx context.Context) (bool, error) {
		return run(ctx, c, stdout, stderr)
	})
}
