//go:build !linux

package command

import (
	"context"
	"errors"
	"io"
	"runtime"

	"skein/bench/internal/cli"
)

// errNeedsLinux says why there is nothing to be had here.
var errNeedsLinux = errors.New("needs Linux, where the loads run; this is " + runtime.GOOS)

func loadProcess([]string) int { return cli.Failed }

func run(context.Context, config, io.Writer, io.Writer) (bool, error) { return false, errNeedsLinux }
