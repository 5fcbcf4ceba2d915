package transform

import (
	"strings"
	"time"

	"skein/deferred"
	"skein/reactor"
)

// The defaults of a [Proxy].
const (
	DefaultAnswerTimeout = 10 * time.Second
	DefaultMaxAnswer     = 1 << 20
)

// Proxy stands for a transform service at the other end of a network: whoever
// has one has the service. It talks netstrings.
//
// Twisted: TransformProxy of twisted-client-6/get-poetry.py.
type Proxy struct {
	// Reactor connects, and runs the timeouts.
	Reactor *reactor.Reactor
	// Addr is the server's address, "host:port".
	Addr string

	// Timeout is how long a server may take to accept and to answer, and, where
	// several requests wait, from one answer to the next; 0:
	// [DefaultAnswerTimeout].
	Timeout time.Duration
	// MaxRequest is the length of the longest request that the server accepts, in
	// bytes; 0: [DefaultMaxRequest].
	MaxRequest int
	// MaxAnswer is the length of the longest answer to accept, in bytes; 0:
	// [DefaultMaxAnswer].
	MaxAnswer int
	// Pipeline sends all requests over one connection, without waiting for the
	// answers to earlier ones. The server must have [Server].Pipeline. Otherwise
	// each request has a connection of its own.
	Pipeline bool

	shared  *exchange            // the one connection, while there is one
	closing int                  // connections that Close has closed and that are not gone
	closed  []*deferred.Deferred // of Close, to be fired when they are
}

// Xform asks for the transformation called name of a poem, of which it keeps
// nothing. It returns a Deferred that fires with the new poem, a []byte that is
// the receiver's, or fails with an [*XformError]. Cancelling it resets the
// connection, but for one that is shared: there the answer is dropped when it
// comes.
//
// Twisted: TransformProxy.xform.
func (p *Proxy) Xform(name string, poem []byte) *deferred.Deferred {
	switch {
	case strings.Contains(name, "."):
		return deferred.Fail(p.failure(name, ErrBadName))
	case len(name)+1+len(poem) > p.maxRequest():
		return deferred.Fail(p.failure(name, ErrTooLong))
	}
	request := make([]byte, 0, len(name)+1+len(poem))
	request = append(append(append(request, name...), '.'), poem...)
	return p.exchange().ask(name, request)
}

// Close closes the shared connection; requests that wait on it fail. It returns
// a Deferred that fires with nil when the connection is gone, and those that
// earlier calls have closed. Another Xform would make a new one.
func (p *Proxy) Close() *deferred.Deferred {
	if p.shared != nil {
		p.shared.close()
	}
	if p.closing == 0 {
		return deferred.Succeed(nil)
	}
	d := deferred.New()
	p.closed = append(p.closed, d)
	return d
}

// gone notes that a connection is gone that Close has closed.
func (p *Proxy) gone() {
	if p.closing--; p.closing > 0 {
		return
	}
	closed := p.closed
	p.closed = nil
	for _, d := range closed {
		d.Callback(nil)
	}
}

// exchange returns the connection to ask on, which is new unless one is shared.
func (p *Proxy) exchange() *exchange {
	if p.shared != nil {
		return p.shared
	}
	e := &exchange{proxy: p}
	if p.Pipeline {
		p.shared = e
	}
	e.connector = p.Reactor.ConnectTCP(p.Addr, e, reactor.ConnectTimeout(p.timeout()))
	return e
}

// failure returns the error with what was asked of whom.
func (p *Proxy) failure(name string, err error) *XformError {
	return &XformError{Name: name, Addr: p.Addr, Err: err}
}

// timeout is Timeout with its default.
func (p *Proxy) timeout() time.Duration {
	if p.Timeout <= 0 {
		return DefaultAnswerTimeout
	}
	return p.Timeout
}

// maxRequest is MaxRequest with its default.
func (p *Proxy) maxRequest() int {
	if p.MaxRequest <= 0 {
		return DefaultMaxRequest
	}
	return p.MaxRequest
}

// maxAnswer is MaxAnswer with its default.
func (p *Proxy) maxAnswer() int {
	if p.MaxAnswer <= 0 {
		return DefaultMaxAnswer
	}
	return p.MaxAnswer
}
