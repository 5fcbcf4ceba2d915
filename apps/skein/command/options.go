package command

import (
	"errors"

	"skein/apps/skein/runner"
)

// notZero returns an error if a time limit is no time at all.
func notZero(option string, limit runner.Duration) error {
	if limit == 0 {
		return errors.New(option + ": 0 is no time at all: use more, such as 30s")
	}
	return nil
}
