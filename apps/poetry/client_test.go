package poetry_test

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"skein/apps/poetry"
	"skein/deferred"
	"skein/deferred/clock"
	"skein/deferred/deferredtest"
	"skein/protocol"
	"skein/protocol/protocoltest"
)

// fetch is a client of which the test plays the loop and the server.
type fetch struct {
	*poetry.ClientFactory
	protocol.Protocol
	transport *protocoltest.StringTransport
	clock     *clock.Fake
	connector *connector
}

// newFetch begins to fetch, without a connection so far.
func newFetch(t *testing.T, o poetry.Options) *fetch {
	f := &fetch{clock: clock.NewFake(), transport: &protocoltest.StringTransport{TB: t}, connector: &connector{}}
	f.ClientFactory = poetry.NewClientFactory(f.clock, o)
	f.StartedConnecting(f.connector)
	return f
}

// connect gives it a connection.
func (f *fetch) connect() {
	f.Protocol = f.BuildProtocol(nil)
	f.MakeConnection(f.transport)
	f.ConnectionMade()
}

// connector is a connector that notes what it is asked for.
type connector struct {
	protocol.Connector
	disconnected bool
}

func (c *connector) Destination() string { return "example:10000" }
func (c *connector) Disconnect()         { c.disconnected = true }

// fails checks the error that the Deferred has failed with.
func (f *fetch) fails(t *testing.T, bytes int, cause error, text string) {
	t.Helper()
	err := deferredtest.ErrorResultOf(t, f.Poem())
	var fe *poetry.FetchError
	if !errors.As(err, &fe) || fe.Addr != "example:10000" || fe.Bytes != bytes {
		t.Errorf("the error is %#v, want a FetchError about %d bytes", err, bytes)
	}
	if !errors.Is(err, cause) {
		t.Errorf("%v is not found in %v", cause, err)
	}
	if !strings.HasPrefix(err.Error(), text) {
		t.Errorf("the text is %q, want it to begin with %q", err, text)
	}
	if n := f.clock.Pending(); n != 0 {
		t.Errorf("%d timers are left", n)
	}
}

func TestClientCollectsThePoem(t *testing.T) {
	var pieces []string
	f := newFetch(t, poetry.Options{OnData: func(p []byte) { pieces = append(pieces, string(p)) }})
	f.connect()
	buf := []byte("one, ")
	f.DataReceived(buf)
	copy(buf, "#####") // the loop uses its buffer again
	f.DataReceived([]byte("two"))
	deferredtest.NoResult(t, f.Poem())
	f.ConnectionLost(protocol.ErrConnectionDone)

	if got := deferredtest.ResultOf[[]byte](t, f.Poem()); string(got) != "one, two" {
		t.Errorf("the poem is %q", got)
	}
	if fmt.Sprint(pieces) != "[one,  two]" {
		t.Errorf("OnData saw %q", pieces)
	}
	if n := f.clock.Pending(); n != 0 {
		t.Errorf("%d timers are left", n)
	}
}

func TestClientTakesNoPartForThePoem(t *testing.T) {
	cause := syscall.ECONNRESET
	tests := []struct {
		name   string
		data   string
		reason error
		cause  error
		text   string
	}{
		{
			"reset", "half", protocol.CloseReason(protocol.ErrConnectionLost, cause), cause,
			"the poem from example:10000 was cut after 4 bytes: connection was lost",
		},
		{
			"lost", "half", protocol.ErrConnectionLost, protocol.ErrConnectionLost,
			"the poem from example:10000 was cut after 4 bytes: connection was lost",
		},
		{
			"aborted", "half", protocol.ErrConnectionAborted, protocol.ErrConnectionAborted,
			"the poem from example:10000 was cut after 4 bytes: connection was aborted",
		},
		{
			"another reason", "half", cause, cause,
			"the poem from example:10000 was cut after 4 bytes: " + cause.Error(),
		},
		{
			"reset before the first byte", "", protocol.CloseReason(protocol.ErrConnectionLost, cause), cause,
			"no poem from example:10000: connection was lost",
		},
		{
			"empty", "", protocol.ErrConnectionDone, poetry.ErrNoBytes,
			"no poem from example:10000: the server closed the connection without sending a byte",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFetch(t, poetry.Options{})
			f.connect()
			if test.data != "" {
				f.DataReceived([]byte(test.data))
			}
			f.ConnectionLost(test.reason)
			f.fails(t, len(test.data), test.cause, test.text)
		})
	}
}

func TestClientWithoutConnection(t *testing.T) {
	f := newFetch(t, poetry.Options{})
	f.ClientConnectionFailed(f.connector, &protocol.ConnectError{Addr: "example:10000", Err: syscall.ECONNREFUSED})
	f.fails(t, 0, syscall.ECONNREFUSED, "no poem from example:10000: "+syscall.ECONNREFUSED.Error())
}

func TestClientGivesUpAServerThatFallsSilent(t *testing.T) {
	tests := []struct {
		name string
		o    poetry.Options
		idle time.Duration
	}{
		{"default", poetry.Options{}, 30 * time.Second},
		{"chosen", poetry.Options{IdleTimeout: time.Minute}, time.Minute},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFetch(t, test.o)
			f.connect()
			f.clock.Advance(test.idle - 1)
			f.DataReceived([]byte("half"))
			f.clock.Advance(test.idle - 1) // each byte starts the time anew
			if f.transport.Aborted() {
				t.Fatal("aborted too early")
			}
			f.clock.Advance(1)
			if !f.transport.Aborted() {
				t.Fatal("not aborted")
			}
			f.ConnectionLost(protocol.CloseReason(protocol.ErrConnectionAborted, f.transport.Cause()))
			f.fails(t, 4, deferred.ErrTimeout, "the poem from example:10000 was cut after 4 bytes: connection was aborted: no bytes for ")
		})
	}
}

func TestClientWithoutIdleTimeoutWaits(t *testing.T) {
	f := newFetch(t, poetry.Options{IdleTimeout: -1})
	f.connect()
	f.clock.Advance(100 * 365 * 24 * time.Hour)
	if f.transport.Aborted() {
		t.Error("aborted")
	}
}

func TestClientRefusesAPoemWithoutEnd(t *testing.T) {
	f := newFetch(t, poetry.Options{MaxBytes: 6})
	f.connect()
	f.DataReceived([]byte("sixsix"))
	if f.transport.Aborted() {
		t.Fatal("aborted at the limit")
	}
	f.DataReceived([]byte("7"))
	if !f.transport.Aborted() {
		t.Fatal("not aborted above the limit")
	}
	f.ConnectionLost(protocol.CloseReason(protocol.ErrConnectionAborted, f.transport.Cause()))
	f.fails(t, 6, poetry.ErrTooLong, "the poem from example:10000 was cut after 6 bytes: connection was aborted: the poem is longer than the limit of 6 bytes")
}

func TestClientCancelled(t *testing.T) {
	t.Run("while connecting", func(t *testing.T) {
		f := newFetch(t, poetry.Options{})
		f.Poem().Cancel()
		if !f.connector.disconnected {
			t.Error("the connector was not told")
		}
		f.ClientConnectionFailed(f.connector, protocol.ErrConnectStopped) // too late to matter
		f.fails(t, 0, deferred.ErrCancelled, "no poem from example:10000: ")
	})
	t.Run("with half a poem", func(t *testing.T) {
		f := newFetch(t, poetry.Options{})
		f.connect()
		f.DataReceived([]byte("half"))
		f.Poem().Cancel()
		if !f.transport.Aborted() {
			t.Error("the connection was not aborted")
		}
		f.ConnectionLost(protocol.ErrConnectionAborted)
		f.fails(t, 4, deferred.ErrCancelled, "the poem from example:10000 was cut after 4 bytes: ")
	})
	t.Run("before a connection that comes all the same", func(t *testing.T) {
		f := newFetch(t, poetry.Options{})
		f.Poem().Cancel()
		if p := f.BuildProtocol(nil); p != nil {
			t.Errorf("it built %v for nobody", p)
		}
		f.fails(t, 0, deferred.ErrCancelled, "no poem")
	})
	t.Run("by a timeout over all", func(t *testing.T) {
		f := newFetch(t, poetry.Options{})
		d := f.Poem().AddTimeout(time.Second, f.clock)
		f.connect()
		f.clock.Advance(time.Second)
		if !f.transport.Aborted() {
			t.Error("the connection was not aborted")
		}
		if err := deferredtest.ErrorResultOf(t, d); !errors.Is(err, deferred.ErrTimeout) {
			t.Errorf("the error is %v", err)
		}
	})
}

func TestIdleErrorIsATimeout(t *testing.T) {
	var err error = &poetry.IdleError{After: time.Second}
	var timeout interface{ Timeout() bool }
	if !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Error("it does not say so to net.Error's users")
	}
	if errors.Is(err, deferred.ErrCancelled) {
		t.Error("it is a cancellation")
	}
}

// A connector that connects again gets a protocol that has nothing of the one
// before, which is the factory's own and may still be in use.
func TestTheNextConnectionBeginsANewPoem(t *testing.T) {
	f := newFetch(t, poetry.Options{})
	f.connect()
	first := f.Protocol
	f.DataReceived([]byte("half a po"))
	f.connect()
	if f.Protocol == first {
		t.Fatal("two connections have one protocol")
	}
	f.DataReceived([]byte("a poem"))
	first.DataReceived([]byte("em"))
	f.ConnectionLost(protocol.ErrConnectionDone)
	if got := deferredtest.SuccessResultOf(t, f.Poem()); string(got.([]byte)) != "a poem" {
		t.Errorf("the poem is %q", got)
	}
	first.ConnectionLost(protocol.ErrConnectionDone)
	if n := f.clock.Pending(); n != 0 {
		t.Errorf("%d timers are left", n)
	}
}
