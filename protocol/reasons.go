package protocol

import (
	"errors"
	"fmt"
	"net"
)

// closeReason is a sentinel that is also whatever stands behind it.
type closeReason struct {
	text string
	is   error
}

func (r *closeReason) Error() string { return r.text }
func (r *closeReason) Unwrap() error { return r.is }

// The reasons for which a connection ends. Each satisfies errors.Is(reason,
// net.ErrClosed); match them with [errors.Is], and find the cause (a
// syscall.Errno, a *deferred.PanicError, what LoseConnectionCause was given)
// with [errors.Is] or [errors.As] too.
//
// Twisted: error.ConnectionDone, error.ConnectionLost, error.ConnectionAborted.
var (
	// ErrConnectionDone is a clean end: the peer's end of input, or
	// LoseConnection carried out to the last byte.
	ErrConnectionDone error = &closeReason{"connection was closed cleanly", net.ErrClosed}

	// ErrConnectionLost is an end in which bytes may be missing: a reset, a
	// failed read or write, a panic in the protocol, a loop that stopped.
	ErrConnectionLost error = &closeReason{"connection was lost in a non-clean fashion", net.ErrClosed}

	// ErrConnectionAborted is the end after AbortConnection, or after a deadline
	// that aborts. It is an ErrConnectionLost, too.
	ErrConnectionAborted error = &closeReason{"connection was aborted", ErrConnectionLost}
)

// CloseError is a close reason with its cause. errors.Is finds both.
type CloseError struct {
	// Reason is one of the three sentinels.
	Reason error
	// Cause is what led to it.
	Cause error
}

// Error returns the reason's text and the cause's.
func (e *CloseError) Error() string { return e.Reason.Error() + ": " + e.Cause.Error() }

// Unwrap returns the reason and the cause.
func (e *CloseError) Unwrap() []error { return []error{e.Reason, e.Cause} }

// CloseReason returns reason, wrapped with cause if there is one.
func CloseReason(reason, cause error) error {
	if cause == nil {
		return reason
	}
	return &CloseError{Reason: reason, Cause: cause}
}

// The errors of using a transport, a connector or a port wrongly or too late.
var (
	// ErrProducerRegistered says that a transport already has a producer.
	//
	// Twisted: the RuntimeError of registerProducer.
	ErrProducerRegistered = errors.New("protocol: a producer is already registered: unregister it first")

	// ErrNotPushProducer says that a producer registered as streaming cannot be
	// paused.
	ErrNotPushProducer = errors.New("protocol: a streaming producer needs a PauseProducing method")

	// ErrNotDisconnected says that a connector is already busy.
	//
	// Twisted: the RuntimeError of BaseConnector.connect.
	ErrNotDisconnected = errors.New("protocol: can't connect in this state: the connector is connecting or connected")

	// ErrNotConnecting says that there is no attempt to stop.
	//
	// Twisted: error.NotConnectingError.
	ErrNotConnecting = errors.New("protocol: the connector is not connecting")

	// ErrConnectStopped says that StopConnecting ended the attempt.
	//
	// Twisted: error.UserError.
	ErrConnectStopped = errors.New("stopped by StopConnecting")

	// ErrConnectTimeout says that the attempt took too long, name lookup
	// included.
	//
	// Twisted: error.TimeoutError.
	ErrConnectTimeout error = &timeoutError{"timed out"}
)

// timeoutError is a [net.Error] that is a timeout.
type timeoutError struct{ text string }

func (e *timeoutError) Error() string   { return e.text }
func (e *timeoutError) Timeout() bool   { return true }
func (e *timeoutError) Temporary() bool { return true }

// ConnectError says why no connection was made. errors.Is finds the cause: a
// syscall.Errno such as ECONNREFUSED, a *net.DNSError, [ErrConnectTimeout],
// [ErrConnectStopped].
//
// Twisted: error.ConnectError and its subclasses.
type ConnectError struct {
	// Addr is the destination as it was given.
	Addr string
	// Err is the cause.
	Err error
}

// Error names the destination and the cause.
func (e *ConnectError) Error() string { return fmt.Sprintf("connect %s: %v", e.Addr, e.Err) }

// Unwrap returns the cause.
func (e *ConnectError) Unwrap() error { return e.Err }

// Timeout reports whether the attempt took too long, by skein's clock or the
// system's, as os.IsTimeout and [net.Error] ask.
func (e *ConnectError) Timeout() bool {
	var t interface{ Timeout() bool }
	return errors.As(e.Err, &t) && t.Timeout()
}

// CannotListenError says why a port could not be opened. errors.Is finds the
// cause, such as syscall.EADDRINUSE.
//
// Twisted: error.CannotListenError.
type CannotListenError struct {
	// Addr is the address as it was given.
	Addr string
	// Err is the cause.
	Err error
}

// Error names the address and the cause.
func (e *CannotListenError) Error() string {
	return fmt.Sprintf("couldn't listen on %s: %v", e.Addr, e.Err)
}

// Unwrap returns the cause.
func (e *CannotListenError) Unwrap() error { return e.Err }
