//go:build darwin || freebsd

package process

import "os"

// shareSocket returns the same socket once more.
func shareSocket(s Socket) (*os.File, error) { return duplicate(s.File) }
