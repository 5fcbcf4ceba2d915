package command

import (
	"time"

	"github.com/rs/zerolog"

	"skein/apps/dummyhttp"
	"skein/reactor"
)

// dummyHTTP is the command that takes POST requests and answers how long their
// bodies were.
//
// Twisted: the HTTP-inspired server of the LineReceiver article.
type dummyHTTP struct {
	Port    port     `default:"8000" placeholder:"PORT" help:"The port to listen on; 0 is any free one (default: ${default})."`
	Iface   string   `default:"localhost" placeholder:"HOST" help:"The name or address to listen on (default: ${default}); empty is every address of the machine."`
	Timeout duration `default:"30s" placeholder:"TIME" help:"How long a client may take for the head of a request, and for each KiB of its body (default: ${default})."`
}

// Validate checks the options.
func (c *dummyHTTP) Validate() error { return notZero("--timeout", c.Timeout) }

// Run serves until a signal comes.
func (c *dummyHTTP) Run(e *env) error {
	return e.serveOn(func(r *reactor.Reactor) ([]listening, error) {
		p, err := r.ListenTCP(c.Port.on(c.Iface), &dummyhttp.Factory{Clock: r, Log: e.log, Timeout: time.Duration(c.Timeout)})
		if err != nil {
			return nil, err
		}
		return []listening{{"Counting bodies.", p.Addr(), func(*zerolog.Event) {}}}, nil
	})
}
