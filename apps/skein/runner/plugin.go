package runner

import (
	"github.com/rs/zerolog"

	"skein/reactor"
	"skein/reactor/service"
)

// Plugin is a kind of service that a program can run, by its name: on the
// command line, or any number of times in a deployment file.
//
// Twisted: IServiceMaker.
type Plugin struct {
	name, description string
	use               func() use
}

// use is one use of a plugin: the options that are parsed for it, a pointer to a
// struct, and what makes a service of them.
type use struct {
	options any
	service func(h *Host) (service.Service, error)
}

// NewPlugin returns a plugin. The fields of the struct O are its options, with
// kong's tags, as in
//
//	Port runner.Port `default:"10000" placeholder:"PORT" help:"The port to listen on (default: ${default})."`
//
// and a Validate method, if there is one, checks what they do not show one by
// one. makeService makes a service of options that have been parsed. It reads
// what it needs from files, and opens nothing: that is for the service, which is
// prepared before the process gives up its privileges, and started after.
//
// Twisted: ServiceMaker, and its makeService and usage.Options.
func NewPlugin[O any](name, description string, makeService func(h *Host, o *O) (service.Service, error)) Plugin {
	return Plugin{name: name, description: description, use: func() use {
		o := new(O)
		return use{options: o, service: func(h *Host) (service.Service, error) { return makeService(h, o) }}
	}}
}

// Name returns the plugin's name.
func (p Plugin) Name() string { return p.name }

// Host is where a plugin's service will live.
type Host struct {
	// Reactor is the loop. It does not run yet.
	Reactor *reactor.Reactor
	// Log is the program's log; in a deployment file's service, each line has
	// its name.
	Log zerolog.Logger
}
