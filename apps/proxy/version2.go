package proxy

import (
	"net"

	"skein/deferred"
	"skein/protocol"
)

// ProxyService2 is the tutorial's second proxy: its GetPoem always returns a
// Deferred, which has fired already if the poem is there. A caller need not
// know which. Read it, and use [Service].
//
// Twisted: ProxyService of twisted-server-3/poetry-proxy.py, version 2.
type ProxyService2 struct {
	// Fetch fetches the poem from its server.
	Fetch Fetch

	poem []byte // nil until the first fetch has ended
}

// GetPoem returns a Deferred that fires, or has fired, with the poem, a []byte.
func (s *ProxyService2) GetPoem() *deferred.Deferred {
	if s.poem != nil {
		return deferred.Succeed(s.poem)
	}
	return deferred.Tap(s.Fetch(), func(poem []byte) error {
		s.poem = poem
		return nil
	})
}

// Factory returns the server in front of the service.
//
// Twisted: PoetryProxyFactory of version 2.
func (s *ProxyService2) Factory() protocol.Factory {
	return protocol.FactoryFunc(func(net.Addr) protocol.Protocol {
		return &tutorialProtocol{getPoem: s.GetPoem}
	})
}
