// Package cli is what the commands that measure servers share: their statuses,
// and how they are interrupted.
package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// The statuses that a command exits with.
const (
	Done        = 0
	Failed      = 1
	Usage       = 2
	Interrupted = 130
)

// LoadWord is the first argument of the processes that a command starts for
// loads: they run the same program.
const LoadWord = "load-process"

// Main runs the command of that name, or one of its loads, and returns the exit
// status. parse reads the command line; its error is flag.ErrHelp if it has printed
// the usage. What runs hears of an interruption by its context; it reports whether
// there was one, and what else kept its result from being complete.
func Main(name string, args []string, stderr io.Writer, parse func() error, run func(ctx context.Context) (interrupted bool, err error)) int {
	if len(args) > 0 && args[0] == LoadWord {
		return load(args[1:])
	}
	err := parse()
	switch {
	case errors.Is(err, flag.ErrHelp):
		return Done
	case err != nil:
		_, _ = fmt.Fprintf(stderr, "%s: %v (-help lists everything)\n", name, err)
		return Usage
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // the second interrupt ends it at once
	interrupted, err := run(ctx)
	switch {
	case interrupted:
		if err == nil || errors.Is(err, context.Canceled) {
			err = errors.New("interrupted")
		}
		_, _ = fmt.Fprintf(stderr, "%s: %v\n", name, err)
		return Interrupted
	case err != nil:
		_, _ = fmt.Fprintf(stderr, "%s: %v\n", name, err)
		return Failed
	}
	return Done
}

// Parse reads a command line of nothing but flags. For -help it calls usage, and
// returns flag.ErrHelp.
func Parse(f *flag.FlagSet, args []string, usage func()) error {
	f.SetOutput(io.Discard)
	err := f.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		usage()
	case err == nil && f.NArg() > 0:
		return fmt.Errorf("%q is one argument too many: all is asked for by flags", f.Arg(0))
	}
	return err
}

// grace is how much later than its consequences an interruption may be heard of:
// a terminal interrupts the servers as well.
const grace = 100 * time.Millisecond

// Interruption returns ctx's error if that, and not err, is what happened.
func Interruption(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return err
	}
}
