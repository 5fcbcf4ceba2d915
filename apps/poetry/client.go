package poetry

import (
	"errors"
	"fmt"
	"math"
	"net"
	"time"

	"skein/deferred"
	"skein/deferred/clock"
	"skein/protocol"
	"skein/reactor"
)

// The defaults of [Options].
const (
	DefaultTimeout  = 30 * time.Second
	DefaultMaxBytes = 1 << 30
)

// Options are the limits of one fetch. The zero value has the defaults.
type Options struct {
	// ConnectTimeout is how long connecting may take, name lookup included; 0:
	// [DefaultTimeout]; below 0: as long as it likes.
	ConnectTimeout time.Duration
	// IdleTimeout is for how long a server may send nothing before the fetch is
	// aborted; 0: [DefaultTimeout]; below 0: for ever.
	IdleTimeout time.Duration
	// MaxBytes is the length of the longest poem; 0: [DefaultMaxBytes].
	MaxBytes int
	// OnData, if set, sees each piece as it comes. The slice is the loop's, and
	// is overwritten after the call.
	OnData func(piece []byte)
}

// GetPoem fetches the poem of the server at addr, "host:port". It returns a
// Deferred that fires with the poem, a []byte that is the receiver's, or fails
// with a [*FetchError]. Cancelling it resets the connection.
//
// Twisted: get_poetry of the clients 4.0 to 8.0.
func GetPoem(r *reactor.Reactor, addr string, o Options) *deferred.Deferred {
	f := NewClientFactory(r, o)
	f.connector = r.ConnectTCP(addr, f, reactor.ConnectTimeout(limit(o.ConnectTimeout)))
	return f.Poem()
}

// limit returns a time limit with its default.
func limit(d time.Duration) time.Duration {
	switch {
	case d == 0:
		return DefaultTimeout
	case d < 0:
		return math.MaxInt64
	}
	return d
}

// ClientFactory is the client side of one fetch: one connection, one poem. Use
// it where [GetPoem] does not fit, with a UNIX socket for example.
//
// Twisted: PoetryClientFactory of twisted-client-4/get-poetry.py.
type ClientFactory struct {
	protocol.ClientFactoryBase
	opts  Options
	clock clock.Scheduler
	poem  *deferred.Deferred

	connector protocol.Connector // nil until the first attempt
	conn      *ClientProtocol    // nil until there is a connection
	first     ClientProtocol     // most fetches need no other, so it is no object of its own
}

// NewClientFactory returns a factory for one fetch, whose idle timeout runs on
// c.
func NewClientFactory(c clock.Scheduler, o Options) *ClientFactory {
	if o.MaxBytes == 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	o.IdleTimeout = limit(o.IdleTimeout)
	f := &ClientFactory{opts: o, clock: c}
	f.poem = deferred.NewCancellable(f.cancel)
	return f
}

// Poem returns the Deferred that fires with the poem, always the same.
func (f *ClientFactory) Poem() *deferred.Deferred { return f.poem }

// cancel stops what is under way. The error that the Deferred fails with tells
// how far the poem had come.
func (f *ClientFactory) cancel(*deferred.Deferred) {
	switch {
	case f.conn != nil:
		f.conn.Transport.AbortConnectionCause(deferred.ErrCancelled)
	case f.connector != nil:
		f.connector.Disconnect()
	}
	f.finish(nil, deferred.ErrCancelled)
}

// StartedConnecting notes the connector.
func (f *ClientFactory) StartedConnecting(c protocol.Connector) { f.connector = c }

// BuildProtocol returns a [*ClientProtocol]; nil, which closes the connection,
// if nobody waits for a poem any more.
func (f *ClientFactory) BuildProtocol(net.Addr) protocol.Protocol {
	if f.poem.Called() {
		return nil
	}
	f.conn = &f.first
	if f.conn.factory != nil { // in use: the connector has connected again
		f.conn = new(ClientProtocol)
	}
	f.conn.factory = f
	return f.conn
}

// ClientConnectionFailed ends the fetch: there is no connection.
func (f *ClientFactory) ClientConnectionFailed(_ protocol.Connector, reason error) {
	f.finish(nil, reason)
}

// finish fires the Deferred, unless that has been done.
func (f *ClientFactory) finish(poem []byte, err error) {
	switch {
	case f.poem.Called():
	case err == nil:
		f.poem.Callback(poem)
	default:
		f.poem.Errback(f.fetchError(err))
	}
}

// fetchError returns the error with what is known about the fetch.
func (f *ClientFactory) fetchError(err error) *FetchError {
	e := &FetchError{Err: err}
	if f.connector != nil {
		e.Addr = f.connector.Destination()
	}
	if f.conn != nil {
		e.Bytes = len(f.conn.poem)
	}
	return e
}

// ClientProtocol collects one poem.
//
// Twisted: PoetryProtocol of twisted-client-4/get-poetry.py.
type ClientProtocol struct {
	protocol.Base
	factory *ClientFactory
	poem    []byte
	idle    *clock.DelayedCall
}

// ConnectionMade starts the idle timeout.
func (p *ClientProtocol) ConnectionMade() {
	f := p.factory
	p.idle = f.clock.CallLater(f.opts.IdleTimeout, p.timedOut)
}

// timedOut ends the connection of a server that has been silent for too long.
func (p *ClientProtocol) timedOut() {
	p.Transport.AbortConnectionCause(&IdleError{After: p.factory.opts.IdleTimeout})
}

// DataReceived keeps a copy of the piece and starts the idle timeout anew.
func (p *ClientProtocol) DataReceived(data []byte) {
	o := &p.factory.opts
	if len(data) > o.MaxBytes-len(p.poem) {
		p.Transport.AbortConnectionCause(fmt.Errorf("%w of %d bytes", ErrTooLong, o.MaxBytes))
		return
	}
	p.poem = append(p.poem, data...)
	_ = p.idle.Reset(o.IdleTimeout) // it is pending: once it has run, no data comes
	if o.OnData != nil {
		o.OnData(data)
	}
}

// ConnectionLost ends the fetch. Only a clean end is the end of the poem.
func (p *ClientProtocol) ConnectionLost(reason error) {
	if p.idle.Active() {
		_ = p.idle.Cancel()
	}
	switch {
	case !errors.Is(reason, protocol.ErrConnectionDone):
		p.factory.finish(nil, reason)
	case len(p.poem) == 0:
		p.factory.finish(nil, ErrNoBytes)
	default:
		p.factory.finish(p.poem, nil)
	}
}
