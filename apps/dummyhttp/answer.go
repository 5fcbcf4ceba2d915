package dummyhttp

import (
	"fmt"
	"net/http"
	"strconv"
)

// answer tells the length of the body, and waits for the next request.
func (c *client) answer() {
	h := &c.head
	c.factory.Log.Info().Uint64("bytes", h.length).Stringer("peer", c.Transport.RemoteAddr()).Msg("Took a body.")
	c.reply(200, strconv.FormatUint(h.length, 10), "", h.persists())
}

// notAllowed refuses another method than POST. If the request has no body, its
// end is known, and the connection can go on.
func (c *client) notAllowed() {
	c.logRefusal(405, "method "+c.head.method)
	text := "Only POST is allowed here."
	bare := c.head.length == 0 && !c.head.encoded
	c.reply(405, text, "Allow: POST\r\n", bare && c.head.persists())
}

// refuse refuses a request and closes. The peer may be sending still; the
// transport reads that away, so that the answer arrives.
func (c *client) refuse(status int, why string) {
	if c.over {
		return
	}
	c.logRefusal(status, why)
	c.reply(status, "This is refused: "+why+".", "", false)
}

// logRefusal writes the one line about a refused request.
func (c *client) logRefusal(status int, why string) {
	c.factory.Log.Warn().Int("status", status).Str("reason", why).Stringer("peer", c.Transport.RemoteAddr()).
		Msg("Refused a request.")
}

// persists reports whether the connection stays open after this request.
func (h *head) persists() bool {
	return !h.closes && (h.version == "HTTP/1.1" || h.keeps)
}

// reply writes an answer and makes ready for the next request, or closes. A HEAD
// request gets the answer without its text.
func (c *client) reply(status int, text, extra string, stays bool) {
	connection := "close"
	if stays {
		connection = "keep-alive"
	}
	text += "\n"
	answer := fmt.Sprintf("HTTP/1.1 %d %s\r\n%sContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: %s\r\n\r\n",
		status, http.StatusText(status), extra, len(text), connection)
	if c.head.method != http.MethodHead {
		answer += text
	}
	c.write(answer)
	c.stage = idle
	if !stays {
		c.told = true
		c.close()
		return
	}
	c.touch()
}

// write writes, and counts.
func (c *client) write(text string) {
	c.pace.Wrote(len(text))
	_, _ = c.Transport.Write([]byte(text)) // if it fails, ConnectionLost tells
}
