package command

import (
	"fmt"
	"net"
	"strconv"

	"github.com/rs/zerolog"

	"skein/apps/poetry"
	"skein/deferred"
	"skein/protocol"
	"skein/reactor"
)

// serverOptions are the options of every poetry server.
type serverOptions struct {
	Port  port     `default:"10000" placeholder:"PORT" help:"The port to listen on; 0 is any free one (default: ${default}). Several poems count up from it."`
	Iface string   `default:"localhost" placeholder:"HOST" help:"The name or address to listen on (default: ${default}); empty is every address of the machine."`
	Poem  []string `sep:"none" placeholder:"FILE" help:"A file to serve; give the option again for another on the next port. Without it, a built-in poem."`
}

// Validate checks what the options do not show one by one.
func (o *serverOptions) Validate() error {
	if last := int(o.Port) + len(o.Poem) - 1; o.Port != 0 && last > 65535 {
		return fmt.Errorf("--port: %d poems from port %d on would need port %d, and 65535 is the last", len(o.Poem), o.Port, last)
	}
	return nil
}

// server is one poem with what serves it.
type server struct {
	poem    poetry.Poem
	factory protocol.Factory
	port    *reactor.Port
}

// serve runs one server for each poem, made by factory, until a signal comes.
// details adds to the line that each of them logs at its start.
func (e *env) serve(o *serverOptions, factory func(*reactor.Reactor, poetry.Poem) protocol.Factory, details func(*zerolog.Event)) error {
	poems, err := o.poems()
	if err != nil {
		return err
	}
	r, err := e.newReactor()
	if err != nil {
		return err
	}
	servers := make([]server, len(poems))
	for i, poem := range poems {
		servers[i] = server{poem: poem, factory: factory(r, poem)}
	}
	if err := listen(r, o, servers); err != nil {
		_ = r.Close() // what matters is why
		return err
	}
	e.announce(r, servers, details)
	err = r.Run()
	e.log.Info().Msg("Main loop terminated.")
	if err != nil {
		return err
	}
	e.log.Info().Msg("Server Shut Down.")
	return nil
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

// listen opens a port for each of the servers.
func listen(r *reactor.Reactor, o *serverOptions, servers []server) error {
	for i := range servers {
		number := 0
		if o.Port != 0 {
			number = int(o.Port) + i
		}
		port, err := r.ListenTCP(net.JoinHostPort(o.Iface, strconv.Itoa(number)), servers[i].factory)
		if err != nil {
			return err
		}
		servers[i].port = port
	}
	return nil
}

// announce logs where the servers are, now that all of them are, and arranges
// for the lines at the end.
func (e *env) announce(r *reactor.Reactor, servers []server, details func(*zerolog.Event)) {
	for _, s := range servers {
		e.log.Info().Str("poem", s.poem.Title).Stringer("addr", s.port.Addr()).Int("bytes", len(s.poem.Text)).
			Func(details).Msg("Serving a poem.")
	}
	r.AddSystemEventTrigger(reactor.During, reactor.Shutdown, func() *deferred.Deferred {
		for _, s := range servers {
			_, number, _ := net.SplitHostPort(s.port.Addr().String()) // a TCP address has one
			e.log.Info().Msgf("(Port %s Closed)", number)
		}
		return nil
	})
}
