package transform

import (
	"net"
	"strings"
	"unicode/utf8"

	"skein/protocol"
	"skein/protocol/basic"
)

// Factory offers a server's transformations over netstrings. It must not be copied
// once it serves.
//
// Twisted: TransformFactory of twisted-server-1/transformedpoetry.py.
type Factory struct {
	*Server
	own *batch // for the answers to a chunk; nil: none yet, or one that has grown
}

// BuildProtocol returns the protocol of one client.
func (f *Factory) BuildProtocol(net.Addr) protocol.Protocol {
	p := &netstrings{factory: f}
	p.MaxLength = f.maxRequest()
	p.session = session{server: f.Server, wire: p, receiver: basic.BindString(p)}
	return (*served)(&p.session)
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
	b := p.batch
	if b == nil {
		b = p.factory.lend()
		p.batch = b
	}
	if !p.session.idle() || !b.knows(s) && !b.learn(p.session.server, s) {
		p.queued(s)
		return
	}
	poem := s[len(b.begin):]
	if rest := behindASCII(poem); len(rest) > 0 && !utf8.Valid(rest) {
		p.queued(s)
		return
	}
	size := b.add(poem)
	p.session.asked()
	p.session.answered++ // it will be, before anything else happens
	if !b.silent {
		p.session.log(b.name(), size)
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
func (p *netstrings) push() (clean bool) {
	if b := p.batch; b != nil && !b.busy {
		p.batch = nil
		if len(b.bytes) > 0 {
			p.session.written += len(b.bytes)
			_, _ = p.Transport.Write(b.bytes) // ConnectionLost would have come first
			b.bytes = b.bytes[:0]
		}
		p.factory.giveBack(b)
	}
	return !p.Midway() && !p.Transport.Disconnecting()
}

// interrupted returns the name of the transformation by the short way that has not
// returned, if there is one.
func (p *netstrings) interrupted() (name string, ok bool) {
	if b := p.batch; b != nil && b.busy {
		b.busy = false
		return b.name(), true
	}
	return "", false
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
