package servers

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"runtime"
)

// server is a server that listens.
type server interface {
	// address is where it listens.
	address() string
	// serve serves until stop is called. It returns an error if it had to end
	// before that.
	serve() error
	// stop ends serve, whatever is open. Any goroutine may call it.
	stop()
}

// errNotOffered says that there is no such engine here.
var errNotOffered = errors.New("use another engine")

// The statuses that Main returns.
const (
	statusDone = iota
	statusFailed
	statusUsage
)

// Main runs the server that args ask for, ENGINE WORK [flags], until stdin ends,
// and returns the status to exit with.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	quietGnet()
	listen, o, err := parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		_, _ = fmt.Fprint(stdout, usage())
		return statusDone
	case err != nil:
		_, _ = fmt.Fprintln(stderr, "server:", err)
		return statusUsage
	}
	s, err := listen(o)
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "server:", err)
		if errors.Is(err, errNotOffered) {
			return statusUsage
		}
		return statusFailed
	}
	_, _ = fmt.Fprintln(stdout, "listening", s.address())
	go func() {
		obey(stdin, stdout, stderr)
		s.stop()
	}()
	if err := s.serve(); err != nil {
		_, _ = fmt.Fprintln(stderr, "server:", err)
		return statusFailed
	}
	return statusDone
}

// obey carries out the lines of stdin until its end.
func obey(stdin io.Reader, stdout, stderr io.Writer) {
	answer := json.NewEncoder(stdout)
	for lines := bufio.NewScanner(stdin); lines.Scan(); {
		switch line := lines.Text(); line {
		case "collect":
			runtime.GC()
			_ = answer.Encode(stats())
		case "stats":
			_ = answer.Encode(stats()) // who does not read it does not want it
		default:
			_, _ = fmt.Fprintf(stderr, "server: there is no command %q: only stats and collect\n", line)
		}
	}
}
