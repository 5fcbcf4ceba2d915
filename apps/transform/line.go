package transform

import (
	"bytes"
	"fmt"
	"net"
	"strings"

	"skein/deferred"
	"skein/protocol"
	"skein/protocol/basic"
)

// LineFactory offers a server's transformations over lines, for a person with nc
// or telnet. The package comment defines the form.
//
// Twisted: none; it is an exercise at the end of part 12.
type LineFactory struct {
	*Server
}

// BuildProtocol returns the protocol of one client.
func (f *LineFactory) BuildProtocol(net.Addr) protocol.Protocol {
	p := &lines{}
	p.Delimiter = newline
	p.MaxLength = f.maxRequest()
	p.session = session{server: f.Server, wire: p, receiver: basic.BindLine(p)}
	return (*served)(&p.session)
}

// newline ends a line; a CR before it is the line's form.
var newline = []byte("\n")

// lines is one client that sends lines.
type lines struct {
	basic.LineReceiver
	session session

	name string // of the request that is coming
	form lineForm
	poem []byte
	open bool // a name has come
}

// lineForm is how the answer to a request is to look.
type lineForm struct {
	end    string // the end of a line: "\n" or "\r\n"
	dotted bool   // a dot has ended the request, so one ends the answer
}

// ConnectionMade begins.
func (p *lines) ConnectionMade() { p.session.made(p.Transport) }

// LineReceived takes a name, a line of a poem, or its end.
func (p *lines) LineReceived(line []byte) {
	text, cr := bytes.CutSuffix(line, []byte("\r"))
	switch {
	case !p.open:
		p.begin(text, cr)
	case string(text) == ".":
		p.form.dotted = true
		p.complete()
	default:
		p.add(append(unstuffed(text), '\n'))
	}
}

// begin takes the name. One that is not permitted is refused before its poem
// comes: whoever sends it may send anything.
func (p *lines) begin(name []byte, cr bool) {
	p.name, p.open, p.poem = string(name), true, nil
	p.form = lineForm{end: "\n"}
	if cr {
		p.form.end = "\r\n"
	}
	if _, ok := p.session.server.Permitted[p.name]; !ok {
		p.complete()
	}
}

// add takes a part of the poem.
func (p *lines) add(text []byte) {
	limit := p.session.server.maxRequest()
	if len(p.name)+1+len(p.poem)+len(text) > limit {
		p.open, p.poem = false, nil
		p.session.take(p.name, p.form, 0, deferred.Fail(requestError(p.name,
			fmt.Errorf("%w: a request of more than %d bytes", basic.ErrTooLong, limit))))
		return
	}
	p.poem = append(p.poem, text...)
}

// complete takes the request.
func (p *lines) complete() {
	poem := string(p.poem)
	p.open, p.poem = false, nil
	p.session.take(p.name, p.form, len(p.name)+1+len(poem), p.session.server.Xform(p.name, poem))
}

// unstuffed returns a line without the dot that protects another. It returns a
// slice that may be appended to without harm to the line.
func unstuffed(line []byte) []byte {
	line = bytes.TrimPrefix(line, []byte("."))
	return line[:len(line):len(line)]
}

// answer sends a poem in the form that suits the request.
func (p *lines) answer(r *request) int {
	form := r.form.(lineForm)
	var b strings.Builder
	for line := range strings.Lines(r.poem) {
		if line[0] == '.' {
			b.WriteByte('.')
		}
		text, whole := strings.CutSuffix(line, "\n")
		b.WriteString(text)
		if whole || form.dotted {
			b.WriteString(form.end)
		}
	}
	if form.dotted {
		b.WriteString("." + form.end)
	}
	_, _ = p.Transport.Write([]byte(b.String())) // ConnectionLost would have come first
	return b.Len()
}

// push has nothing to do: each answer is written by itself.
func (p *lines) push() (clean bool) { return false }

// interrupted has none to name: there is no short way.
func (p *lines) interrupted() (name string, ok bool) { return "", false }

// midway reports whether a request has begun to come. It forgets what has come of
// a line.
func (p *lines) midway() bool { return p.open || len(p.ClearLineBuffer()) > 0 }

// ReadConnectionLost completes the request that is coming: the end is its end.
func (p *lines) ReadConnectionLost() {
	if p.open && !p.session.full {
		p.add(unstuffed(p.ClearLineBuffer()))
		if p.open {
			p.complete()
		}
	}
	p.session.end()
}

// WriteConnectionLost has nothing to do: this side does not half-close.
func (p *lines) WriteConnectionLost() {}

// ConnectionLost ends the session.
func (p *lines) ConnectionLost(reason error) { p.session.lost(reason) }
