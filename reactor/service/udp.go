package service

import (
	"skein/deferred"
	"skein/protocol"
	"skein/reactor"
)

// UDPServer is a UDP socket that is open as long as the service runs. It is
// bound when the service is prepared: the protocol's MakeConnection and
// StartProtocol come then, and it may send. Datagrams are delivered when the
// service has been started.
//
// Twisted: internet.UDPServer.
type UDPServer struct {
	Base

	// Reactor is the loop; nil: the application's.
	Reactor *reactor.Reactor
	// Addr is the "host:port" to bind, as in [reactor.Reactor.ListenUDP].
	Addr string
	// Protocol is what the socket drives. A service that is started again begins
	// with another MakeConnection.
	Protocol protocol.DatagramProtocol
	// Options are the socket's: [reactor.ReusePort].
	Options []reactor.ListenOption

	port *reactor.DatagramPort
}

// Port returns the socket, or nil if it is not bound.
func (u *UDPServer) Port() *reactor.DatagramPort { return u.port }

// PrivilegedStartService binds the socket. [PrivilegedStart] calls it.
func (u *UDPServer) PrivilegedStartService() error {
	r, err := reactorFor(u, u.Reactor)
	if err != nil {
		return err
	}
	p, err := r.ListenUDP(u.Addr, u.Protocol, u.Options...)
	if err != nil {
		return err
	}
	p.PauseProducing()
	u.port = p
	return nil
}

// StartService delivers datagrams. [Start] calls it.
func (u *UDPServer) StartService() error {
	u.port.ResumeProducing()
	return nil
}

// StopService closes the socket. [Stop] calls it.
func (u *UDPServer) StopService() *deferred.Deferred {
	p := u.port
	u.port = nil
	return p.StopListening()
}
