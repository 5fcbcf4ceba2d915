package policies

import (
	"bytes"
	"errors"
	"net"

	"skein/deferred/clock"
	"skein/protocol"
)

// DefaultSniff is how many bytes a [Sniffer] looks at, at most, unless it says
// otherwise.
const DefaultSniff = 4096

// Sniffer is a factory whose connections get their protocol when their first
// bytes show what the client speaks: one port for several protocols. The
// protocol that is chosen gets everything from the first byte on. A client that
// says nothing waits for ever: put a [TimeoutFactory] with a Handshake around
// it, if need be.
type Sniffer struct {
	// Choose looks at all that has come so far, at least one byte. It returns
	// the factory of the protocol that it recognises, or nil for none; and
	// whether to ask again when more has come. When last is set, no more will:
	// the bound is reached or the client has sent its end.
	Choose func(first []byte, last bool) (f protocol.Factory, more bool)
	// Max bounds the bytes that Choose is shown; 0: [DefaultSniff].
	Max int
	// Clock is the loop's, for [Switch].Clock: it matters to protocols that pause
	// in the first bytes of a client that has sent its end already.
	Clock clock.Scheduler
}

// ErrNotRecognized is the cause when a Sniffer has closed a connection: nobody
// speaks that protocol, or nobody wants the connection.
var ErrNotRecognized = errors.New("policies: no protocol for the client's first bytes")

// BuildProtocol returns a protocol that looks first.
func (f *Sniffer) BuildProtocol(addr net.Addr) protocol.Protocol {
	n := &sniffing{rules: f, addr: addr}
	n.line = NewSwitch(n)
	n.line.Clock = f.Clock
	return n.line
}

// sniffing is a connection before it has its protocol.
type sniffing struct {
	protocol.Base
	rules *Sniffer
	addr  net.Addr
	line  *Switch
	first []byte
}

// DataReceived looks whether that is enough.
func (n *sniffing) DataReceived(data []byte) {
	n.first = append(n.first, data...)
	n.look(false)
}

// ReadConnectionLost looks for the last time.
func (n *sniffing) ReadConnectionLost() {
	if len(n.first) == 0 {
		n.Transport.LoseConnection()
		return
	}
	n.look(true)
}

// WriteConnectionLost does nothing: nothing is written before the choice.
func (n *sniffing) WriteConnectionLost() {}

// look asks Choose and does what it says.
func (n *sniffing) look(last bool) {
	most := n.rules.Max
	if most == 0 {
		most = DefaultSniff
	}
	last = last || len(n.first) >= most
	shown := n.first[:min(len(n.first), most)]
	f, more := n.rules.Choose(bytes.Clone(shown), last)
	if f == nil && more && !last {
		return
	}
	var p protocol.Protocol
	if f != nil {
		p = f.BuildProtocol(n.addr)
	}
	if p == nil {
		n.Transport.LoseConnectionCause(ErrNotRecognized)
		return
	}
	_ = n.line.To(p, n.first) // the connection is not over: it has just called
}
