package servers

import (
	"net"

	"github.com/rs/zerolog"

	"skein/apps/poetry"
	"skein/apps/proxy"
	"skein/apps/transform"
	"skein/protocol"
	"skein/reactor"
)

// skeinServer serves with the reactor as its users have it: the applications
// that it comes with, every limit and timeout at its default. Only the log is
// off, as it is in the other servers.
type skeinServer struct {
	loop *reactor.Reactor
	port *reactor.Port
}

// listenSkein makes a server on the reactor.
func listenSkein(o options) (server, error) {
	r, err := reactor.New(
		reactor.WithLogger(zerolog.Nop()),
		reactor.WithoutSignals(),
		reactor.WithShutdownGrace(0)) // nobody is left to wait for
	if err != nil {
		return nil, err
	}
	var listen []reactor.ListenOption
	if o.shared {
		listen = append(listen, reactor.ReusePort())
	}
	port, err := r.ListenTCP(o.addr, skeinWork(r, o), listen...)
	if err != nil {
		_ = r.Close() // it has nothing open
		return nil, err
	}
	return &skeinServer{r, port}, nil
}

// address is where it listens.
func (s *skeinServer) address() string { return s.port.Addr().String() }

// serve is the loop.
func (s *skeinServer) serve() error { return s.loop.Run() }

// stop ends it.
func (s *skeinServer) stop() {
	s.loop.CallFromThread(func() { _ = s.loop.Stop() }) // it runs: nobody else stops it
}

// skeinWork returns the factory of a work's protocols.
func skeinWork(r *reactor.Reactor, o options) protocol.Factory {
	switch o.work {
	case workEcho:
		return protocol.FactoryFunc(func(net.Addr) protocol.Protocol { return new(skeinEcho) })
	case workPoem:
		return &poetry.Factory{Poem: poetry.Poem{Title: "a poem", Text: text(o.poem)}}
	case workTransform, workOnce:
		service := &transform.Service{Clock: r}
		return &transform.Factory{Server: &transform.Server{
			Permitted: service.Table(), Direct: service.Direct(), Clock: r, Pipeline: o.work == workTransform,
		}}
	case workStream:
		piece := newPiece()
		return protocol.FactoryFunc(func(net.Addr) protocol.Protocol { return &skeinStream{piece: piece, left: o.stream} })
	case workProxy:
		origins := map[string]proxy.Fetch{o.origin: proxy.FetchFrom(r, o.origin, poetry.Options{})}
		return &proxy.Factory{Service: proxy.NewService(r, origins, proxy.Options{}), Origin: o.origin}
	}
	fetch := proxy.FetchFrom(r, o.origin, poetry.Options{})
	return protocol.FactoryFunc(func(net.Addr) protocol.Protocol { return &skeinRelay{fetch: fetch} })
}
