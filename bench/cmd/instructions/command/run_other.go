//go:build !linux

package command

import (
	"context"
	"errors"
	"io"
	"runtime"
)

// errNeedsLinux says why there is nothing to be had here.
var errNeedsLinux = errors.New("needs Linux, where the loads run; this is " + runtime.GOOS)

func run(context.Context, config, io.Writer, io.Writer) (bool, error) { return false, errNeedsLinux }
