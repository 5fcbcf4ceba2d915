package load

import (
	"errors"
	"syscall"

	"skein/protocol"
)

// Kind is what kind of error ended an operation, a connection or an attempt to
// make one. The names do not change: programs read them in the JSON.
type Kind string

// The kinds.
const (
	Refused         Kind = "refused"           // nobody listens
	ConnectTimedOut Kind = "connect_timed_out" // no answer to an attempt to connect
	Unreachable     Kind = "unreachable"       // no route to the server
	Reset           Kind = "reset"             // the server, or its system, broke the connection off
	ClosedEarly     Kind = "closed_early"      // the server closed before it had answered
	TimedOut        Kind = "timed_out"         // an operation took longer than the time limit
	ShortPoem       Kind = "short_poem"        // a poem that ended too soon
	WrongPoem       Kind = "wrong_poem"        // a poem that was another
	WrongEcho       Kind = "wrong_echo"        // not what was sent came back
	WrongAnswer     Kind = "wrong_answer"      // not the transformation, or not the one of before
	NoPorts         Kind = "no_ports"          // this machine has no local port left
	NoDescriptors   Kind = "no_descriptors"    // this process has no descriptor left
	Overdue         Kind = "overdue"           // due by the rate, but no connection was free for it in time
	ProcessDied     Kind = "process_died"      // a process of the load ended before its time
	Other           Kind = "other"
)

// kindOf sorts an error of the reactor's.
func kindOf(err error) Kind {
	var errno syscall.Errno
	switch {
	case errors.Is(err, protocol.ErrConnectTimeout):
		return ConnectTimedOut
	case errors.As(err, &errno):
		return kindOfErrno(errno)
	case errors.Is(err, protocol.ErrConnectionDone):
		return ClosedEarly
	}
	return Other
}

// kindOfErrno sorts an error of the system's.
func kindOfErrno(errno syscall.Errno) Kind {
	switch errno {
	case syscall.ECONNREFUSED:
		return Refused
	case syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED:
		return Reset
	case syscall.ETIMEDOUT:
		return ConnectTimedOut
	case syscall.EADDRNOTAVAIL, syscall.EADDRINUSE: // at connect, at bind
		return NoPorts
	case syscall.EMFILE, syscall.ENFILE:
		return NoDescriptors
	case syscall.ENETUNREACH, syscall.EHOSTUNREACH:
		return Unreachable
	}
	return Other
}
