package protocol

// Protocol is the behaviour of one connection. A loop calls its methods, in
// the order that the package comment gives, on the loop's goroutine; a method
// that blocks blocks everybody. A panic in a method is logged with its stack
// and costs this connection, not the loop.
//
// Embed [Base] and write DataReceived.
//
// Twisted: IProtocol.
type Protocol interface {
	// MakeConnection hands over the transport, before ConnectionMade.
	//
	// Twisted: BaseProtocol.makeConnection.
	MakeConnection(t Transport)

	// ConnectionMade says that the connection stands: a server greets here, a
	// client asks.
	ConnectionMade()

	// DataReceived delivers the next bytes, in order, cut wherever the network
	// cut them; data is never empty. The slice belongs to the loop and is
	// overwritten after the call returns: copy what must stay. It is not called once
	// the connection is being closed; who passes it on to another protocol, and may
	// close in between, does not pass it on then.
	DataReceived(data []byte)

	// ConnectionLost says that the connection is over and why; the reason
	// satisfies errors.Is(reason, net.ErrClosed) and wraps its cause. See
	// reasons.go. No other call follows.
	ConnectionLost(reason error)
}

// HalfCloser is the optional power of a protocol that goes on when one
// direction of its connection has closed. Without it, the peer's end of input
// closes the connection as LoseConnection would: what has been written is still
// delivered, and a pull producer, or a push producer that is held back, may
// finish; a push producer that is not is stopped.
//
// Twisted: IHalfCloseableProtocol.
type HalfCloser interface {
	// ReadConnectionLost says that the peer will send no more. Writing goes on
	// until LoseConnection.
	ReadConnectionLost()
	// WriteConnectionLost says that the write side has closed after
	// LoseWriteConnection. Reading goes on. It does not come if LoseConnection
	// was called before that.
	WriteConnectionLost()
}

// HalfCloseChooser is the optional power of a [HalfCloser] that drives another
// protocol: TakesHalfClose says whether that one is a HalfCloser now. If not, the
// loop deals with the peer's end as for a protocol that is none.
type HalfCloseChooser interface {
	HalfCloser
	// TakesHalfClose reports whether the driven protocol is a HalfCloser now.
	TakesHalfClose() bool
}

// AsHalfCloser returns p as a HalfCloser, if it is one now.
func AsHalfCloser(p Protocol) (HalfCloser, bool) {
	if c, ok := p.(HalfCloseChooser); ok && !c.TakesHalfClose() {
		return nil, false
	}
	h, ok := p.(HalfCloser)
	return h, ok
}

// LogPrefixer is the optional power of a protocol that is known to the log by
// another name than its type's: one that stands for another, as a wrapper does.
//
// Twisted: ILoggingContext.
type LogPrefixer interface {
	// LogPrefix returns the name.
	LogPrefix() string
}

// Base keeps the transport and answers every call of [Protocol] but
// DataReceived, so that a misspelt DataReceived does not compile. Embed it.
//
// Twisted: protocol.Protocol.
type Base struct {
	// Transport is the connection, set by MakeConnection.
	Transport Transport
}

// MakeConnection keeps the transport.
func (b *Base) MakeConnection(t Transport) { b.Transport = t }

// ConnectionMade does nothing.
func (b *Base) ConnectionMade() {}

// ConnectionLost does nothing.
func (b *Base) ConnectionLost(error) {}
