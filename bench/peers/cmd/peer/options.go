package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
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

// pieceSize is the length of the pieces of a stream.
const pieceSize = 64 << 10

// newPiece returns one. It is written to: under memory that nobody has written to,
// the kernel may have its one page of zeros, which never leaves the caches.
func newPiece() []byte { return bytes.Repeat([]byte{0}, pieceSize) }

// engine starts a server and returns where it listens.
type engine func(o options) (address string, err error)

// engines returns them by name.
func engines() map[string]engine {
	return map[string]engine{"nbio": startNbio, "netpoll": startNetpoll}
}

// works lists them for a message, and to know them.
func works() []string {
	return []string{workEcho, workPoem, workTransform, workOnce, workStream, workProxy, workRelay}
}

// engineNames lists the engines for a message.
func engineNames() string {
	return strings.Join(slices.Sorted(maps.Keys(engines())), ", ")
}

// parse reads the command line.
func parse(args []string) (engine, options, error) {
	var o options
	if len(args) > 0 && (args[0] == "-h" || args[0] == "-help" || args[0] == "--help") {
		return nil, o, flag.ErrHelp
	}
	if len(args) < 2 {
		return nil, o, errors.New("want ENGINE WORK [flags]: -h tells more")
	}
	start, ok := engines()[args[0]]
	if !ok {
		return nil, o, fmt.Errorf("there is no engine %q: use %s", args[0], engineNames())
	}
	o.work = args[1]
	if !slices.Contains(works(), o.work) {
		return nil, o, fmt.Errorf("there is no work %q: use %s", o.work, strings.Join(works(), ", "))
	}
	flags := flagSet(&o)
	flags.SetOutput(io.Discard)
	if err := flags.Parse(args[2:]); err != nil {
		return nil, o, err
	}
	switch {
	case flags.NArg() > 0:
		return nil, o, fmt.Errorf("%q is one argument too many", flags.Arg(0))
	case o.origin == "" && (o.work == workProxy || o.work == workRelay):
		return nil, o, errors.New(o.work + " needs the poem's server: use -origin HOST:PORT")
	}
	return start, o, nil
}

// flagSet defines the flags.
func flagSet(o *options) *flag.FlagSet {
	f := flag.NewFlagSet("peer", flag.ContinueOnError)
	f.StringVar(&o.addr, "addr", "127.0.0.1:0", "listen on `HOST:PORT`")
	f.IntVar(&o.poem, "poem", 3072, "the poem has so many `BYTES`")
	f.Int64Var(&o.stream, "stream", 1<<30, "a stream has so many `BYTES`")
	f.StringVar(&o.origin, "origin", "", "the server of the poem is at `HOST:PORT`")
	f.BoolVar(&o.shared, "reuseport", false, "share the port with other processes")
	return f
}

// usage is the text for those who ask.
func usage() string {
	var text strings.Builder
	_, _ = fmt.Fprintf(&text, "peer ENGINE WORK [flags]\n\nENGINE is one of %s.\nWORK is one of %s.\n\n",
		engineNames(), strings.Join(works(), ", "))
	flags := flagSet(new(options))
	flags.SetOutput(&text)
	flags.PrintDefaults()
	return text.String()
}

// listen opens the listener, which both engines take from us: with the largest
// backlog, as Go always does, and without the keep-alive that Go would set on
// each connection in three further calls.
func (o options) listen(network, addr string) (net.Listener, error) {
	lc := net.ListenConfig{KeepAlive: -1}
	if o.shared {
		lc.Control = func(_, _ string, c syscall.RawConn) error {
			var err error
			if failed := c.Control(func(fd uintptr) {
				err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
			}); failed != nil {
				return failed
			}
			return err
		}
	}
	return lc.Listen(context.Background(), network, addr)
}

// compose returns a poem of n bytes.
func compose(n int) []byte {
	const line = "abcdefghijklmnopqrstuvwxyz\n"
	poem := make([]byte, n)
	for i := range poem {
		poem[i] = line[i%len(line)]
	}
	return poem
}
