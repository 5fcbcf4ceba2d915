package command

import (
	"fmt"
	"math"
	"net"
	"strconv"
	"time"

	"github.com/rs/zerolog"

	"skein/apps/poetry"
	"skein/apps/proxy"
	"skein/apps/skein/runner"
	"skein/reactor/service"
)

// proxyPoetry is the options of the plugin that stands in front of poetry
// servers.
//
// Twisted: twisted-server-3/poetry-proxy.py, and exercise 4 of part 16.
type proxyPoetry struct {
	Origins  []runner.Address `arg:"" name:"origin" placeholder:"[HOST:]PORT" help:"The servers to stand in front of, as [HOST:]PORT; the host is localhost if it is left out."`
	Port     runner.Port      `default:"10000" placeholder:"PORT" help:"The port to listen on; 0 is any free one (default: ${default}). Several origins count up from it."`
	Iface    string           `default:"localhost" placeholder:"HOST" help:"The name or address to listen on (default: ${default}); empty is every address of the machine."`
	TTL      runner.Duration  `name:"ttl" default:"2h" placeholder:"TIME" help:"How long to keep a poem (default: ${default}); with 0s none is kept, but clients that come during a fetch share it."`
	MaxBytes runner.Size      `default:"64MiB" placeholder:"SIZE" help:"How many bytes to keep, of all poems together (default: ${default}). A longer poem is passed on, and not kept."`
	Timeout  runner.Duration  `default:"30s" placeholder:"TIME" help:"How long an origin may take to accept, and to send the next bytes (default: ${default})."`
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

// makeProxy makes the service: a port for each origin, and what all of them share.
func makeProxy(h *runner.Host, c *proxyPoetry) (service.Service, error) {
	shared := c.service(h)
	ports := &runner.Ports{Log: h.Log}
	for i, origin := range c.Origins {
		number := c.Port
		if number != 0 {
			number += runner.Port(i)
		}
		f := &proxy.Factory{Service: shared, Origin: string(origin), Log: h.Log}
		ports.TCP(number.On(c.Iface), f, func(line *zerolog.Event, at net.Addr) {
			line.Stringer("addr", at).Str("poem", string(origin)).Stringer("ttl", c.TTL).Stringer("max-bytes", c.MaxBytes).
				Msg("Proxying a poem.")
		})
	}
	return ports, nil
}

// service returns the one service that all ports share.
func (c *proxyPoetry) service(h *runner.Host) *proxy.Service {
	limit := time.Duration(c.Timeout)
	origins := make(map[string]proxy.Fetch, len(c.Origins))
	for _, origin := range c.Origins {
		origins[string(origin)] = proxy.FetchFrom(h.Reactor, string(origin), poetry.Options{ConnectTimeout: limit, IdleTimeout: limit})
	}
	o := proxy.Options{TTL: time.Duration(c.TTL), MaxBytes: int(c.MaxBytes), Log: h.Log}
	if o.TTL == 0 {
		o.TTL = proxy.NoCache
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = proxy.NoCache
	}
	return proxy.NewService(h.Reactor, origins, o)
}
