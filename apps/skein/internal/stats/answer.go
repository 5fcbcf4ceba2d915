package stats

import (
	"fmt"
	"net/http"
	"strings"
)

// The types of what is served.
const (
	htmlType    = "text/html; charset=utf-8"
	plainType   = "text/plain; charset=utf-8"
	metricsType = "text/plain; version=0.0.4; charset=utf-8"
)

// answer is what a client gets.
type answer struct {
	status int
	kind   string // Content-Type
	extra  string // further headers, each with its line's end
	body   []byte // nil: it has not been made
}

// complete answers a request whose head is complete. What has a body is refused
// and closed, since nothing here would read it.
func (c *client) complete() {
	r := &c.request
	switch {
	case r.hosts > 1 || r.hosts == 0 && r.minor == '1':
		c.refuse(400, "a request has one Host")
	case r.method != http.MethodGet && r.method != http.MethodHead:
		c.reply(text(405, "Only GET and HEAD are allowed here.", "Allow: GET, HEAD\r\n"), !r.body)
	case r.body:
		c.refuse(400, "a "+r.method+" has no body here")
	default:
		c.reply(c.factory.site.answer(r), true)
	}
}

// answer returns what is at the path. For HEAD nothing is made to be thrown away:
// a flood of them would hold up the loop, while the answers are too short to hold
// up the flood.
func (s *Site) answer(r *request) answer {
	var a answer
	var content func() []byte
	switch r.path {
	case "/":
		extra := "Vary: Accept\r\nContent-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n"
		a, content = answer{200, plainType, extra, nil}, s.plain
		if r.wantsHTML() {
			a.kind, content = htmlType, s.html
		}
	case "/metrics":
		a, content = answer{200, metricsType, "", nil}, s.metrics
	default:
		return text(404, "There is / for people and /metrics for Prometheus.", "")
	}
	if r.method != http.MethodHead {
		a.body = content()
	}
	return a
}

// text returns an answer of one line.
func text(status int, line, extra string) answer {
	return answer{status, plainType, extra, []byte(line + "\n")}
}

// reject refuses a request that is at fault.
func (c *client) reject(f fault) {
	if f.status != 0 {
		c.refuse(f.status, f.why)
	}
}

// refuse refuses a request whose end is not known, or not worth waiting for, and
// closes. The peer may be sending still; the transport reads that away, so that
// the answer arrives.
func (c *client) refuse(status int, why string) {
	if !c.over {
		c.reply(text(status, "This is refused: "+why+".", ""), false)
	}
}

// reply writes an answer and makes ready for the next request, or closes.
func (c *client) reply(a answer, may bool) {
	stays := may && c.request.persists() && !c.factory.ending
	connection := "close"
	if stays {
		connection = "keep-alive"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\n", a.status, http.StatusText(a.status))
	fmt.Fprintf(&b, "Date: %s\r\n", c.factory.site.Clock.Now().UTC().Format(http.TimeFormat))
	fmt.Fprintf(&b, "Content-Type: %s\r\n%s", a.kind, a.extra)
	if a.body != nil {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(a.body))
	}
	fmt.Fprintf(&b, "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: %s\r\n\r\n", connection)
	bare := c.request.method == http.MethodHead
	c.begun, c.request = false, request{}
	c.write([]byte(b.String()))
	if !bare {
		c.write(a.body)
	}
	if !stays {
		c.close()
		return
	}
	c.touch()
}

// write writes what nobody changes any more, and counts.
func (c *client) write(p []byte) {
	c.pace.Wrote(len(p))
	_ = c.Transport.WriteShared(p) // if it fails, ConnectionLost tells
}
