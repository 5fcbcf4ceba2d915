package command

import (
	"github.com/rs/zerolog"

	"skein/apps/poetry"
	"skein/protocol"
	"skein/reactor"
)

// fastPoetry is the command that serves poems at once.
//
// Twisted: twisted-server-1/fastpoetry.py, and twistd fastpoetry of part 16.
type fastPoetry struct {
	serverOptions `embed:""`
}

// Run serves until a signal comes.
func (c *fastPoetry) Run(e *env) error {
	return e.serve(&c.serverOptions,
		func(_ *reactor.Reactor, p poetry.Poem) protocol.Factory { return &poetry.Factory{Poem: p, Log: e.log} },
		func(*zerolog.Event) {})
}
