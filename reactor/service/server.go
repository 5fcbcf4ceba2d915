package service

import (
	"skein/deferred"
	"skein/protocol"
	"skein/reactor"
)

// TCPServer is a port that listens as long as the service runs. It is bound when
// the service is prepared, so a low port needs privileges no longer than that,
// and accepts when the service is started: clients that come in between wait in
// the kernel's queue. Stopping closes the port; connections live on, until their
// protocols close them or the reactor stops.
//
// Twisted: internet.TCPServer.
type TCPServer struct {
	Base

	// Reactor is the loop; nil: the application's.
	Reactor *reactor.Reactor
	// Addr is the "host:port" to listen on, as in [reactor.Reactor.ListenTCP].
	Addr string
	// Factory makes a protocol for each connection.
	Factory protocol.Factory
	// Options are the port's.
	Options []reactor.ListenOption
	// Listening is told of the port each time that it begins to accept, if not
	// nil; it need not be asked for an address before that.
	Listening func(p *reactor.Port)

	socket listener
}

// Port returns the port, or nil if it is not bound.
func (t *TCPServer) Port() *reactor.Port { return t.socket.port }

// PrivilegedStartService binds the port. [PrivilegedStart] calls it.
func (t *TCPServer) PrivilegedStartService() error {
	return t.socket.bind(t, t.Reactor, func(r *reactor.Reactor) (*reactor.Port, error) {
		return r.ListenTCP(t.Addr, t.Factory, t.Options...)
	})
}

// StartService accepts connections. [Start] calls it.
func (t *TCPServer) StartService() error {
	t.socket.accept(t.Listening)
	return nil
}

// StopService closes the port. [Stop] calls it.
func (t *TCPServer) StopService() *deferred.Deferred { return t.socket.stop() }

// UNIXServer is a UNIX socket that listens as long as the service runs. All else
// is as with a [TCPServer].
//
// Twisted: internet.UNIXServer.
type UNIXServer struct {
	Base

	// Reactor is the loop; nil: the application's.
	Reactor *reactor.Reactor
	// Path is where to listen, as in [reactor.Reactor.ListenUNIX].
	Path string
	// Factory makes a protocol for each connection.
	Factory protocol.Factory
	// Options are the port's.
	Options []reactor.ListenOption
	// Listening is told of the port each time that it begins to accept, if not
	// nil.
	Listening func(p *reactor.Port)

	socket listener
}

// Port returns the port, or nil if it is not bound.
func (u *UNIXServer) Port() *reactor.Port { return u.socket.port }

// PrivilegedStartService binds the socket. [PrivilegedStart] calls it.
func (u *UNIXServer) PrivilegedStartService() error {
	return u.socket.bind(u, u.Reactor, func(r *reactor.Reactor) (*reactor.Port, error) {
		return r.ListenUNIX(u.Path, u.Factory, u.Options...)
	})
}

// StartService accepts connections. [Start] calls it.
func (u *UNIXServer) StartService() error {
	u.socket.accept(u.Listening)
	return nil
}

// StopService closes the socket. [Stop] calls it.
func (u *UNIXServer) StopService() *deferred.Deferred { return u.socket.stop() }

// listener is what both kinds of server do with their port.
type listener struct{ port *reactor.Port }

// bind opens the port, and keeps everybody waiting.
func (l *listener) bind(s Service, own *reactor.Reactor, open func(r *reactor.Reactor) (*reactor.Port, error)) error {
	r, err := reactorFor(s, own)
	if err != nil {
		return err
	}
	p, err := open(r)
	if err != nil {
		return err
	}
	p.PauseAccepting()
	l.port = p
	return nil
}

// accept lets them in. The hook comes last: it may want the port paused, as a
// limit of connections does.
func (l *listener) accept(listening func(p *reactor.Port)) {
	l.port.ResumeAccepting()
	if listening != nil {
		listening(l.port)
	}
}

// stop closes the port.
func (l *listener) stop() *deferred.Deferred {
	p := l.port
	l.port = nil
	return p.StopListening()
}
