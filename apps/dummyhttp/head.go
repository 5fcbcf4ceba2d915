package dummyhttp

import (
	"bytes"
	"cmp"
	"strconv"
	"strings"

	"skein/apps/internal/http1"
)

// head is what the lines of one request have said.
type head struct {
	method  string
	version string // "HTTP/1.0" or "HTTP/1.1"
	headers int    // how many there were
	hosts   int    // how many of them were Host

	length    uint64 // Content-Length, if hasLength
	hasLength bool
	encoded   bool // Transfer-Encoding
	expects   bool // Expect: 100-continue
	strange   bool // another Expect
	closes    bool // Connection: close
	keeps     bool // Connection: keep-alive
}

// LineReceived takes a request line, a header, or the empty line at the end.
//
// A request line is given one time, which is that of an idle client, and the
// headers behind it are given one for all of them: a byte now and then does not
// buy more.
func (c *client) LineReceived(line []byte) {
	switch {
	case c.stage == idle && len(line) == 0:
		// Some clients send an empty line behind a body. It buys no time.
	case c.stage == idle:
		c.stage, c.head = inHead, head{}
		c.touch()
		c.reject(c.head.requestLine(line))
	case len(line) == 0:
		c.headComplete()
	default:
		c.head.headers++
		if c.head.headers > cmp.Or(max(c.factory.MaxHeaders, 0), DefaultMaxHeaders) {
			c.refuse(431, "too many headers")
			return
		}
		c.reject(c.head.header(line))
	}
}

// fault is a status with the reason for it; the zero value is none.
type fault struct {
	status int
	why    string
}

// reject refuses a request that is at fault.
func (c *client) reject(f fault) {
	if f.status != 0 {
		c.refuse(f.status, f.why)
	}
}

// LineLengthExceeded refuses a line without end.
func (c *client) LineLengthExceeded([]byte) {
	if c.stage == idle {
		c.head = head{}
		c.refuse(414, "the request line is too long")
		return
	}
	c.refuse(431, "a header is too long")
}

// requestLine takes the first line, such as "POST / HTTP/1.1".
func (h *head) requestLine(line []byte) fault {
	words := strings.Split(string(line), " ")
	if len(words) != 3 || !http1.IsToken(words[0]) || words[1] == "" || !http1.IsText(line) {
		return fault{400, "malformed request line"}
	}
	h.method, h.version = words[0], words[2]
	switch {
	case !strings.HasPrefix(h.version, "HTTP/"):
		return fault{400, "malformed request line"}
	case h.version != "HTTP/1.0" && h.version != "HTTP/1.1":
		return fault{505, "only HTTP/1.0 and HTTP/1.1 are spoken here"}
	}
	return fault{}
}

// header takes one header, such as "Content-Length: 5".
func (h *head) header(line []byte) fault {
	name, value, ok := bytes.Cut(line, []byte(":"))
	if !ok || !http1.IsToken(string(name)) || !http1.IsText(line) {
		return fault{400, "malformed header"}
	}
	text := strings.Trim(string(value), " \t")
	switch strings.ToLower(string(name)) {
	case "content-length":
		return h.contentLength(text)
	case "transfer-encoding":
		h.encoded = true
	case "host":
		h.hosts++
	case "expect":
		known := strings.EqualFold(text, "100-continue")
		h.expects, h.strange = h.expects || known, h.strange || !known
	case "connection":
		for option := range strings.SplitSeq(text, ",") {
			option = strings.TrimSpace(option)
			h.closes = h.closes || strings.EqualFold(option, "close")
			h.keeps = h.keeps || strings.EqualFold(option, "keep-alive")
		}
	}
	return fault{}
}

// contentLength takes the length. Two of them, even equal ones, are how one
// request is smuggled behind another.
func (h *head) contentLength(text string) fault {
	n, err := strconv.ParseUint(text, 10, 63)
	switch {
	case h.hasLength:
		return fault{400, "more than one Content-Length"}
	case err != nil:
		return fault{400, "Content-Length is not a number of bytes"}
	}
	h.length, h.hasLength = n, true
	return fault{}
}

// headComplete decides what becomes of a request.
func (c *client) headComplete() {
	h := &c.head
	switch {
	case h.method != "POST":
		c.notAllowed() // whatever else is wrong
	case h.hosts > 1 || h.hosts == 0 && h.version == "HTTP/1.1":
		c.refuse(400, "a request has one Host")
	case h.encoded && h.hasLength:
		c.refuse(400, "Transfer-Encoding and Content-Length exclude each other")
	case h.encoded:
		c.refuse(501, "a body needs a Content-Length here")
	case !h.hasLength:
		c.refuse(411, "a POST has a Content-Length")
	case h.strange:
		c.refuse(417, "the only thing to expect is 100-continue")
	default:
		c.bodyBegins()
	}
}
