package runner

import (
	"io"

	"github.com/rs/zerolog"

	"skein/reactor"
)

// Command is something that a program does besides running plugins, and that
// ends by itself: a client, for instance.
type Command struct {
	name, description string
	use               func() doing
}

// doing is one use of a command.
type doing struct {
	options any
	run     func(e *Env) error
}

// NewCommand returns a command. The fields of the struct O are its options, as
// those of a plugin; run does it. An error that run returns is said in one line,
// but for [ErrReported], and the exit status is 1; for an [*InterruptedError] it
// is the signal's.
func NewCommand[O any](name, description string, run func(o *O, e *Env) error) Command {
	return Command{name: name, description: description, use: func() doing {
		o := new(O)
		return doing{options: o, run: func(e *Env) error { return run(o, e) }}
	}}
}

// Env is what a command runs in.
type Env struct {
	// Stdout is for what the command was asked for, Stderr for all else.
	Stdout, Stderr io.Writer
	// Format is the format of the log, "console" or "json".
	Format string
	// Log is the log.
	Log zerolog.Logger
}

// NewReactor returns a reactor that logs where the command does.
func (e *Env) NewReactor() (*reactor.Reactor, error) {
	return reactor.New(reactor.WithLogger(e.Log))
}
