package command

import (
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"skein/apps/skein/runner"
	"skein/apps/transform"
	"skein/reactor/service"
)

// transformPoetry is the options of the plugin that serves transformations.
//
// Twisted: twisted-server-1/transformedpoetry.py.
type transformPoetry struct {
	Port     runner.Port     `default:"11000" placeholder:"PORT" help:"The port to listen on for netstrings; 0 is any free one (default: ${default})."`
	LinePort *runner.Port    `placeholder:"PORT" help:"Another port, for lines; 0 is any free one. Without it, there is none."`
	UDPPort  *runner.Port    `name:"udp-port" placeholder:"PORT" help:"A UDP port, for datagrams; 0 is any free one. Without it, there is none."`
	Iface    string          `default:"localhost" placeholder:"HOST" help:"The name or address to listen on (default: ${default}); empty is every address of the machine."`
	Timeout  runner.Duration `default:"30s" placeholder:"TIME" help:"How long a client may take to send a request, and to take some of an answer (default: ${default})."`
	Pipeline bool            `help:"Answer any number of requests on a connection, in their order, until the client half-closes; otherwise it is closed after the first."`
}

// Validate checks the options.
func (c *transformPoetry) Validate() error {
	if c.LinePort != nil && *c.LinePort == c.Port && c.Port != 0 {
		return fmt.Errorf("--line-port: %d is the port for netstrings: choose another, or 0 for any free one", c.Port)
	}
	return notZero("--timeout", c.Timeout)
}

// makeTransform makes the service: a port for each wire, and what all of them
// share.
func makeTransform(h *runner.Host, c *transformPoetry) (service.Service, error) {
	shared := &transform.Service{Clock: h.Reactor}
	s := &transform.Server{
		Permitted: shared.Table(),
		Direct:    shared.Direct(),
		Clock:     h.Reactor,
		Log:       h.Log,
		Timeout:   time.Duration(c.Timeout),
		Pipeline:  c.Pipeline,
	}
	wire := func(name string) runner.Opened {
		return func(line *zerolog.Event, at net.Addr) {
			line.Stringer("addr", at).Str("wire", name).Str("names", strings.Join(s.Permitted.Names(), ",")).Msg("Serving transforms.")
		}
	}
	ports := &runner.Ports{Log: h.Log}
	ports.TCP(c.Port.On(c.Iface), &transform.Factory{Server: s}, wire("netstrings"))
	if c.LinePort != nil {
		ports.TCP(c.LinePort.On(c.Iface), &transform.LineFactory{Server: s}, wire("lines"))
	}
	if c.UDPPort != nil {
		ports.UDP(c.UDPPort.On(c.Iface), &transform.Datagrams{Server: s}, wire("datagrams"))
	}
	return ports, nil
}
