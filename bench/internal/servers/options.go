package servers

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
)

// options are what a server is to do.
type options struct {
	work   string
	addr   string
	poem   int   // bytes
	stream int64 // bytes
	origin string
	shared bool // -reuseport
}

// The works.
const (
	workEcho      = "echo"
	workPoem      = "poem"
	workTransform = "transform"
	workOnce      = "once"
	workStream    = "stream"
	workProxy     = "proxy"
	workRelay     = "relay"
)

// works returns the names of the works.
func works() []string {
	return []string{workEcho, workPoem, workTransform, workOnce, workStream, workProxy, workRelay}
}

// engine makes a server that listens.
type engine func(o options) (server, error)

// engines returns the engines and their names.
func engines() ([]string, []engine) {
	return []string{"skein", "gnet", "net", "epoll"}, []engine{listenSkein, listenGnet, listenNet, listenEpoll}
}

// parse reads the command line.
func parse(args []string) (engine, options, error) {
	var o options
	if len(args) > 0 && (args[0] == "-h" || args[0] == "-help" || args[0] == "--help") {
		return nil, o, flag.ErrHelp
	}
	if len(args) < 2 {
		return nil, o, fmt.Errorf("want ENGINE WORK [flags], with an ENGINE of %s and a WORK of %s", engineNames(), workNames())
	}
	names, makers := engines()
	i := slices.Index(names, args[0])
	if i < 0 {
		return nil, o, fmt.Errorf("there is no engine %q: use %s", args[0], engineNames())
	}
	if !slices.Contains(works(), args[1]) {
		return nil, o, fmt.Errorf("there is no work %q: use %s", args[1], workNames())
	}
	o.work = args[1]
	flags := flagSet(&o)
	flags.SetOutput(io.Discard)
	if err := flags.Parse(args[2:]); err != nil {
		return nil, o, err
	}
	return makers[i], o, o.check(flags.Args())
}

// flagSet defines the flags.
func flagSet(o *options) *flag.FlagSet {
	f := flag.NewFlagSet("server", flag.ContinueOnError)
	f.StringVar(&o.addr, "addr", "127.0.0.1:0", "listen on `HOST:PORT`")
	f.IntVar(&o.poem, "poem", 3072, "the poem has so many `BYTES`")
	f.Int64Var(&o.stream, "stream", 1<<30, "a stream has so many `BYTES`")
	f.StringVar(&o.origin, "origin", "", "the server of the poem is at `HOST:PORT`")
	f.BoolVar(&o.shared, "reuseport", false, "share the port with other processes")
	return f
}

// check looks for what cannot be.
func (o options) check(rest []string) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("%q is one argument too many", rest[0])
	case o.poem < 0:
		return fmt.Errorf("-poem %d: a poem cannot have less than 0 bytes", o.poem)
	case o.stream < 0:
		return fmt.Errorf("-stream %d: a stream cannot have less than 0 bytes", o.stream)
	case o.origin == "" && (o.work == workProxy || o.work == workRelay):
		return errors.New(o.work + " needs the poem's server: use -origin HOST:PORT")
	}
	return nil
}

// usage is the text for those who ask.
func usage() string {
	var text strings.Builder
	_, _ = fmt.Fprintf(&text, "server ENGINE WORK [flags]\n\nENGINE is one of %s.\nWORK is one of %s.\n\n", engineNames(), workNames())
	flags := flagSet(new(options))
	flags.SetOutput(&text)
	flags.PrintDefaults()
	return text.String()
}

// engineNames is the engines for a message.
func engineNames() string {
	names, _ := engines()
	return strings.Join(names, ", ")
}

// workNames is the works for a message.
func workNames() string { return strings.Join(works(), ", ") }

// text returns a poem of n bytes.
func text(n int) []byte {
	const line = "abcdefghijklmnopqrstuvwxyz\n"
	poem := make([]byte, n)
	for i := range poem {
		poem[i] = line[i%len(line)]
	}
	return poem
}

const (
	// pieceSize is the length of the pieces of a stream.
	pieceSize = 64 << 10
	// streamShare is how many of them a loop gives to one client before the others
	// have a turn.
	streamShare = 16
)

// newPiece returns one. It is written to: under memory that nobody has written to,
// the kernel may have its one page of zeros, which never leaves the caches.
func newPiece() []byte { return bytes.Repeat([]byte{0}, pieceSize) }
