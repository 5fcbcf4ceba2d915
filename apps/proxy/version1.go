package proxy

import (
	"net"

	"skein/deferred"
	"skein/protocol"
)

// ProxyService1 is the tutorial's first proxy: its GetPoem returns sometimes a
// poem and sometimes a Deferred. Read it, and use [Service].
//
// Twisted: ProxyService of twisted-server-2/poetry-proxy.py.
type ProxyService1 struct {
	// Fetch fetches the poem from its server.
	Fetch Fetch

	poem []byte // nil until the first fetch has ended
}

// GetPoem returns the poem, a []byte, if it is there; else a *Deferred that
// fires with it. So whoever calls it has to look, or to use
// [deferred.MaybeDeferred], which looks for them.
func (s *ProxyService1) GetPoem() (any, error) {
	if s.poem != nil {
		return s.poem, nil
	}
	// Every client that comes before the first fetch has ended starts another
	// one: this is what Service's waiters are for.
	return deferred.Tap(s.Fetch(), s.keep), nil
}

// keep has the next client served at once.
func (s *ProxyService1) keep(poem []byte) error {
	s.poem = poem
	return nil
}

// Factory returns the server in front of the service.
//
// Twisted: PoetryProxyFactory of twisted-server-2/poetry-proxy.py.
func (s *ProxyService1) Factory() protocol.Factory {
	return protocol.FactoryFunc(func(net.Addr) protocol.Protocol {
		return &tutorialProtocol{getPoem: func() *deferred.Deferred { return deferred.MaybeDeferred(s.GetPoem) }}
	})
}

// tutorialProtocol serves one client of either version.
//
// Twisted: PoetryProxyProtocol.
type tutorialProtocol struct {
	protocol.Base
	getPoem func() *deferred.Deferred
}

// ConnectionMade sends the poem once it is there, and ends the connection
// whatever has happened: a client for which there is no poem gets no bytes and
// a clean end. [Protocol] knows better.
func (p *tutorialProtocol) ConnectionMade() {
	d := p.getPoem()
	deferred.Then(d, p.Transport.Write)
	d.AddBoth(func(any, error) (any, error) {
		p.Transport.LoseConnection()
		return nil, nil
	})
}

// DataReceived ignores what the client says.
func (p *tutorialProtocol) DataReceived([]byte) {}
