// Command peer runs one of the frameworks in Go that skein is measured beside:
//
//	peer ENGINE WORK [flags]
//
// with an ENGINE of nbio (github.com/lesismal/nbio) or netpoll
// (github.com/cloudwego/netpoll). The works and the flags are those of package
// skein/bench. Each engine runs as its documentation recommends for one core,
// with its own ways to write and to close: what it loses by them, the table of
// peers_test.go says.
//
// Reading order: main.go, options.go, stats.go, netstring.go; then nbio.go with
// nbio_works.go, and netpoll.go with netpoll_works.go.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
)

// The statuses to exit with.
const (
	statusDone = iota
	statusFailed
	statusUsage
)

func main() {
	engine, o, err := parse(os.Args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp):
		_, _ = fmt.Fprint(os.Stdout, usage())
		os.Exit(statusDone)
	case err != nil:
		end(statusUsage, err)
	}
	address, err := engine(o)
	if err != nil {
		end(statusFailed, err)
	}
	_, _ = fmt.Fprintln(os.Stdout, "listening", address)
	obey(os.Stdin, os.Stdout)
	os.Exit(statusDone) // whatever the engine is doing: a graceful stop would wait for clients
}

// end says what is wrong, in a line, and ends the process.
func end(status int, err error) {
	_, _ = fmt.Fprintln(os.Stderr, "peer:", err)
	os.Exit(status)
}

// obey carries out the lines of stdin until its end.
func obey(stdin io.Reader, stdout io.Writer) {
	answer := json.NewEncoder(stdout)
	for lines := bufio.NewScanner(stdin); lines.Scan(); {
		switch lines.Text() {
		case "collect":
			runtime.GC()
			_ = answer.Encode(measure())
		case "stats":
			_ = answer.Encode(measure()) // who does not read it does not want it
		}
	}
}
