package transform

import (
	"net"
	"strconv"
	"strings"

	"skein/protocol"
	"skein/protocol/basic"
)

// Factory offers a server's transformations over netstrings.
//
// Twisted: TransformFactory of twisted-server-1/transformedpoetry.py.
type Factory struct {
	*Server
}

// BuildProtocol returns the protocol of one client.
func (f *Factory) BuildProtocol(net.Addr) protocol.Protocol {
	p := &netstrings{session: session{server: f.Server}}
	p.MaxLength = f.maxRequest()
	p.session.wire = p
	return &served{receiver: basic.BindString(p), session: &p.session}
}

// netstrings is one client that sends netstrings.
//
// Twisted: TransformProtocol.
type netstrings struct {
	basic.NetstringReceiver
	session session

	parsed int // bytes of the requests that have come whole
}

// ConnectionMade begins.
func (p *netstrings) ConnectionMade() { p.session.made(p.Transport) }

// StringReceived takes a request.
//
// Twisted: TransformProtocol.stringReceived.
func (p *netstrings) StringReceived(s []byte) {
	p.parsed += framed(len(s))
	text := string(s)
	name, _, _ := strings.Cut(text, ".")
	p.session.take(name, nil, len(text), p.session.server.Request(text))
}

// answer sends a poem.
func (p *netstrings) answer(r *request) int {
	_ = p.SendString([]byte(r.poem)) // ConnectionLost would have come first
	return framed(len(r.poem))
}

// framed returns the length of a netstring with n bytes in it: there is one way
// to write it.
func framed(n int) int { return len(strconv.Itoa(n)) + len(":,") + n }

// midway reports whether a request has begun to come.
func (p *netstrings) midway() bool { return p.session.received > p.parsed }

// ReadConnectionLost answers what has come.
func (p *netstrings) ReadConnectionLost() { p.session.end() }

// WriteConnectionLost has nothing to do: this side does not half-close.
func (p *netstrings) WriteConnectionLost() {}

// ConnectionLost ends the session.
func (p *netstrings) ConnectionLost(reason error) { p.session.lost(reason) }

// served is a receiver whose session hears of the end of each chunk.
type served struct {
	receiver protocol.Protocol
	session  *session
}

var _ protocol.HalfCloser = (*served)(nil)

// MakeConnection passes the call on.
func (p *served) MakeConnection(t protocol.Transport) { p.receiver.MakeConnection(t) }

// ConnectionMade passes the call on.
func (p *served) ConnectionMade() { p.receiver.ConnectionMade() }

// DataReceived parses what comes, so long as it counts.
func (p *served) DataReceived(data []byte) {
	if !p.session.full() {
		p.session.received += len(data)
		p.session.deliver(func() { p.receiver.DataReceived(data) })
	}
}

// LogPrefix names the protocol inside, in the log of the loop.
//
// Twisted: ILoggingContext.logPrefix.
func (p *served) LogPrefix() string { return p.receiver.(protocol.LogPrefixer).LogPrefix() }

// ReadConnectionLost passes the call on.
func (p *served) ReadConnectionLost() { p.receiver.(protocol.HalfCloser).ReadConnectionLost() }

// WriteConnectionLost passes the call on.
func (p *served) WriteConnectionLost() { p.receiver.(protocol.HalfCloser).WriteConnectionLost() }

// ConnectionLost passes the call on.
func (p *served) ConnectionLost(reason error) { p.receiver.ConnectionLost(reason) }
