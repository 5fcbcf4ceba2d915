package transform

import (
	"net"
	"strings"

	"skein/protocol"
	"skein/protocol/basic"
)

// Factory offers a server's transformations over netstrings. It must not be copied
// once it serves.
//
// Twisted: TransformFactory of twisted-server-1/transformedpoetry.py.
type Factory struct {
	*Server
	spare *batch // for the answers to a chunk; nil: none yet, or it is lent
}

// BuildProtocol returns the protocol of one client.
func (f *Factory) BuildProtocol(net.Addr) protocol.Protocol {
	c := &struct { // all that a client needs, in one piece
		served
		netstrings
	}{}
	c.netstrings.MaxLength = f.maxRequest()
	c.netstrings.factory = f
	c.netstrings.session = session{server: f.Server, wire: &c.netstrings}
	c.served = served{receiver: basic.BindString(&c.netstrings), session: &c.netstrings.session}
	return &c.served
}

// netstrings is one client that sends netstrings.
//
// Twisted: TransformProtocol.
type netstrings struct {
	basic.NetstringReceiver
	session session
	factory *Factory
	batch   *batch // the answers to the running chunk; nil: none
}

// ConnectionMade begins.
func (p *netstrings) ConnectionMade() { p.session.made(p.Transport) }

// StringReceived takes a request: by the short way, if it may. A chunk's answers
// leave together, which for 16 requests saves 15 writes.
//
// Twisted: TransformProtocol.stringReceived.
func (p *netstrings) StringReceived(s []byte) {
	if p.batch == nil {
		p.batch = p.factory.lend()
	}
	b := p.batch
	if !p.session.idle() || !b.knows(s) && !b.learn(p.session.server, s) || !valid(s[len(b.name)+1:]) {
		p.queued(s)
		return
	}
	size, err := b.add(s[len(b.name)+1:])
	if err != nil {
		p.session.refuse(requestError(string(b.name), err))
		return
	}
	p.session.asked = true
	if !b.silent {
		p.session.log(string(b.name), size)
	}
	if len(b.bytes) >= batchFull {
		p.push()
	}
}

// queued takes a request by the long way.
func (p *netstrings) queued(s []byte) {
	text := string(s)
	name, _, _ := strings.Cut(text, ".")
	p.session.take(name, nil, len(text), p.session.server.Request(text))
}

// push writes the answers that have been gathered; not while a transformation runs,
// which is the user's, and may call anything.
func (p *netstrings) push() {
	if b := p.batch; b != nil && !b.busy {
		p.batch = nil
		p.session.wrote(b.answers, len(b.bytes))
		if len(b.bytes) > 0 {
			_, _ = p.Transport.Write(b.bytes) // ConnectionLost would have come first
		}
		p.factory.giveBack(b)
	}
}

// answer sends a poem.
func (p *netstrings) answer(r *request) int {
	p.push()                         // the answers before it
	_ = p.SendString([]byte(r.poem)) // ConnectionLost would have come first
	return framed(len(r.poem))
}

// framed returns the length of a netstring with n bytes in it: there is one way
// to write it.
func framed(n int) int { return digits(n) + len(":,") + n }

// midway reports whether a request has begun to come.
func (p *netstrings) midway() bool { return p.Midway() }

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
		within := p.session.enter()
		p.receiver.DataReceived(data)
		p.session.leave(within)
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
