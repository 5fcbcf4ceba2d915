// Package command is the command compare: its flags, its rows and how they are
// measured.
//
//	config.go         the flags
//	rows.go           the table of rows
//	run_linux.go      all of it, from building the servers to the files
//	contest_linux.go  the rows in which servers take turns
//	memory_linux.go   what connections weigh
//	scale_linux.go    100,000 connections
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// The statuses that Main returns.
const (
	statusDone        = 0
	statusFailed      = 1
	statusUsage       = 2
	statusInterrupted = 130
)

// loadWord is the first argument of the processes that Main starts for loads.
const loadWord = "load-process"

// Main runs the command and returns its exit status.
func Main(args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 && args[0] == loadWord {
		return loadProcess(args[1:])
	}
	c, err := parse(args, stdout)
	switch {
	case errors.Is(err, errHelp):
		return statusDone
	case err != nil:
		_, _ = fmt.Fprintf(stderr, "compare: %v (-help lists everything)\n", err)
		return statusUsage
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // the second interrupt ends it at once
	interrupted, err := run(ctx, c, stdout, stderr)
	switch {
	case interrupted:
		if err == nil || errors.Is(err, context.Canceled) {
			err = errors.New("interrupted")
		}
		_, _ = fmt.Fprintln(stderr, "compare:", err)
		return statusInterrupted
	case err != nil:
		_, _ = fmt.Fprintln(stderr, "compare:", err)
		return statusFailed
	}
	return statusDone
}
