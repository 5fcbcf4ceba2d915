package runner

import (
	"errors"
	"net"
	"os"
	"syscall"

	"github.com/rs/zerolog"

	"skein/protocol"
	"skein/reactor/service"
)

// ErrReported is what a command returns that has failed and has said so.
var ErrReported = errors.New("runner: the failure has been reported")

// InterruptedError is what a command returns that a signal has ended early, and
// that has said so. The exit status is that of a shell.
type InterruptedError struct{ Signal os.Signal }

// Error names the signal.
func (e *InterruptedError) Error() string { return "interrupted by " + e.Signal.String() }

// status logs the error that a command has returned, in one line, and returns
// the exit status for it.
func (p *Program) status(log zerolog.Logger, err error) int {
	var interrupted *InterruptedError
	switch {
	case err == nil:
		return statusOK
	case errors.Is(err, ErrReported):
	case errors.As(err, &interrupted):
		if sig, ok := interrupted.Signal.(syscall.Signal); ok {
			return signalStatus + int(sig)
		}
	default:
		log.Error().Msg(p.explain(err))
	}
	return statusFailed
}

// explain returns the text of an error in one line, with the remedy if there is
// one.
func (p *Program) explain(err error) string {
	text := plain(err)
	remedy := ""
	if p.Remedy != nil {
		remedy = p.Remedy(err)
	}
	if remedy == "" {
		remedy = listenRemedy(err)
	}
	if remedy != "" {
		return text + " (" + remedy + ")"
	}
	return text
}

// plain returns the text of an error; that of a service without what only a
// programmer knows it by.
func plain(err error) string {
	var start *service.StartError
	if !errors.As(err, &start) {
		return err.Error()
	}
	if name := nearestName(start.Service); name != "" {
		return name + ": " + start.Err.Error()
	}
	return start.Err.Error()
}

// nearestName returns the name of a service, or of the first around it that has
// one.
func nearestName(s service.Service) string {
	for s != nil {
		if s.Name() != "" {
			return s.Name()
		}
		c := s.Parent()
		if c == nil {
			break
		}
		s = c
	}
	return ""
}

// listenRemedy says what the user can do about a port that does not open, or "".
func listenRemedy(err error) string {
	var listen *protocol.CannotListenError
	var lookup *net.DNSError
	switch {
	case !errors.As(err, &listen):
	case errors.Is(err, syscall.EADDRINUSE):
		return "the port is taken: choose another, or 0 for any free one"
	case errors.Is(err, syscall.EACCES):
		return "the port needs privileges: choose one above 1023"
	case errors.Is(err, syscall.EADDRNOTAVAIL), errors.As(err, &lookup):
		return "--iface takes a name or an address of this machine"
	}
	return ""
}
