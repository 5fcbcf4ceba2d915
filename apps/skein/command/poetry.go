package command

import (
	"fmt"
	"math"
	"net"
	"time"

	"github.com/rs/zerolog"

	"skein/apps/poetry"
	"skein/apps/skein/runner"
	"skein/protocol"
	"skein/reactor/service"
)

// serverOptions are the options of every poetry server.
type serverOptions struct {
	Port  runner.Port `default:"10000" placeholder:"PORT" help:"The port to listen on; 0 is any free one (default: ${default}). Several poems count up from it."`
	Iface string      `default:"localhost" placeholder:"HOST" help:"The name or address to listen on (default: ${default}); empty is every address of the machine."`
	Poem  []string    `sep:"none" placeholder:"FILE" help:"A file to serve; give the option again for another on the next port. Without it, a built-in poem."`
}

// Validate checks what the options do not show one by one.
func (o *serverOptions) Validate() error {
	if last := int(o.Port) + len(o.Poem) - 1; o.Port != 0 && last > math.MaxUint16 {
		return fmt.Errorf("--port: %d poems from port %d on would need port %d, and 65535 is the last", len(o.Poem), o.Port, last)
	}
	return nil
}

// fastPoetry is the options of the plugin that serves poems at once. Several
// poems are exercise 3 of part 16.
//
// Twisted: twisted-server-1/fastpoetry.py, and twistd fastpoetry of part 16.
type fastPoetry struct {
	serverOptions `embed:""`
}

// makeFastPoetry makes the service.
func makeFastPoetry(h *runner.Host, o *fastPoetry) (service.Service, error) {
	return o.ports(h,
		func(p poetry.Poem) protocol.Factory { return &poetry.Factory{Poem: p, Log: h.Log} },
		func(*zerolog.Event) {})
}

// slowPoetry is the options of the plugin that serves poems slowly.
//
// Twisted: blocking-server/slowpoetry.py, and the exercise of part 11.
type slowPoetry struct {
	serverOptions `embed:""`
	NumBytes      runner.Count    `default:"10" placeholder:"N" help:"How many bytes to send at a time (default: ${default})."`
	Delay         runner.Duration `default:"700ms" placeholder:"TIME" help:"How long to wait between two pieces (default: ${default})."`
}

// makeSlowPoetry makes the service.
func makeSlowPoetry(h *runner.Host, o *slowPoetry) (service.Service, error) {
	delay := time.Duration(o.Delay)
	if delay == 0 {
		delay = poetry.NoDelay
	}
	return o.ports(h,
		func(p poetry.Poem) protocol.Factory {
			return &poetry.SlowFactory{Poem: p, Clock: h.Reactor, NumBytes: int(o.NumBytes), Delay: delay, Log: h.Log}
		},
		func(line *zerolog.Event) { line.Int("num-bytes", int(o.NumBytes)).Stringer("delay", o.Delay) })
}

// ports returns a port for each poem, with a factory of its own. details adds to
// the line that each of them logs at its start.
func (o *serverOptions) ports(h *runner.Host, factory func(poetry.Poem) protocol.Factory, details func(*zerolog.Event)) (service.Service, error) {
	poems, err := o.poems()
	if err != nil {
		return nil, err
	}
	ports := &runner.Ports{Log: h.Log}
	for i, poem := range poems {
		number := o.Port
		if number != 0 {
			number += runner.Port(i)
		}
		ports.TCP(number.On(o.Iface), factory(poem), func(line *zerolog.Event, at net.Addr) {
			line.Str("poem", poem.Title).Stringer("addr", at).Int("bytes", len(poem.Text)).Func(details).Msg("Serving a poem.")
		})
	}
	return ports, nil
}

// poems reads the files, or takes a built-in poem if there are none.
func (o *serverOptions) poems() ([]poetry.Poem, error) {
	if len(o.Poem) == 0 {
		return poetry.Builtin()[:1], nil
	}
	poems := make([]poetry.Poem, len(o.Poem))
	for i, path := range o.Poem {
		var err error
		if poems[i], err = poetry.ReadPoem(path); err != nil {
			return nil, err
		}
	}
	return poems, nil
}
