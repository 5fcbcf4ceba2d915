package poetry

import (
	"errors"
	"fmt"
	"time"

	"skein/deferred"
	"skein/protocol"
)

// The reasons for which there is no poem. Match them with [errors.Is].
var (
	// ErrEmptyPoem says that a file has nothing in it to serve.
	ErrEmptyPoem = errors.New("the poem is empty")

	// ErrNoBytes says that a server closed the connection in good order without
	// having sent anything. No server has an empty poem, so that is none.
	ErrNoBytes = errors.New("the server closed the connection without sending a byte")

	// ErrTooLong says that a poem went on after [Options].MaxBytes.
	ErrTooLong = errors.New("the poem is longer than the limit")
)

// PoemError says why a file cannot be served. errors.Is finds the cause:
// fs.ErrNotExist, fs.ErrPermission, a syscall.Errno such as EISDIR,
// [ErrEmptyPoem].
type PoemError struct {
	// Path is the file's name as it was given.
	Path string
	// Err is the cause.
	Err error
}

// Error names the file and the cause.
func (e *PoemError) Error() string { return fmt.Sprintf("can't serve %q: %v", e.Path, e.Err) }

// Unwrap returns the cause.
func (e *PoemError) Unwrap() error { return e.Err }

// FetchError says why a poem was not fetched, or not to its end. errors.Is and
// errors.As find the cause: a *protocol.ConnectError if there was no
// connection; the reason of ConnectionLost and its own cause, such as
// protocol.ErrConnectionLost and syscall.ECONNRESET, if there was one;
// [*IdleError], [ErrTooLong], [ErrNoBytes]; deferred.ErrCancelled.
//
// Twisted: the Failure that get_poetry of client 4.0 errbacks with.
type FetchError struct {
	// Addr is the server's address as it was given.
	Addr string
	// Bytes is how many bytes had come.
	Bytes int
	// Err is why no more did.
	Err error
}

// Error names the address, the bytes and the cause.
func (e *FetchError) Error() string {
	if e.Bytes > 0 {
		return fmt.Sprintf("the poem from %s was cut after %d bytes: %v", e.Addr, e.Bytes, e.Err)
	}
	cause := e.Err
	var failed *protocol.ConnectError
	if errors.As(cause, &failed) {
		cause = failed.Err // it would name the address again
	}
	return fmt.Sprintf("no poem from %s: %v", e.Addr, cause)
}

// Unwrap returns the cause.
func (e *FetchError) Unwrap() error { return e.Err }

// IdleError says that a server that had not finished sent nothing for too long.
// It is a deferred.ErrTimeout.
type IdleError struct {
	// After is how long the client waited.
	After time.Duration
}

// Error names the time.
func (e *IdleError) Error() string { return fmt.Sprintf("no bytes for %v", e.After) }

// Is makes every IdleError match deferred.ErrTimeout.
func (e *IdleError) Is(target error) bool { return target == deferred.ErrTimeout }

// Timeout makes it a timeout as of [net.Error].
func (e *IdleError) Timeout() bool { return true }
