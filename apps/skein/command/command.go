package command

import (
	"io"

	"github.com/alecthomas/kong"
	"github.com/rs/zerolog"

	"skein/reactor"
)

// cli is the whole command line.
type cli struct {
	LogLevel  string `enum:"debug,info,warn,error" default:"info" placeholder:"LEVEL" help:"The least important lines to log: debug, info, warn or error (default: ${default})."`
	LogFormat string `enum:"console,json" default:"console" placeholder:"FORMAT" help:"Log for people (console) or for programs (json) (default: ${default})."`

	Demo       demo            `cmd:"" help:"Show it: all the servers and a client, on one loop."`
	FastPoetry fastPoetry      `cmd:"" name:"fastpoetry" help:"Serve poems, each at once."`
	SlowPoetry slowPoetry      `cmd:"" name:"slowpoetry" help:"Serve poems slowly, a few bytes at a time."`
	Proxy      proxyPoetry     `cmd:"" help:"Stand in front of poetry servers: fetch each poem once, for however many clients."`
	Transform  transformPoetry `cmd:"" help:"Serve transformations of poems, over netstrings, lines and datagrams."`
	DummyHTTP  dummyHTTP       `cmd:"" name:"dummyhttp" help:"Take HTTP POST requests, and answer how long their bodies were."`
	Get        get             `cmd:"" help:"Fetch poems from servers, side by side, and print them."`
	Load       loadServer      `cmd:"" help:"Put a server under load, and measure how it bears that."`
}

const description = "Poetry servers and clients on one event loop. " +
	"Poems, and what a load has measured, go to standard output, everything else to standard error."

// Main runs the command that args ask for, without the program's name, and
// returns the exit status: 0 if all went well, 1 if something failed, 2 if the
// command line is wrong, 130 or 143 if a client was interrupted by a signal.
func Main(args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		args = []string{"--help"} // as twistd does
	}
	var line cli
	helped := false
	parser := kong.Must(&line,
		kong.Name("skein"),
		kong.Description(description),
		kong.Writers(stdout, stderr),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true}),
		kong.Exit(func(int) { helped = true }),
	)
	chosen, err := parser.Parse(args)
	if helped {
		return statusOK // whatever was missing besides
	}
	if err != nil {
		return usageError(stderr, err)
	}
	e := &env{
		stdout: stdout,
		stderr: stderr,
		format: line.LogFormat,
		log:    newLogger(stderr, line.LogFormat, line.LogLevel),
	}
	defer e.logUnhandled()()
	return e.status(chosen.Run(e))
}

// env is what a command runs in.
type env struct {
	stdout, stderr io.Writer
	format         string // of the log
	log            zerolog.Logger
}

// newReactor returns a reactor that logs where the command does.
func (e *env) newReactor() (*reactor.Reactor, error) {
	return reactor.New(reactor.WithLogger(e.log))
}
