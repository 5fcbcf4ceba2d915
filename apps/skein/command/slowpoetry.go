package command

import (
	"time"

	"github.com/rs/zerolog"

	"skein/apps/poetry"
	"skein/protocol"
	"skein/reactor"
)

// slowPoetry is the command that serves poems slowly.
//
// Twisted: blocking-server/slowpoetry.py, and the exercise of part 11.
type slowPoetry struct {
	serverOptions `embed:""`
	NumBytes      count    `default:"10" placeholder:"N" help:"How many bytes to send at a time (default: ${default})."`
	Delay         duration `default:"700ms" placeholder:"TIME" help:"How long to wait between two pieces (default: ${default})."`
}

// Run serves until a signal comes.
func (c *slowPoetry) Run(e *env) error {
	delay := time.Duration(c.Delay)
	if delay == 0 {
		delay = poetry.NoDelay
	}
	return e.serve(&c.serverOptions,
		func(r *reactor.Reactor, p poetry.Poem) protocol.Factory {
			return &poetry.SlowFactory{Poem: p, Clock: r, NumBytes: int(c.NumBytes), Delay: delay, Log: e.log}
		},
		func(line *zerolog.Event) { line.Int("num-bytes", int(c.NumBytes)).Stringer("delay", c.Delay) })
}
