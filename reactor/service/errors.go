package service

import (
	"errors"
	"fmt"
)

// The errors of using a service at the wrong time, or in the wrong place. Match them with [errors.Is].
var (
	// ErrRunning says that a service was started that runs already.
	ErrRunning = errors.New("it is running already")

	// ErrStopping says that a service was started while it is still stopping.
	ErrStopping = errors.New("it is still stopping: start it again when the Deferred of Stop has fired")

	// ErrStopped says that a service was stopped before its start had come to its
	// end.
	ErrStopped = errors.New("it was stopped while it started")

	// ErrNoReactor says that a service has no reactor to work on.
	ErrNoReactor = errors.New("it has no reactor: set its Reactor, or add it to an Application that has one")

	// ErrRefused is the failure of a [TCPClient] whose Factory made no protocol
	// for a connection.
	//
	// Twisted: error.NoProtocol.
	ErrRefused = errors.New("service: the factory refused the connection")

	// ErrHasParent says that a service is in a collection already.
	//
	// Twisted: the RuntimeError that setServiceParent promises; it moves the
	// service instead.
	ErrHasParent = errors.New("service: it has a parent already: disown it first")

	// ErrCycle says that a service was added to itself, or to one of its own
	// services.
	ErrCycle = errors.New("service: a service cannot be in itself")

	// ErrNameTaken says that a collection has a service of that name.
	//
	// Twisted: the RuntimeError of MultiService.addService.
	ErrNameTaken = errors.New("service: a sibling has the same name")

	// ErrNotChild says that a service is not in the collection from which it was
	// to be taken.
	//
	// Twisted: the ValueError of MultiService.removeService.
	ErrNotChild = errors.New("service: it is not in this collection")
)

// StartError says that a service did not start. errors.Is and errors.As find
// the cause: a *protocol.CannotListenError, a *deferred.PanicError, one of the
// errors above.
type StartError struct {
	// Service is the one that failed: not the collections around it.
	Service Service
	// Err is the cause.
	Err error
}

// Error names the service and the cause.
func (e *StartError) Error() string {
	return fmt.Sprintf("can't start %s: %v", describe(e.Service), e.Err)
}

// Unwrap returns the cause.
func (e *StartError) Unwrap() error { return e.Err }

// StopError says that a service is stopped, but that its stop went wrong. The
// stop of a collection may fail with several, joined.
type StopError struct {
	// Service is the one that failed: not the collections around it.
	Service Service
	// Err is the cause.
	Err error
}

// Error names the service and the cause.
func (e *StopError) Error() string {
	return fmt.Sprintf("stopping %s: %v", describe(e.Service), e.Err)
}

// Unwrap returns the cause.
func (e *StopError) Unwrap() error { return e.Err }

// startError makes a StartError of a cause, unless it is one already: a
// collection passes on what its service has failed with.
func startError(s Service, cause error) error {
	var e *StartError
	if errors.As(cause, &e) {
		return cause
	}
	return &StartError{Service: s, Err: cause}
}

// stopError makes a StopError of a cause, unless it is one already.
func stopError(s Service, cause error) error {
	var e *StopError
	if errors.As(cause, &e) {
		return cause
	}
	return &StopError{Service: s, Err: cause}
}
