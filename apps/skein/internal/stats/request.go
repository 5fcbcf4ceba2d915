package stats

import (
	"bytes"
	"net/url"
	"strconv"
	"strings"

	"skein/apps/internal/http1"
)

// The limits of a request, in bytes.
const (
	maxLine = 8 << 10
	maxHead = 16 << 10
)

// request is what the lines of one request's head have said.
type request struct {
	method string
	path   string
	minor  byte // of the version: HTTP/1.0 or HTTP/1.1
	size   int  // of the lines so far

	hosts  int
	body   bool    // there is one
	length bool    // Content-Length has come
	closes bool    // Connection: close
	keeps  bool    // Connection: keep-alive
	html   float64 // how welcome text/html is, from 0 to 1; 0: it was not named
	plain  float64 // the same of text/plain
}

// fault is a status with the reason for it; the zero value is none.
type fault struct {
	status int
	why    string
}

// first takes the first line, such as "GET /metrics HTTP/1.1".
func (r *request) first(line []byte) fault {
	*r = request{size: len(line)}
	words := strings.Split(string(line), " ")
	if len(words) != 3 || !http1.IsToken(words[0]) || !http1.IsText(line) {
		return fault{400, "malformed request line"}
	}
	r.method = words[0]
	version, isHTTP := strings.CutPrefix(words[2], "HTTP/")
	switch {
	case !isHTTP:
		return fault{400, "malformed request line"}
	case version != "1.0" && version != "1.1":
		return fault{505, "only HTTP/1.0 and HTTP/1.1 are spoken here"}
	}
	r.minor = version[2]
	return r.target(words[1])
}

// target takes what is asked for: a path, or the whole address as a proxy gets
// it; a query is ignored. OPTIONS and CONNECT have other forms, and are not
// allowed anyway.
func (r *request) target(text string) fault {
	if r.method != "GET" && r.method != "HEAD" {
		return fault{}
	}
	u, err := url.ParseRequestURI(text)
	if err != nil || u.Opaque != "" || u.Host == "" && text[0] != '/' {
		return fault{400, "malformed address"}
	}
	if r.path = u.Path; r.path == "" {
		r.path = "/"
	}
	return fault{}
}

// header takes one header, such as "Accept: text/html".
func (r *request) header(line []byte) fault {
	name, value, ok := bytes.Cut(line, []byte(":"))
	r.size += len(line)
	switch {
	case r.size > maxHead:
		return fault{431, "the headers are too long"}
	case !ok || !http1.IsToken(string(name)) || !http1.IsText(line):
		return fault{400, "malformed header"}
	}
	text := strings.Trim(string(value), " \t")
	switch strings.ToLower(string(name)) {
	case "host":
		r.hosts++
	case "content-length":
		return r.contentLength(text)
	case "transfer-encoding":
		r.body = true
	case "connection":
		for option := range strings.SplitSeq(text, ",") {
			option = strings.TrimSpace(option)
			r.closes = r.closes || strings.EqualFold(option, "close")
			r.keeps = r.keeps || strings.EqualFold(option, "keep-alive")
		}
	case "accept":
		r.accepts(text)
	}
	return fault{}
}

// contentLength takes the length of a body. Two of them are how one request is
// smuggled behind another.
func (r *request) contentLength(text string) fault {
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil || r.length {
		return fault{400, "Content-Length is not one number of bytes"}
	}
	r.length = true
	r.body = r.body || n > 0
	return fault{}
}

// accepts takes what the client would have: "text/html, text/plain;q=0.5".
func (r *request) accepts(text string) {
	for item := range strings.SplitSeq(text, ",") {
		kind, parameters, _ := strings.Cut(item, ";")
		switch strings.ToLower(strings.TrimSpace(kind)) {
		case "text/html":
			r.html = quality(parameters)
		case "text/plain":
			r.plain = quality(parameters)
		}
	}
}

// quality returns the q among the parameters of a media type; 1 if there is none.
func quality(parameters string) float64 {
	for parameter := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(parameter), "=")
		if strings.EqualFold(name, "q") {
			q, err := strconv.ParseFloat(value, 64)
			if err != nil {
				return 0
			}
			return q
		}
	}
	return 1
}

// wantsHTML reports whether the client has asked for HTML, as a browser does.
// One that takes anything, as curl does, is better off with plain text.
func (r *request) wantsHTML() bool {
	return r.html > 0 && r.html >= r.plain
}

// persists reports whether the client would keep the connection.
func (r *request) persists() bool { return !r.closes && (r.minor == '1' || r.keeps) }
