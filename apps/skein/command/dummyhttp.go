package command

import (
	"net"
	"time"

	"github.com/rs/zerolog"

	"skein/apps/dummyhttp"
	"skein/apps/skein/runner"
	"skein/reactor/service"
)

// dummyHTTP is the options of the plugin that takes POST requests and answers how
// long their bodies were.
//
// Twisted: the HTTP-inspired server of the LineReceiver article.
type dummyHTTP struct {
	Port    runner.Port     `default:"8000" placeholder:"PORT" help:"The port to listen on; 0 is any free one (default: ${default})."`
	Iface   string          `default:"localhost" placeholder:"HOST" help:"The name or address to listen on (default: ${default}); empty is every address of the machine."`
	Timeout runner.Duration `default:"30s" placeholder:"TIME" help:"How long a client may take for the head of a request, and for each KiB of its body (default: ${default})."`
}

// Validate checks the options.
func (c *dummyHTTP) Validate() error { return notZero("--timeout", c.Timeout) }

// makeDummyHTTP makes the service.
func makeDummyHTTP(h *runner.Host, c *dummyHTTP) (service.Service, error) {
	ports := &runner.Ports{Log: h.Log}
	f := &dummyhttp.Factory{Clock: h.Reactor, Log: h.Log, Timeout: time.Duration(c.Timeout)}
	ports.TCP(c.Port.On(c.Iface), f, func(line *zerolog.Event, at net.Addr) {
		line.Stringer("addr", at).Msg("Counting bodies.")
	})
	return ports, nil
}
