package command

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"skein/apps/poetry"
	"skein/protocol"
)

// The exit statuses. One more than signalStatus by the signal's number says that
// a signal ended a client, as a shell says it of a process.
const (
	statusOK     = 0
	statusFailed = 1
	statusUsage  = 2
	signalStatus = 128
)

// errReported is what a command returns that has failed and has said so.
var errReported = errors.New("reported")

// interruptedError is what a command returns that a signal has ended early.
type interruptedError struct{ signal os.Signal }

func (e *interruptedError) Error() string { return "interrupted by " + e.signal.String() }

// status logs the error that a command has returned, in one line, and returns
// the exit status for it.
func (e *env) status(err error) int {
	var interrupted *interruptedError
	switch {
	case err == nil:
		return statusOK
	case errors.Is(err, errReported):
	case errors.As(err, &interrupted):
		if sig, ok := interrupted.signal.(syscall.Signal); ok {
			return signalStatus + int(sig)
		}
	default:
		e.log.Error().Msg(explain(err))
	}
	return statusFailed
}

// usageError says what is wrong with the command line.
func usageError(stderr io.Writer, err error) int {
	help := "skein --help lists the commands"
	var parse *kong.ParseError
	if errors.As(err, &parse) && parse.Context.Selected() != nil {
		help = "skein " + parse.Context.Selected().Path() + " --help lists the options"
	}
	text := strings.ReplaceAll(err.Error(), "\n", " ")
	_, _ = fmt.Fprintf(stderr, "skein: %s (%s)\n", text, help) // there is nowhere else to say it
	return statusUsage
}

// explain returns the text of an error, with the remedy if there is one.
func explain(err error) string {
	if remedy := remedy(err); remedy != "" {
		return err.Error() + " (" + remedy + ")"
	}
	return err.Error()
}

// remedy says what the user can do about an error, or "".
func remedy(err error) string {
	var listen *protocol.CannotListenError
	var poem *poetry.PoemError
	switch {
	case errors.As(err, &listen):
		return listenRemedy(err)
	case errors.As(err, &poem) && errors.Is(err, syscall.EISDIR):
		return "--poem takes a file"
	case errors.As(err, &poem) && errors.Is(err, poetry.ErrEmptyPoem):
		return "a client could not tell it from no poem"
	}
	return ""
}

// listenRemedy says what the user can do about a port that does not open.
func listenRemedy(err error) string {
	var lookup *net.DNSError
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return "the port is taken: choose another, or 0 for any free one"
	case errors.Is(err, syscall.EACCES):
		return "the port needs privileges: choose one above 1023"
	case errors.Is(err, syscall.EADDRNOTAVAIL), errors.As(err, &lookup):
		return "--iface takes a name or an address of this machine"
	}
	return ""
}
