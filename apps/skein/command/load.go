package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"skein/apps/skein/internal/logs"
	"skein/apps/skein/runner"
	"skein/bench/load"
	"skein/reactor"
)

// loadServer is the command that puts a server under load.
type loadServer struct {
	Address runner.Address  `arg:"" name:"address" placeholder:"[HOST:]PORT" help:"The server, as [HOST:]PORT; the host is localhost if it is left out."`
	Mode    string          `enum:"poem,idle,echo,transform" default:"poem" placeholder:"MODE" help:"poem: connect, read to the end, and check. echo: send bytes and check that they come back. transform: send netstrings NAME.poem and check the answers. idle: stay connected (default: ${default})."`
	Conns   runner.Count    `default:"50" placeholder:"N" help:"How many connections to have at once (default: ${default})."`
	For     runner.Duration `default:"10s" placeholder:"TIME" help:"How long to begin operations (default: ${default})."`
	Rate    rate            `placeholder:"OPS" help:"How many operations begin in a second, whatever the server does (open loop); latency then counts from when one was due. Without it, each connection begins the next when the last is done (closed loop)."`
	Timeout runner.Duration `default:"10s" placeholder:"TIME" help:"How long an attempt to connect, and an operation, may take (default: ${default})."`

	Depth     runner.Count `placeholder:"N" help:"Echo and transform: how many messages a connection has under way (default: 1)."`
	Size      runner.Count `placeholder:"BYTES" help:"Echo and transform: the length of a message or poem (default: 64)."`
	Transform string       `placeholder:"NAME" help:"Transform: the transformation to ask for (default: cummingsify)."`
	Poem      string       `placeholder:"FILE" help:"Poem: what every poem has to be; without it, all must be like the first. Transform: the poem to send."`

	Processes runner.Count `placeholder:"N" help:"How many processes share the load (default: as many as it takes if one cannot have so many descriptors)."`
	Source    []ipAddress  `placeholder:"ADDR,..." help:"The addresses to connect from, in turns (default: the system's choice; to 127.0.0.1 also 127.0.0.2 and so on, where one has too few ports)."`

	JSON bool   `name:"json" help:"Print the result as one JSON object."`
	Plot string `placeholder:"FILE.svg" help:"Draw the latency over time into this file."`

	Child bool `hidden:"" help:"Be one process of a load: the options come on standard input."`
}

// Help is what the command's help says besides its options.
func (c *loadServer) Help() string {
	return `A line of progress goes to standard error each second, the result to standard
output at the end: counts, throughput, a histogram of the latency, and errors by
kind.

In poem mode --conns bounds how many fetches are under way, with --rate too: what
is due while all are busy waits, and its latency counts the wait. A poem that is
short, another, or reset counts as wrong. In idle mode a connection that the
server ends is lost, and an error, even if the server sent something first.
Operations that timed out, or had to wait until there was no more time to begin
them, count in the latency with what they had waited.

In the JSON, times are nanoseconds and end in _ns: operations, failed, wrong,
operations_per_second, received_bytes_per_second, connections, latency
(p50_ns, p90_ns, p99_ns, p999_ns, max_ns, histogram), service_latency, errors,
series and some more.

Exit status: 0 if all went well; 1 if a poem or answer was wrong, or there was any
other error; 2 if the command line is wrong; 130 or 143 if a signal ended it, after
the result so far. A second signal ends it at once.`
}

// The defaults of what some modes have and others have not.
const (
	defaultSize      = 64
	defaultTransform = "cummingsify"
)

// The bounds of what can be asked for.
const (
	maxUnderWay = 10_000_000
	maxMessage  = 64 << 20
	maxRequest  = 99999 // of a netstring
	maxTime     = 1000 * time.Hour
)

// Validate checks the options.
func (c *loadServer) Validate() error {
	mode := load.Mode(c.Mode)
	streams := mode == load.Echo || mode == load.Transform
	misplaced := func(set bool, option, modes string) error {
		if !set {
			return nil
		}
		return fmt.Errorf("%s does not go with --mode %s: it is for %s", option, c.Mode, modes)
	}
	return errors.Join(
		notZero("--for", c.For),
		notZero("--timeout", c.Timeout),
		notTooLong("--for", c.For),
		notTooLong("--timeout", c.Timeout),
		misplaced(c.Rate != 0 && mode == load.Idle, "--rate", "poem, echo and transform"),
		misplaced(c.Plot != "" && mode == load.Idle, "--plot", "poem, echo and transform"),
		misplaced(c.Depth != 0 && !streams, "--depth", "echo and transform"),
		misplaced(c.Size != 0 && !streams, "--size", "echo and transform"),
		misplaced(c.Transform != "" && mode != load.Transform, "--transform", "transform"),
		misplaced(c.Poem != "" && mode != load.Poem && mode != load.Transform, "--poem", "poem and transform"),
		c.validateSizes(),
	)
}

// notTooLong returns an error for a time that nobody waits for.
func notTooLong(option string, d runner.Duration) error {
	if time.Duration(d) > maxTime {
		return fmt.Errorf("%s: %v is too long: %v is the most", option, d, runner.Duration(maxTime))
	}
	return nil
}

// validateSizes checks the numbers against what a machine, or a netstring, bears.
func (c *loadServer) validateSizes() error {
	switch n := int(c.Conns) * max(int(c.Depth), 1); {
	case int(c.Conns) > maxUnderWay || int(c.Depth) > maxUnderWay || n > maxUnderWay:
		return fmt.Errorf("--conns: %d connections with %d messages each: %d at once are the most", c.Conns, max(c.Depth, 1), maxUnderWay)
	case c.Processes > c.Conns:
		return fmt.Errorf("--processes: %d cannot share %d connections: use fewer, or more --conns", c.Processes, c.Conns)
	case c.Size > maxMessage:
		return fmt.Errorf("--size: %d bytes are too many: %d are the most", c.Size, maxMessage)
	case c.Poem != "" && c.Size != 0:
		return errors.New("--size: the poem of --poem has a length of its own: give one of the two")
	case strings.Contains(c.Transform, "."):
		return fmt.Errorf("--transform: %q has a dot, which no transformation's name has", c.Transform)
	case c.Mode == string(load.Transform) && len(c.transform())+1+int(c.Size) > maxRequest:
		return fmt.Errorf("--size: %d bytes are too many: a request has at most %d, with the name and a dot", c.Size, maxRequest)
	}
	return nil
}

// transform returns the name of the transformation.
func (c *loadServer) transform() string {
	if c.Transform == "" {
		return defaultTransform
	}
	return c.Transform
}

// run puts the load on the server, and prints what came of it.
func (c *loadServer) run(e *env) error {
	if c.Child {
		return c.serve(e)
	}
	o, err := c.options()
	if err != nil {
		return err
	}
	n, err := c.processes(e)
	if err != nil {
		return err
	}
	var picture *os.File
	if c.Plot != "" {
		if picture, err = os.Create(c.Plot); err != nil {
			return fmt.Errorf("--plot: %w", err)
		}
		defer func() { _ = picture.Close() }() // a second time, if all went well
	}
	progress := &load.Progress{Out: e.Stderr, Rewrite: logs.IsTerminal(e.Stderr)}
	e.Log = makingWay(e.Log, progress)
	r, err := e.NewReactor()
	if err != nil {
		return err
	}
	l := &loading{env: e, reactor: r, options: o, total: load.NewTotal(o, string(c.Address), n), progress: progress}
	err = l.run(n)
	result := l.total.Result(r.Signal() != nil)
	if err := c.print(e, result, picture); err != nil {
		return err
	}
	if err != nil && !errors.Is(err, reactor.ErrForcedStop) {
		return err
	}
	return l.verdict(result)
}

// processes returns how many there are to be.
func (c *loadServer) processes(e *env) (int, error) {
	limit, err := load.Descriptors()
	if err != nil {
		return 0, fmt.Errorf("the limit of descriptors: %w", err)
	}
	if c.Processes != 0 {
		return int(c.Processes), nil
	}
	n := load.ProcessesFor(int(c.Conns), limit)
	if n > 1 {
		e.Log.Info().Msgf("One process can have %d connections here: using %d processes.", limit, n)
	}
	return n, nil
}

// serve is one process of a load. Signals are its parent's business: they come
// to the children, too, if they come from a terminal.
func (c *loadServer) serve(e *env) error {
	signal.Ignore(os.Interrupt, syscall.SIGTERM)
	if _, err := load.Descriptors(); err != nil {
		return err
	}
	r, err := reactor.New(reactor.WithLogger(e.Log), reactor.WithoutSignals())
	if err != nil {
		return err
	}
	return load.Serve(r, os.Stdin, e.Stdout)
}

// print prints the result and draws the picture, the one even if the other fails.
func (c *loadServer) print(e *env, result *load.Result, picture *os.File) error {
	return errors.Join(c.write(e, result), draw(result, picture))
}

// write writes the result.
func (c *loadServer) write(e *env, result *load.Result) error {
	var err error
	if c.JSON {
		err = json.NewEncoder(e.Stdout).Encode(result)
	} else {
		err = result.WriteText(e.Stdout)
	}
	if err != nil {
		return fmt.Errorf("can't print the result: %w", err)
	}
	return nil
}

// draw draws the picture, if there is to be one.
func draw(result *load.Result, picture *os.File) error {
	if picture == nil {
		return nil
	}
	if err := errors.Join(result.WriteSVG(picture), picture.Close()); err != nil {
		return fmt.Errorf("--plot: %w", err)
	}
	return nil
}

// interval returns the time between reports: a short load has more of them, so
// that its picture has enough points.
func interval(d time.Duration) time.Duration {
	const short = 30 * time.Second
	if d < short {
		return 100 * time.Millisecond
	}
	return time.Second
}
