package command

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"skein/apps/transform"
	"skein/deferred"
	"skein/reactor"
)

// transformPoetry is the command that serves transformations.
//
// Twisted: twisted-server-1/transformedpoetry.py.
type transformPoetry struct {
	Port     port     `default:"11000" placeholder:"PORT" help:"The port to listen on for netstrings; 0 is any free one (default: ${default})."`
	LinePort *port    `placeholder:"PORT" help:"Another port, for lines; 0 is any free one. Without it, there is none."`
	UDPPort  *port    `name:"udp-port" placeholder:"PORT" help:"A UDP port, for datagrams; 0 is any free one. Without it, there is none."`
	Iface    string   `default:"localhost" placeholder:"HOST" help:"The name or address to listen on (default: ${default}); empty is every address of the machine."`
	Timeout  duration `default:"30s" placeholder:"TIME" help:"How long a client may take to send a request, and to take some of an answer (default: ${default})."`
	Pipeline bool     `help:"Answer any number of requests on a connection, in their order, until the client half-closes; otherwise it is closed after the first."`
}

// Validate checks the options.
func (c *transformPoetry) Validate() error {
	if c.LinePort != nil && *c.LinePort == c.Port && c.Port != 0 {
		return fmt.Errorf("--line-port: %d is the port for netstrings: choose another, or 0 for any free one", c.Port)
	}
	return notZero("--timeout", c.Timeout)
}

// notZero returns an error if a time limit is no time at all.
func notZero(option string, limit duration) error {
	if limit == 0 {
		return errors.New(option + ": 0 is no time at all: use more, such as 30s")
	}
	return nil
}

// Run serves until a signal comes.
func (c *transformPoetry) Run(e *env) error {
	return e.serveOn(func(r *reactor.Reactor) ([]listening, error) {
		service := &transform.Service{Clock: r}
		return c.open(r, &transform.Server{
			Permitted: service.Table(),
			Direct:    service.Direct(),
			Clock:     r,
			Log:       e.log,
			Timeout:   time.Duration(c.Timeout),
			Pipeline:  c.Pipeline,
		})
	})
}

// open opens the ports of all wires.
func (c *transformPoetry) open(r *reactor.Reactor, s *transform.Server) ([]listening, error) {
	const msg = "Serving transforms."
	wire := func(name string) func(line *zerolog.Event) {
		return func(line *zerolog.Event) { line.Str("wire", name).Str("names", strings.Join(s.Permitted.Names(), ",")) }
	}
	strung, err := r.ListenTCP(c.Port.on(c.Iface), &transform.Factory{Server: s})
	if err != nil {
		return nil, err
	}
	all := []listening{{msg, strung.Addr(), wire("netstrings")}}
	if c.LinePort != nil {
		lined, err := r.ListenTCP(c.LinePort.on(c.Iface), &transform.LineFactory{Server: s})
		if err != nil {
			return nil, err
		}
		all = append(all, listening{msg, lined.Addr(), wire("lines")})
	}
	if c.UDPPort != nil {
		udp, err := r.ListenUDP(c.UDPPort.on(c.Iface), &transform.Datagrams{Server: s})
		if err != nil {
			return nil, err
		}
		all = append(all, listening{msg, udp.Addr(), wire("datagrams")})
	}
	return all, nil
}

// on returns the address of a port on an interface.
func (p port) on(iface string) string { return net.JoinHostPort(iface, strconv.Itoa(int(p))) }

// listening is a port that is open, with the line that says so.
type listening struct {
	msg     string
	addr    net.Addr
	details func(line *zerolog.Event)
}

// serveOn runs a server on the ports that open opens, until a signal comes.
func (e *env) serveOn(open func(r *reactor.Reactor) ([]listening, error)) error {
	r, err := e.newReactor()
	if err != nil {
		return err
	}
	ports, err := open(r)
	if err != nil {
		_ = r.Close() // what matters is why
		return err
	}
	for _, p := range ports {
		e.log.Info().Stringer("addr", p.addr).Func(p.details).Msg(p.msg)
	}
	r.AddSystemEventTrigger(reactor.During, reactor.Shutdown, func() *deferred.Deferred {
		for _, p := range ports {
			_, number, _ := net.SplitHostPort(p.addr.String()) // an IP address has one
			e.log.Info().Msgf("(Port %s Closed)", number)
		}
		return nil
	})
	err = r.Run()
	e.log.Info().Msg("Main loop terminated.")
	if err != nil {
		return err
	}
	e.log.Info().Msg("Server Shut Down.")
	return nil
}
