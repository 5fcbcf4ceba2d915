package runner

import (
	"net"
	"path/filepath"

	"github.com/rs/zerolog"

	"skein/deferred"
	"skein/protocol"
	"skein/reactor"
	"skein/reactor/service"
)

// Ports is a service of ports that are opened and closed together, and say so in
// the log: when all of them accept, and when all are closed.
type Ports struct {
	service.MultiService

	// Log is where they say it.
	Log zerolog.Logger

	ports []*announced
}

// announced is a port with what it says.
type announced struct {
	where func() net.Addr // while it is open
	open  func(line *zerolog.Event, at net.Addr)
	said  net.Addr // where it has said that it is, until it has said that it is closed
}

// Opened writes the line for a port that accepts: its fields and its message.
type Opened func(line *zerolog.Event, at net.Addr)

// TCP adds a port at "host:port".
func (p *Ports) TCP(addr string, f protocol.Factory, opened Opened, opts ...reactor.ListenOption) {
	s := &service.TCPServer{Addr: addr, Factory: f, Options: opts}
	p.add(s, func() net.Addr { return s.Port().Addr() }, opened)
}

// UNIX adds a UNIX socket at a path.
func (p *Ports) UNIX(path string, f protocol.Factory, opened Opened, opts ...reactor.ListenOption) {
	s := &service.UNIXServer{Path: path, Factory: f, Options: opts}
	p.add(s, func() net.Addr { return s.Port().Addr() }, opened)
}

// UDP adds a UDP socket at "host:port".
func (p *Ports) UDP(addr string, d protocol.DatagramProtocol, opened Opened) {
	s := &service.UDPServer{Addr: addr, Protocol: d}
	p.add(s, func() net.Addr { return s.Port().Addr() }, opened)
}

// add adds a service that listens. It is new, has no name, and nothing runs yet:
// there is no error.
func (p *Ports) add(s service.Service, where func() net.Addr, opened Opened) {
	if p.Running() {
		panic("runner: a port was added to Ports that run: add it before they start")
	}
	_ = p.AddService(s)
	p.ports = append(p.ports, &announced{where: where, open: opened})
}

// StartService lets clients in, and says where.
func (p *Ports) StartService() error {
	if err := p.MultiService.StartService(); err != nil {
		return err
	}
	for _, a := range p.ports {
		a.said = a.where()
		a.open(p.Log.Info(), a.said)
	}
	return nil
}

// StopService closes the ports, and says so when they are closed.
func (p *Ports) StopService() *deferred.Deferred {
	return p.MultiService.StopService().AddBoth(func(_ any, err error) (any, error) {
		for _, a := range p.ports {
			if a.said == nil {
				continue
			}
			p.Log.Info().Msgf("(Port %s Closed)", number(a.said))
			a.said = nil
		}
		return nil, err
	})
}

// number returns what an address is called for short: its port, or the name of
// its socket.
func number(at net.Addr) string {
	if _, port, err := net.SplitHostPort(at.String()); err == nil {
		return port
	}
	return filepath.Base(at.String())
}
