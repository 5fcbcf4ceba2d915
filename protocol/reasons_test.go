package protocol_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"

	"skein/protocol"
)

// reasons are the sentinels, under the names of their variables.
var reasons = map[string]error{
	"ErrConnectionDone":    protocol.ErrConnectionDone,
	"ErrConnectionLost":    protocol.ErrConnectionLost,
	"ErrConnectionAborted": protocol.ErrConnectionAborted,
}

func TestEveryReasonIsClosed(t *testing.T) {
	for name, reason := range reasons {
		for _, err := range []error{
			reason,
			protocol.CloseReason(reason, nil),
			protocol.CloseReason(reason, io.ErrUnexpectedEOF),
			fmt.Errorf("fetching the poem: %w", protocol.CloseReason(reason, io.EOF)),
		} {
			if !errors.Is(err, net.ErrClosed) {
				t.Errorf("%s: %q is not net.ErrClosed", name, err)
			}
		}
	}
}

func TestReasonsAmongEachOther(t *testing.T) {
	tests := []struct {
		reason, target string
		want           bool
	}{
		{"ErrConnectionDone", "ErrConnectionDone", true},
		{"ErrConnectionDone", "ErrConnectionLost", false},
		{"ErrConnectionDone", "ErrConnectionAborted", false},
		{"ErrConnectionLost", "ErrConnectionDone", false},
		{"ErrConnectionLost", "ErrConnectionLost", true},
		{"ErrConnectionLost", "ErrConnectionAborted", false},
		{"ErrConnectionAborted", "ErrConnectionDone", false},
		{"ErrConnectionAborted", "ErrConnectionLost", true}, // an abort is a loss
		{"ErrConnectionAborted", "ErrConnectionAborted", true},
	}
	for _, test := range tests {
		t.Run(test.reason+" is "+test.target, func(t *testing.T) {
			for _, cause := range []error{nil, io.EOF} {
				err := protocol.CloseReason(reasons[test.reason], cause)
				if got := errors.Is(err, reasons[test.target]); got != test.want {
					t.Errorf("with cause %v: %t, want %t", cause, got, test.want)
				}
			}
		})
	}
}

func TestCloseErrorFindsReasonAndCause(t *testing.T) {
	err := protocol.CloseReason(protocol.ErrConnectionLost, &net.OpError{Op: "read", Err: syscall.ECONNRESET})

	if !errors.Is(err, protocol.ErrConnectionLost) {
		t.Error("the reason is not found")
	}
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Error("the errno behind the cause is not found")
	}
	if errors.Is(err, syscall.EPIPE) {
		t.Error("an errno is found that is not there")
	}
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "read" {
		t.Error("errors.As does not find the cause")
	}
	var closed *protocol.CloseError
	if !errors.As(err, &closed) || closed.Reason != protocol.ErrConnectionLost || closed.Cause != error(op) {
		t.Errorf("errors.As found %+v", closed)
	}
	want := "connection was lost in a non-clean fashion: read: " + syscall.ECONNRESET.Error()
	if err.Error() != want {
		t.Errorf("the text is %q, want %q", err, want)
	}
}

func TestCloseReasonWithoutCauseIsTheSentinelItself(t *testing.T) {
	for name, reason := range reasons {
		if got := protocol.CloseReason(reason, nil); got != reason {
			t.Errorf("CloseReason(%s, nil) = %#v", name, got)
		}
	}
}

func TestConnectionErrorsNameAddressAndCause(t *testing.T) {
	tests := []struct {
		name  string
		err   error
		cause error
		want  string
	}{
		{
			"refused", &protocol.ConnectError{Addr: "localhost:10000", Err: syscall.ECONNREFUSED},
			syscall.ECONNREFUSED, "connect localhost:10000: " + syscall.ECONNREFUSED.Error(),
		},
		{
			"timeout", &protocol.ConnectError{Addr: "localhost:10000", Err: protocol.ErrConnectTimeout},
			protocol.ErrConnectTimeout, "connect localhost:10000: timed out",
		},
		{
			"stopped", &protocol.ConnectError{Addr: "localhost:10000", Err: protocol.ErrConnectStopped},
			protocol.ErrConnectStopped, "connect localhost:10000: stopped by StopConnecting",
		},
		{
			"port taken", &protocol.CannotListenError{Addr: "localhost:10000", Err: syscall.EADDRINUSE},
			syscall.EADDRINUSE, "couldn't listen on localhost:10000: " + syscall.EADDRINUSE.Error(),
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if !errors.Is(test.err, test.cause) {
				t.Errorf("%v is not found", test.cause)
			}
			if test.err.Error() != test.want {
				t.Errorf("the text is %q, want %q", test.err, test.want)
			}
			if errors.Is(test.err, net.ErrClosed) {
				t.Error("no connection was made, yet the error says that one was closed")
			}
		})
	}
}

func TestOnlyATimeoutIsATimeout(t *testing.T) {
	for _, test := range []struct {
		cause error
		want  bool
	}{{protocol.ErrConnectTimeout, true}, {protocol.ErrConnectStopped, false}} {
		var timeout interface{ Timeout() bool }
		err := &protocol.ConnectError{Addr: "localhost:10000", Err: test.cause}
		if got := errors.As(err, &timeout) && timeout.Timeout(); got != test.want {
			t.Errorf("%v: Timeout is %t, want %t", err, got, test.want)
		}
	}
}
