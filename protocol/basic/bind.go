package basic

import (
	"fmt"
	"net"

	"skein/protocol"
)

// LineHandler is a type that embeds [LineReceiver] or [LineOnlyReceiver] and
// takes lines.
type LineHandler interface {
	// LineReceived takes a line, without its delimiter. The slice is valid until
	// it returns.
	//
	// Twisted: basic.LineReceiver.lineReceived.
	LineReceived(line []byte)

	lineSeal
}

// StringHandler is a type that embeds [NetstringReceiver],
// [Int8StringReceiver], [Int16StringReceiver] or [Int32StringReceiver] and
// takes strings.
type StringHandler interface {
	// StringReceived takes a string, without what frames it. The slice is valid
	// until it returns.
	//
	// Twisted: basic.NetstringReceiver.stringReceived.
	StringReceived(s []byte)

	stringSeal
}

// The seals are what a type gets by embedding a receiver, and in no other way.
type (
	lineSeal interface {
		bindLine(h LineHandler) *Receiver
	}
	stringSeal interface {
		bindString(h StringHandler) *Receiver
	}
)

var (
	_ lineSeal   = (*LineReceiver)(nil)
	_ lineSeal   = (*LineOnlyReceiver)(nil)
	_ stringSeal = (*NetstringReceiver)(nil)
	_ stringSeal = (*IntStringReceiver[uint32])(nil)
)

// MadeHandler is the optional power of a handler that wants to know when its
// connection stands: a server greets here, a client asks.
type MadeHandler interface{ ConnectionMade() }

// LostHandler is the optional power of a handler that wants to know when and
// why its connection ended. See [protocol.Protocol].
type LostHandler interface{ ConnectionLost(reason error) }

// LineFactory returns a factory whose connections are handled by what build
// returns: a new handler each time, or an untyped nil to refuse the connection.
func LineFactory(build func(addr net.Addr) LineHandler) protocol.Factory {
	return protocol.FactoryFunc(func(addr net.Addr) protocol.Protocol { return BindLine(build(addr)) })
}

// StringFactory returns a factory whose connections are handled by what build
// returns: a new handler each time, or an untyped nil to refuse the connection.
func StringFactory(build func(addr net.Addr) StringHandler) protocol.Factory {
	return protocol.FactoryFunc(func(addr net.Addr) protocol.Protocol { return BindString(build(addr)) })
}

// BindLine joins h and the receiver that it embeds to a protocol, as the
// BuildProtocol of a [protocol.ClientFactory] has to return; nil for nil. A
// handler serves one connection at a time, and may serve another after that.
func BindLine(h LineHandler) protocol.Protocol {
	if h == nil {
		return nil
	}
	return bind(h.bindLine(h))
}

// BindString joins h and the receiver that it embeds to a protocol, as the
// BuildProtocol of a [protocol.ClientFactory] has to return; nil for nil. A
// handler serves one connection at a time, and may serve another after that.
func BindString(h StringHandler) protocol.Protocol {
	if h == nil {
		return nil
	}
	return bind(h.bindString(h))
}

// bind picks the protocol that has the optional powers of r's handler. It
// panics here and not in MakeConnection, after which the end of the second
// connection would be taken for the end of the first.
func bind(r *Receiver) protocol.Protocol {
	if r.live {
		panic(errShared)
	}
	if _, ok := r.cutter.user().(protocol.HalfCloser); ok {
		return (*halfBound)(r)
	}
	return (*bound)(r)
}

// bound is a [Receiver] as a protocol: the same memory under another name,
// because a Receiver that had these methods would make every handler a
// protocol before it is bound.
type bound Receiver

// halfBound is a bound whose handler is a [protocol.HalfCloser].
type halfBound Receiver

var (
	_ protocol.Protocol   = (*bound)(nil)
	_ protocol.Protocol   = (*halfBound)(nil)
	_ protocol.HalfCloser = (*halfBound)(nil)
)

// MakeConnection keeps the transport.
func (b *bound) MakeConnection(t protocol.Transport) {
	b.live, b.Transport = true, t
	if b.paused {
		t.PauseProducing()
	}
}

// ConnectionMade passes the call on.
func (b *bound) ConnectionMade() {
	if h, ok := b.cutter.user().(MadeHandler); ok {
		h.ConnectionMade()
	}
}

// DataReceived takes the next bytes. It need not ask whether the connection is being
// closed, as one that is delivers nothing.
func (b *bound) DataReceived(data []byte) { (*Receiver)(b).run(data) }

// ConnectionLost passes the call on, and makes the receiver fit for another
// connection.
func (b *bound) ConnectionLost(reason error) {
	defer func() {
		b.in.drop()
		b.paused, b.live = false, false
		b.cutter.restart()
	}()
	if h, ok := b.cutter.user().(LostHandler); ok {
		h.ConnectionLost(reason)
	}
}

// LogPrefix is what the handler says, if it is a [protocol.LogPrefixer], or its
// type: this type's own says nothing.
//
// Twisted: ILoggingContext.logPrefix.
func (b *bound) LogPrefix() string {
	if h, ok := b.cutter.user().(protocol.LogPrefixer); ok {
		return h.LogPrefix()
	}
	return fmt.Sprintf("%T", b.cutter.user())
}

func (b *halfBound) MakeConnection(t protocol.Transport) { (*bound)(b).MakeConnection(t) }
func (b *halfBound) ConnectionMade()                     { (*bound)(b).ConnectionMade() }
func (b *halfBound) DataReceived(data []byte)            { (*bound)(b).DataReceived(data) }
func (b *halfBound) ConnectionLost(reason error)         { (*bound)(b).ConnectionLost(reason) }
func (b *halfBound) LogPrefix() string                   { return (*bound)(b).LogPrefix() }

// ReadConnectionLost passes the call on.
func (b *halfBound) ReadConnectionLost() {
	b.cutter.user().(protocol.HalfCloser).ReadConnectionLost()
}

// WriteConnectionLost passes the call on.
func (b *halfBound) WriteConnectionLost() {
	b.cutter.user().(protocol.HalfCloser).WriteConnectionLost()
}
