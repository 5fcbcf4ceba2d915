package transform

import (
	"errors"
	"fmt"
	"time"

	"skein/deferred"
	"skein/protocol"
)

// What a server refuses a request for. Match them with [errors.Is]; what a wire
// finds wrong is basic.ErrMalformed or basic.ErrTooLong.
var (
	// ErrUnknown says that the table of permitted names has no such name.
	ErrUnknown = errors.New("no such transformation")

	// ErrNoSeparator says that no dot, or line end, ends the name.
	ErrNoSeparator = errors.New("no separator between the name and the poem")

	// ErrNotUTF8 says that a poem is not text.
	ErrNotUTF8 = errors.New("the poem is not valid UTF-8")

	// ErrCut says that a client's end of input came before the end of its
	// request.
	ErrCut = errors.New("the request was cut short")

	// ErrSlowClient says that a client took too long to send a request, or to
	// take an answer. It is a deferred.ErrTimeout.
	ErrSlowClient error = &timeoutError{"the client took too long"}
)

// RequestError says why a server did not transform a poem. errors.Is finds the
// cause: [ErrUnknown], [ErrNoSeparator], [ErrNotUTF8], or the error of the
// transformation.
type RequestError struct {
	// Name is the transformation that was asked for, shortened if it is long.
	Name string
	// Err is the cause.
	Err error
}

// Error names the transformation and the cause.
func (e *RequestError) Error() string {
	if e.Name == "" {
		return e.Err.Error()
	}
	return fmt.Sprintf("%q: %v", e.Name, e.Err)
}

// Unwrap returns the cause.
func (e *RequestError) Unwrap() error { return e.Err }

// requestError returns the error with so much of the name as fits a log.
func requestError(name string, err error) *RequestError {
	const longest = 40
	if len(name) > longest {
		name = name[:longest] + "..."
	}
	return &RequestError{Name: name, Err: err}
}

// What a client gives up for. Match them with [errors.Is].
var (
	// ErrNoAnswer says that the server closed the connection in good order
	// without an answer: it refuses what was asked, or has other troubles.
	ErrNoAnswer = errors.New("the server closed the connection without an answer")

	// ErrBadName says that a name has a dot and so cannot be asked for.
	ErrBadName = errors.New("a transformation's name has no dot")

	// ErrTooLong says that a request is longer than a server accepts.
	ErrTooLong = errors.New("the poem is longer than a server accepts")

	// ErrClosed says that the proxy was closed.
	ErrClosed = errors.New("the proxy is closed")
)

// XformError says why a poem was not transformed. errors.Is and errors.As find
// the cause: a *protocol.ConnectError if there was no connection; the reason of
// ConnectionLost and its own cause if there was one; [ErrNoAnswer];
// basic.ErrMalformed and basic.ErrTooLong, for an answer that is no netstring or
// too long; [*SilenceError]; deferred.ErrCancelled.
//
// Twisted: the Failure that xform of client 6.0 errbacks with.
type XformError struct {
	// Name is the transformation that was asked for.
	Name string
	// Addr is the server's address as it was given.
	Addr string
	// Err is the cause.
	Err error
}

// Error names the transformation, the server and the cause.
func (e *XformError) Error() string {
	cause := e.Err
	var failed *protocol.ConnectError
	if errors.As(cause, &failed) {
		cause = failed.Err // it would name the address again
	}
	return fmt.Sprintf("%s by %s failed: %v", e.Name, e.Addr, cause)
}

// Unwrap returns the cause.
func (e *XformError) Unwrap() error { return e.Err }

// SilenceError says that a server did not answer in time. It is a
// deferred.ErrTimeout.
type SilenceError struct {
	// After is how long the client waited.
	After time.Duration
}

// Error names the time.
func (e *SilenceError) Error() string { return fmt.Sprintf("no answer for %v", e.After) }

// Is makes every SilenceError match deferred.ErrTimeout.
func (e *SilenceError) Is(target error) bool { return target == deferred.ErrTimeout }

// Timeout makes it a timeout as of [net.Error].
func (e *SilenceError) Timeout() bool { return true }

// timeoutError is a sentinel that is a deferred.ErrTimeout.
type timeoutError struct{ text string }

func (e *timeoutError) Error() string        { return e.text }
func (e *timeoutError) Is(target error) bool { return target == deferred.ErrTimeout }
func (e *timeoutError) Timeout() bool        { return true }
