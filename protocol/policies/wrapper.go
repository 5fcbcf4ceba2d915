package policies

import (
	"fmt"
	"net"

	"skein/protocol"
)

// ProtocolWrapper is a protocol below and a transport above: it forwards every
// call in both directions. Embed it, write the methods that are to differ, and
// let a [WrappingFactory] or [Wrap] put it around a protocol:
//
//	type counter struct {
//		policies.ProtocolWrapper
//		read int
//	}
//
//	func (c *counter) DataReceived(data []byte) {
//		c.read += len(data)
//		c.ProtocolWrapper.DataReceived(data)
//	}
//
// Who changes Write changes WriteSequence and WriteShared too: none of the
// three calls another.
//
// Twisted: policies.ProtocolWrapper.
type ProtocolWrapper struct {
	// Transport is the one below, from MakeConnection on.
	protocol.Transport

	wrapped protocol.Protocol
	self    Wrapper // the type that embeds this one
}

// Wrapper is a type that embeds [ProtocolWrapper]: no other can be one.
type Wrapper interface {
	protocol.Protocol
	protocol.Transport
	// wrapper seals the interface.
	wrapper() *ProtocolWrapper
}

// Wrap puts w around p and returns what the loop is to drive: a
// [protocol.HalfCloser] if and only if p is one. A nil p, a factory's refusal,
// stays nil.
func Wrap(w Wrapper, p protocol.Protocol) protocol.Protocol {
	if p == nil {
		return nil
	}
	base := w.wrapper()
	base.wrapped, base.self = p, w
	if _, ok := p.(protocol.HalfCloser); ok {
		return w
	}
	return plain{w}
}

// plain hides that a wrapper could pass on a half-close: the protocol in it
// could not take one.
type plain struct{ protocol.Protocol }

// LogPrefix names the protocol inside.
func (p plain) LogPrefix() string { return logName(p.Protocol) }

// logName returns the name by which the log is to know a protocol.
func logName(p protocol.Protocol) string {
	if l, ok := p.(protocol.LogPrefixer); ok {
		return l.LogPrefix()
	}
	return fmt.Sprintf("%T", p)
}

func (w *ProtocolWrapper) wrapper() *ProtocolWrapper { return w }

// Wrapped returns the protocol inside.
//
// Twisted: ProtocolWrapper.wrappedProtocol.
func (w *ProtocolWrapper) Wrapped() protocol.Protocol { return w.wrapped }

// LogPrefix names the protocol inside, in the log of the loop.
//
// Twisted: ProtocolWrapper.logPrefix, which adds the wrapper's own name.
func (w *ProtocolWrapper) LogPrefix() string { return logName(w.wrapped) }

// MakeConnection keeps the transport and shows the wrapper to the protocol as
// its own.
func (w *ProtocolWrapper) MakeConnection(t protocol.Transport) {
	w.Transport = t
	w.wrapped.MakeConnection(w.shown())
}

// shown is the wrapper as the protocol sees it: with the optional powers of the
// transport below, no more and no less.
func (w *ProtocolWrapper) shown() protocol.Transport {
	if _, ok := w.self.(protocol.TCPOptions); ok {
		return w.self
	}
	if o, ok := w.Transport.(protocol.TCPOptions); ok {
		return &tcpWrapper{w.self, o}
	}
	return w.self
}

// tcpWrapper is a wrapper of a TCP connection.
type tcpWrapper struct {
	Wrapper
	protocol.TCPOptions
}

// ConnectionMade passes the call on.
func (w *ProtocolWrapper) ConnectionMade() { w.wrapped.ConnectionMade() }

// DataReceived passes the call on; the slice stays the loop's. A wrapper that has closed
// the connection does not call it.
func (w *ProtocolWrapper) DataReceived(data []byte) { w.wrapped.DataReceived(data) }

// ConnectionLost passes the call on.
func (w *ProtocolWrapper) ConnectionLost(reason error) { w.wrapped.ConnectionLost(reason) }

// ReadConnectionLost passes the call on to a protocol that can take it; for any
// other the connection is closed, as the loop would.
//
// Twisted: endpoints._WrappingProtocol.readConnectionLost.
func (w *ProtocolWrapper) ReadConnectionLost() {
	if h, ok := w.wrapped.(protocol.HalfCloser); ok {
		h.ReadConnectionLost()
		return
	}
	w.self.LoseConnection()
}

// TakesHalfClose reports whether the wrapped protocol can take a half-close.
func (w *ProtocolWrapper) TakesHalfClose() bool {
	_, ok := protocol.AsHalfCloser(w.wrapped)
	return ok
}

// WriteConnectionLost passes the call on to a protocol that can take it.
//
// Twisted: endpoints._WrappingProtocol.writeConnectionLost.
func (w *ProtocolWrapper) WriteConnectionLost() {
	if h, ok := w.wrapped.(protocol.HalfCloser); ok {
		h.WriteConnectionLost()
	}
}

// WrappingFactory puts a wrapper around each protocol of a factory. A refusal
// of the factory passes through.
//
// Twisted: policies.WrappingFactory, which wraps the refusal as well.
type WrappingFactory struct {
	protocol.Factory

	// Wrap makes the wrapper of one connection, before Factory makes the
	// protocol to put in; nil refuses the connection without asking Factory.
	Wrap func(addr net.Addr) Wrapper
}

// BuildProtocol makes the wrapper and what is in it.
func (f *WrappingFactory) BuildProtocol(addr net.Addr) protocol.Protocol {
	w := f.Wrap(addr)
	if w == nil {
		return nil
	}
	return Wrap(w, f.Factory.BuildProtocol(addr))
}
