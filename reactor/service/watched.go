package service

import (
	"fmt"
	"net"

	"skein/protocol"
)

// dialer is the client factory of a [TCPClient]: it tells the client of all that
// happens to its connector.
type dialer struct{ c *TCPClient }

// StartFactory passes the call on.
func (d *dialer) StartFactory() {
	if s, ok := d.c.Factory.(protocol.StartStopper); ok {
		s.StartFactory()
	}
}

// StopFactory passes the call on.
func (d *dialer) StopFactory() {
	if s, ok := d.c.Factory.(protocol.StartStopper); ok {
		s.StopFactory()
	}
}

// StartedConnecting needs no answer.
func (d *dialer) StartedConnecting(protocol.Connector) {}

// BuildProtocol makes a protocol that the client can watch.
func (d *dialer) BuildProtocol(addr net.Addr) protocol.Protocol {
	p := d.c.Factory.BuildProtocol(addr)
	if p == nil {
		d.c.cause = ErrRefused // else it would look like a clean end
		return nil
	}
	d.c.link = &link{Protocol: p, c: d.c}
	return d.c.link
}

// ClientConnectionFailed counts the failure.
func (d *dialer) ClientConnectionFailed(_ protocol.Connector, reason error) {
	d.c.failed(reason, false)
}

// ClientConnectionLost counts the end.
func (d *dialer) ClientConnectionLost(_ protocol.Connector, reason error) {
	good := d.c.ready
	d.c.ready = false
	d.c.failed(reason, good)
}

// link is a connection's protocol, with an eye on its first call and its last.
// Data passes it by one call more; the transport is the protocol's own.
//
// Twisted: internet._RestartableProtocolProxy.
type link struct {
	protocol.Protocol
	c         *TCPClient
	transport protocol.Transport
}

// MakeConnection keeps the transport, to abort it.
func (l *link) MakeConnection(t protocol.Transport) {
	l.transport = t
	l.Protocol.MakeConnection(t)
}

// ConnectionMade tells the protocol, and then the client.
func (l *link) ConnectionMade() {
	l.Protocol.ConnectionMade()
	l.c.made(l)
}

// ConnectionLost tells the client, and then the protocol.
func (l *link) ConnectionLost(reason error) {
	l.c.lost()
	l.Protocol.ConnectionLost(reason)
}

// TakesHalfClose reports whether the protocol can take a half-close.
func (l *link) TakesHalfClose() bool {
	_, ok := protocol.AsHalfCloser(l.Protocol)
	return ok
}

// ReadConnectionLost passes the call on: TakesHalfClose has said that it can be.
func (l *link) ReadConnectionLost() { l.Protocol.(protocol.HalfCloser).ReadConnectionLost() }

// WriteConnectionLost passes the call on to a protocol that can take it.
func (l *link) WriteConnectionLost() {
	if h, ok := l.Protocol.(protocol.HalfCloser); ok {
		h.WriteConnectionLost()
	}
}

// LogPrefix names the protocol in the log.
func (l *link) LogPrefix() string {
	if p, ok := l.Protocol.(protocol.LogPrefixer); ok {
		return p.LogPrefix()
	}
	return fmt.Sprintf("%T", l.Protocol)
}
