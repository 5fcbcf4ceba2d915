package runner

import (
	"errors"
	"fmt"
	"math"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// The types of options and arguments here parse themselves, so that an error
// names the value and what would be right, and that a negative number is not
// taken for the next option.

// Value takes the value of an option off the command line, for a type that
// parses itself.
func Value(ctx *kong.DecodeContext) (string, error) {
	token := ctx.Scan.Pop()
	if token.IsEOL() {
		return "", errors.New("the value is missing")
	}
	return token.String(), nil
}

// Port is an option: the number of a port to listen on; 0 is any free one.
type Port uint16

// Decode parses a number from 0 to 65535.
func (p *Port) Decode(ctx *kong.DecodeContext) error {
	text, err := Value(ctx)
	if err != nil {
		return err
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return fmt.Errorf("%q is not a port: use a number from 0 to 65535", text)
	}
	*p = Port(n)
	return nil
}

// On returns the address of the port on an interface, as listening takes it.
func (p Port) On(iface string) string { return net.JoinHostPort(iface, strconv.Itoa(int(p))) }

// Count is an option: a number of things, at least one.
type Count int

// Decode parses a number from 1 up.
func (c *Count) Decode(ctx *kong.DecodeContext) error {
	text, err := Value(ctx)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return fmt.Errorf("%q is not a number from 1 up", text)
	}
	*c = Count(n)
	return nil
}

// Duration is an option: a time to wait, not below 0.
type Duration time.Duration

// Decode parses a time with its unit, such as 700ms.
func (d *Duration) Decode(ctx *kong.DecodeContext) error {
	text, err := Value(ctx)
	if err != nil {
		return err
	}
	t, err := time.ParseDuration(text)
	switch {
	case err != nil:
		return fmt.Errorf("%q is not a time: write it with a unit, such as 700ms or 2s", text)
	case t < 0:
		return fmt.Errorf("%q is negative: use 0 or more", text)
	}
	*d = Duration(t)
	return nil
}

// String writes the time as it is parsed.
func (d Duration) String() string { return time.Duration(d).String() }

// Address is an option: where a server is, "host:port".
type Address string

// Decode parses [HOST:]PORT; the host is localhost if it is left out.
func (a *Address) Decode(ctx *kong.DecodeContext) error {
	full, err := address(ctx, 1)
	*a = Address(full)
	return err
}

// ListenAddress is an option: where to listen, "host:port"; port 0 is any free
// one.
type ListenAddress string

// Decode parses [HOST:]PORT; the host is localhost if it is left out.
func (a *ListenAddress) Decode(ctx *kong.DecodeContext) error {
	full, err := address(ctx, 0)
	*a = ListenAddress(full)
	return err
}

// address parses [HOST:]PORT with a port from least up.
func address(ctx *kong.DecodeContext, least uint64) (string, error) {
	text, err := Value(ctx)
	if err != nil {
		return "", err
	}
	full := text
	if !strings.Contains(full, ":") {
		full = ":" + full
	}
	host, number, err := net.SplitHostPort(full)
	if err != nil {
		return "", fmt.Errorf("%q is not [HOST:]PORT: put an IPv6 address in brackets, as in [::1]:10000", text)
	}
	n, err := strconv.ParseUint(number, 10, 16)
	if err != nil || n < least {
		return "", fmt.Errorf("%q is not [HOST:]PORT: the port is a number from %d to 65535", text, least)
	}
	if host == "" {
		host = "localhost"
	}
	return net.JoinHostPort(host, number), nil
}

// Size is an option: a number of bytes, not below 0.
type Size int

// sizeUnits are the units that a size may be written with, the largest first.
var sizeUnits = []struct {
	name  string
	bytes uint64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"", 1}}

// Decode parses a number of bytes, or one with a unit, such as 64MiB.
func (s *Size) Decode(ctx *kong.DecodeContext) error {
	text, err := Value(ctx)
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
		*s = Size(n * unit.bytes)
		break
	}
	return nil
}

// String writes the size in the largest unit that fits evenly.
func (s Size) String() string {
	for _, unit := range sizeUnits {
		if n := uint64(s); n > 0 && n%unit.bytes == 0 {
			return strconv.FormatUint(n/unit.bytes, 10) + unit.name
		}
	}
	return "0"
}
