package command

import (
	"errors"
	"syscall"

	"skein/apps/poetry"
)

// remedy says what the user can do about an error, or "".
func remedy(err error) string {
	var poem *poetry.PoemError
	switch {
	case !errors.As(err, &poem):
	case errors.Is(err, syscall.EISDIR):
		return "--poem takes a file"
	case errors.Is(err, poetry.ErrEmptyPoem):
		return "a client could not tell it from no poem"
	}
	return ""
}
