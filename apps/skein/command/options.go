package command

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"

	"skein/apps/skein/runner"
)

// notZero returns an error if a time limit is no time at all.
func notZero(option string, limit runner.Duration) error {
	if limit == 0 {
		return errors.New(option + ": 0 is no time at all: use more, such as 30s")
	}
	return nil
}

// byteSize is a number of bytes, not below 0.
type byteSize int

// sizeUnits are the units that a size may be written with, the largest first.
var sizeUnits = []struct {
	name  string
	bytes uint64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"", 1}}

// Decode parses a number of bytes, or one with a unit, such as 64MiB.
func (s *byteSize) Decode(ctx *kong.DecodeContext) error {
	text, err := runner.Value(ctx)
	if err != nil {
		return err
	}
	for _, unit := range sizeUnits {
		digits, ok := strings.CutSuffix(text, unit.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(digits, 10, 64)
		if err != nil || n > math.MaxInt/unit.bytes {
			return fmt.Errorf("%q is not a size: use a number of bytes from 0 up, or one such as 64MiB", text)
		}
		*s = byteSize(n * unit.bytes)
		break
	}
	return nil
}

// String writes the size in the largest unit that fits evenly.
func (s byteSize) String() string {
	for _, unit := range sizeUnits {
		if n := uint64(s); n > 0 && n%unit.bytes == 0 {
			return strconv.FormatUint(n/unit.bytes, 10) + unit.name
		}
	}
	return "0"
}
