package protocol

import (
	"net"
	"net/netip"

	"skein/deferred"
)

// DatagramProtocol is the behaviour of one UDP socket. A loop calls its methods
// on its own goroutine: MakeConnection, StartProtocol, any number of
// DatagramReceived and ConnectionRefused, StopProtocol. A panic in a method is
// logged with its stack and costs that one datagram.
//
// Embed [DatagramBase] and write DatagramReceived.
//
// Twisted: protocol.DatagramProtocol, AbstractDatagramProtocol.
type DatagramProtocol interface {
	// MakeConnection hands over the transport, before StartProtocol.
	MakeConnection(t DatagramTransport)
	// StartProtocol says that the socket is bound.
	StartProtocol()
	// DatagramReceived delivers one datagram, whole; it may be empty. The slice
	// belongs to the loop and is overwritten after the call returns.
	DatagramReceived(data []byte, from netip.AddrPort)
	// ConnectionRefused says that nobody listens at the peer of a connected
	// socket. Datagrams may still be sent.
	ConnectionRefused()
	// StopProtocol says that the socket is closed. No other call follows.
	StopProtocol()
}

// DatagramBase keeps the transport and answers every call of [DatagramProtocol]
// but DatagramReceived. Embed it.
//
// Twisted: protocol.DatagramProtocol.
type DatagramBase struct {
	// Transport is the socket, set by MakeConnection.
	Transport DatagramTransport
}

// MakeConnection keeps the transport.
func (b *DatagramBase) MakeConnection(t DatagramTransport) { b.Transport = t }

// StartProtocol does nothing.
func (b *DatagramBase) StartProtocol() {}

// ConnectionRefused does nothing.
func (b *DatagramBase) ConnectionRefused() {}

// StopProtocol does nothing.
func (b *DatagramBase) StopProtocol() {}

// DatagramTransport is a protocol's UDP socket. Its methods never block and
// belong to the loop's goroutine. UDP promises nothing: a datagram may be lost,
// doubled, or come late.
//
// Twisted: IUDPTransport.
type DatagramTransport interface {
	// Write sends p as one datagram to the peer that Connect has named, now, and
	// keeps no reference to it. It never waits: the error is the system's, such
	// as EMSGSIZE for more than 65,507 bytes, EAGAIN if the system's queue is
	// full, EDESTADDRREQ without Connect; an error that is net.ErrClosed after
	// the end.
	Write(p []byte) (int, error)

	// WriteTo is Write to any address.
	WriteTo(p []byte, to netip.AddrPort) (int, error)

	// Connect makes to the one peer: datagrams from others are not delivered any
	// more, and ConnectionRefused tells if nobody listens there.
	Connect(to netip.AddrPort) error

	// LocalAddr returns the address that the socket is bound to.
	LocalAddr() net.Addr

	// PauseProducing stops DatagramReceived; what comes meanwhile waits in the
	// system's buffer, and is dropped when that is full.
	PauseProducing()

	// ResumeProducing lets DatagramReceived come again, never from inside this
	// call.
	ResumeProducing()

	// StopListening closes the socket. The Deferred fires with nil after
	// StopProtocol. Calling it again is no error.
	StopListening() *deferred.Deferred
}
