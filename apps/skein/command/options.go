package command

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// The types of options and arguments here parse themselves, so that an error
// names the value and what would be right, and that a negative number is not
// taken for the next option.

// value takes the value of an option off the command line.
func value(ctx *kong.DecodeContext) (string, error) {
	token := ctx.Scan.Pop()
	if token.IsEOL() {
		return "", errors.New("the value is missing")
	}
	return token.String(), nil
}

// port is a port to listen on; 0 is any free one.
type port uint16

// Decode parses a number from 0 to 65535.
func (p *port) Decode(ctx *kong.DecodeContext) error {
	text, err := value(ctx)
	if err != nil {
		return err
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return fmt.Errorf("%q is not a port: use a number from 0 to 65535", text)
	}
	*p = port(n)
	return nil
}

// count is a number of things, at least one.
type count int

// Decode parses a number from 1 up.
func (c *count) Decode(ctx *kong.DecodeContext) error {
	text, err := value(ctx)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return fmt.Errorf("%q is not a number from 1 up", text)
	}
	*c = count(n)
	return nil
}

// duration is a time to wait, not below 0.
type duration time.Duration

// Decode parses a time with its unit, such as 700ms.
func (d *duration) Decode(ctx *kong.DecodeContext) error {
	text, err := value(ctx)
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
	*d = duration(t)
	return nil
}

// String writes the time as it is parsed.
func (d duration) String() string { return time.Duration(d).String() }

// address is the address of a server, "host:port".
type address string

// Decode parses [HOST:]PORT; the host is localhost if it is left out.
func (a *address) Decode(ctx *kong.DecodeContext) error {
	text, err := value(ctx)
	if err != nil {
		return err
	}
	full := text
	if !strings.Contains(full, ":") {
		full = ":" + full
	}
	host, number, err := net.SplitHostPort(full)
	if err != nil {
		return fmt.Errorf("%q is not [HOST:]PORT: put an IPv6 address in brackets, as in [::1]:10000", text)
	}
	n, err := strconv.ParseUint(number, 10, 16)
	if err != nil || n == 0 {
		return fmt.Errorf("%q is not [HOST:]PORT: the port is a number from 1 to 65535", text)
	}
	if host == "" {
		host = "localhost"
	}
	*a = address(net.JoinHostPort(host, number))
	return nil
}
