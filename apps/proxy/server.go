package proxy

import (
	"errors"
	"net"
	"time"

	"github.com/rs/zerolog"

	"skein/deferred"
	"skein/protocol"
)

// Factory makes the server in front of one origin of a [Service]: each client
// gets the poem, and then the end. A client whose poem cannot be fetched gets a
// reset: this protocol has no other way to say that there is no whole poem.
//
// Twisted: PoetryProxyFactory, which ends such a connection in good order.
type Factory struct {
	// Service is where the poem comes from. Several factories may share it.
	Service *Service
	// Origin is the name of the poem's origin.
	Origin string
	// Log hears of each client: that it got the poem, and whether from the cache,
	// by a fetch of its own or by waiting for another's; or that it did not. The
	// zero value is silent.
	Log zerolog.Logger

	spare []Protocol // for the next clients: sixteen are made at a time
}

// BuildProtocol returns a [*Protocol].
func (f *Factory) BuildProtocol(net.Addr) protocol.Protocol {
	if len(f.spare) == 0 {
		f.spare = make([]Protocol, 16)
	}
	p := &f.spare[0]
	f.spare = f.spare[1:]
	p.factory = f
	return p
}

// Protocol serves one client. One that has said that it will send no more may
// still be reading, so the protocol is a [protocol.HalfCloser] and goes on. One
// that is gone no longer waits.
//
// Twisted: PoetryProxyProtocol.
type Protocol struct {
	protocol.Base
	factory *Factory

	poem  *deferred.Deferred // what the client waits for; nil: nothing
	sent  int                // in bytes
	state State              // the poem's, when the client came
	asked bool               // ConnectionMade has come
}

var _ protocol.HalfCloser = (*Protocol)(nil)

// ConnectionMade asks for the poem. One that is in the cache goes out without a
// Deferred: then a client costs this package one small object.
func (p *Protocol) ConnectionMade() {
	f := p.factory
	p.asked = true
	if poem, ok := f.Service.Cached(f.Origin); ok {
		p.state = Cached
		if _, err := p.send(poem); err != nil {
			p.Transport.AbortConnectionCause(err)
		}
		return
	}
	p.state = f.Service.State(f.Origin)
	p.poem = f.Service.GetPoem(f.Origin)
	deferred.Then(p.poem, p.send)
	p.poem.AddErrback(func(err error) (any, error) {
		p.Transport.AbortConnectionCause(err) // does nothing if the client is what is gone
		return nil, nil
	})
}

// send sends the poem, whose bytes all clients share, and the end.
func (p *Protocol) send(poem []byte) (any, error) {
	if err := p.Transport.WriteShared(poem); err != nil {
		return nil, err
	}
	p.sent = len(poem)
	p.Transport.LoseConnection()
	return nil, nil
}

// DataReceived ignores what a client says.
func (p *Protocol) DataReceived([]byte) {}

// probeAfter is the period after which a client that has closed its writing
// side, and waits, is probed.
const probeAfter = 30 * time.Second

// ReadConnectionLost goes on: the client can still read. Or it may be gone: a
// close looks the same from here, until something is sent. So the system
// probes such a client, and after a minute or two knows.
func (p *Protocol) ReadConnectionLost() {
	if tcp, ok := p.Transport.(protocol.TCPOptions); ok {
		_ = tcp.SetKeepAlive(probeAfter) // without it, the poem's end tells
	}
}

// WriteConnectionLost has nothing to do: this side does not half-close.
func (p *Protocol) WriteConnectionLost() {}

// ConnectionLost stops waiting for the poem, and tells the log.
func (p *Protocol) ConnectionLost(reason error) {
	if !p.asked {
		return // a policy around it panicked
	}
	if p.poem != nil {
		p.poem.Cancel() // does nothing if it is here
	}
	if errors.Is(reason, protocol.ErrConnectionDone) && p.sent > 0 {
		p.logServed()
		return
	}
	p.logNotServed(reason)
}
