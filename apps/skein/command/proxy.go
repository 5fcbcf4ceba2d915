package command

import (
	"fmt"
	"math"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	"github.com/rs/zerolog"

	"skein/apps/poetry"
	"skein/apps/proxy"
	"skein/reactor"
)

// proxyPoetry is the command that stands in front of poetry servers.
//
// Twisted: twisted-server-3/poetry-proxy.py.
type proxyPoetry struct {
	Origins  []address `arg:"" name:"origin" placeholder:"[HOST:]PORT" help:"The servers to stand in front of, as [HOST:]PORT; the host is localhost if it is left out."`
	Port     port      `default:"10000" placeholder:"PORT" help:"The port to listen on; 0 is any free one (default: ${default}). Several origins count up from it."`
	Iface    string    `default:"localhost" placeholder:"HOST" help:"The name or address to listen on (default: ${default}); empty is every address of the machine."`
	TTL      duration  `name:"ttl" default:"2h" placeholder:"TIME" help:"How long to keep a poem (default: ${default}); with 0s none is kept, but clients that come during a fetch share it."`
	MaxBytes byteSize  `default:"64MiB" placeholder:"SIZE" help:"How many bytes to keep, of all poems together (default: ${default}). A longer poem is passed on, and not kept."`
	Timeout  duration  `default:"30s" placeholder:"TIME" help:"How long an origin may take to accept, and to send the next bytes (default: ${default})."`
}

// Validate checks what the options do not show one by one.
func (c *proxyPoetry) Validate() error {
	last := int(c.Port) + len(c.Origins) - 1
	switch {
	case c.Timeout == 0:
		return notZero("--timeout", c.Timeout)
	case c.Port == 0:
		return nil
	case last > math.MaxUint16:
		return fmt.Errorf("--port: %d origins from port %d on would need port %d, and 65535 is the last", len(c.Origins), c.Port, last)
	}
	for _, origin := range c.Origins {
		host, text, _ := net.SplitHostPort(string(origin)) // an address has both
		number, _ := strconv.Atoi(text)
		if host == c.Iface && number >= int(c.Port) && number <= last {
			return fmt.Errorf("%s is the proxy itself: choose other ports for it with --port", origin)
		}
	}
	return nil
}

// Run serves until a signal comes.
func (c *proxyPoetry) Run(e *env) error {
	return e.serveOn(func(r *reactor.Reactor) ([]listening, error) {
		service := c.service(e, r)
		all := make([]listening, len(c.Origins))
		for i, origin := range c.Origins {
			number := c.Port
			if number != 0 {
				number += port(i)
			}
			f := &proxy.Factory{Service: service, Origin: string(origin), Log: e.log}
			opened, err := r.ListenTCP(number.on(c.Iface), f)
			if err != nil {
				return nil, err
			}
			all[i] = listening{"Proxying a poem.", opened.Addr(), func(line *zerolog.Event) {
				line.Str("poem", string(origin)).Stringer("ttl", c.TTL).Stringer("max-bytes", c.MaxBytes)
			}}
		}
		return all, nil
	})
}

// service returns the one service that all ports share.
func (c *proxyPoetry) service(e *env, r *reactor.Reactor) *proxy.Service {
	limit := time.Duration(c.Timeout)
	origins := make(map[string]proxy.Fetch, len(c.Origins))
	for _, origin := range c.Origins {
		origins[string(origin)] = proxy.FetchFrom(r, string(origin), poetry.Options{ConnectTimeout: limit, IdleTimeout: limit})
	}
	o := proxy.Options{TTL: time.Duration(c.TTL), MaxBytes: int(c.MaxBytes), Log: e.log}
	if o.TTL == 0 {
		o.TTL = proxy.NoCache
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = proxy.NoCache
	}
	return proxy.NewService(r, origins, o)
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
	text, err := value(ctx)
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
