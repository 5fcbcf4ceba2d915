package stats_test

import (
	"bufio"
	"bytes"
	"net/http"
	"strings"
	"testing"

	"skein/apps/skein/internal/stats"
	"skein/protocol/protocoltest"
)

// What the tests ask for.
const (
	getPage    = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	getMetrics = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"
	getNothing = "GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n"
)

// What the tests expect.
const (
	gotPage    = "200 keep-alive poetry"
	gotMetrics = "200 keep-alive # HELP skein_info What runs, as the label name."
	gotNothing = "404 keep-alive There is / for people and /metrics for Prometheus."
	badLine    = "400 close This is refused: malformed request line."
	badHeader  = "400 close This is refused: malformed header."
	badAddress = "400 close This is refused: malformed address."
	badLength  = "400 close This is refused: Content-Length is not one number of bytes."
	badHost    = "400 close This is refused: a request has one Host."
	hasBody    = "400 close This is refused: a GET has no body here."
	notAllowed = "Only GET and HEAD are allowed here."
	badVersion = "505 close This is refused: only HTTP/1.0 and HTTP/1.1 are spoken here."
)

// headers returns a request for the page with these headers.
func headers(lines ...string) string {
	return "GET / HTTP/1.1\r\nHost: a\r\n" + strings.Join(lines, "\r\n") + "\r\n\r\n"
}

// requestTests are what a client sends at once, and the answers. What follows a
// request that closes is never answered.
var requestTests = []struct{ name, send, want string }{
	{"the page", getPage, gotPage},
	{"the metrics", getMetrics, gotMetrics},
	{"what is not there", getNothing, gotNothing},
	{"three in a row", getPage + getNothing + getMetrics, gotPage + ", " + gotNothing + ", " + gotMetrics},
	{"an empty line between", "\r\n" + getPage + "\r\n\r\n" + getPage, gotPage + ", " + gotPage},
	{"a query", "GET /metrics?name[]=a&b HTTP/1.1\r\nHost: a\r\n\r\n", gotMetrics},
	{"an escaped path", "GET /%6detrics HTTP/1.1\r\nHost: a\r\n\r\n", gotMetrics},
	{"a whole address", "GET http://a.example:8080/metrics HTTP/1.1\r\nHost: a\r\n\r\n", gotMetrics},
	{"a whole address without a path", "GET http://a HTTP/1.1\r\nHost: a\r\n\r\n", gotPage},
	{"another host's path", "GET //metrics HTTP/1.1\r\nHost: a\r\n\r\n", gotNothing},
	{"names in any case", "GET / HTTP/1.1\r\nhOST:a\r\nCONNECTION:\tClose \r\n\r\n" + getPage, "200 close poetry"},
	{"close among others", headers("Connection: x, close") + getPage, "200 close poetry"},
	{"HTTP/1.0", "GET / HTTP/1.0\r\n\r\n" + getPage, "200 close poetry"},
	{"HTTP/1.0, kept", "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n" + getPage, gotPage + ", " + gotPage},
	{"a length of 0", headers("Content-Length: 0") + getPage, gotPage + ", " + gotPage},

	{"POST", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab" + getPage, "405 close " + notAllowed},
	{"POST without a body", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n" + getPage, "405 keep-alive " + notAllowed + ", " + gotPage},
	{"OPTIONS", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n" + getPage, "405 keep-alive " + notAllowed + ", " + gotPage},
	{"CONNECT", "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", "405 keep-alive " + notAllowed},
	{"get", "get / HTTP/1.1\r\nHost: a\r\n\r\n", "405 keep-alive " + notAllowed},
	{"another method, chunked", "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "405 close " + notAllowed},

	{"a body", headers("Content-Length: 2") + "ab", hasBody},
	{"a chunked body", headers("Transfer-Encoding: chunked") + "0\r\n\r\n" + getPage, hasBody},
	{"two lengths", headers("Content-Length: 0", "Content-Length: 0"), badLength},
	{"a length of two", headers("Content-Length: 0, 0"), badLength},
	{"a negative length", headers("Content-Length: -1"), badLength},
	{"a length that is none", headers("Content-Length:"), badLength},
	{"no host", "GET / HTTP/1.1\r\n\r\n", badHost},
	{"two hosts", headers("Host: b"), badHost},
	{"one word", "GET\r\n\r\n", badLine},
	{"HTTP/0.9", "GET /\r\n\r\n", badLine},
	{"four words", "GET / x HTTP/1.1\r\n\r\n", badLine},
	{"two spaces", "GET  / HTTP/1.1\r\n\r\n", badLine},
	{"no address", "GET  HTTP/1.1\r\n\r\n", badAddress},
	{"a method that is none", "G(T / HTTP/1.1\r\n\r\n", badLine},
	{"a control character", "GET /\x00 HTTP/1.1\r\n\r\n", badLine},
	{"a bare LF", "GET / HTTP/1.1\nHost: a\r\n\r\n", badLine},
	{"another protocol", "GET / SMTP/1.1\r\n\r\n", badLine},
	{"a relative address", "GET metrics HTTP/1.1\r\n\r\n", badAddress},
	{"an address of no kind", "GET http:metrics HTTP/1.1\r\n\r\n", badAddress},
	{"a bad escape", "GET /%zz HTTP/1.1\r\n\r\n", badAddress},
	{"HTTP/2.0", "GET / HTTP/2.0\r\n\r\n", badVersion},
	{"HTTP/1.2", "GET / HTTP/1.2\r\n\r\n", badVersion},
	{"a preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", badVersion},
	{"a header without a colon", headers("Accept"), badHeader},
	{"a folded header", headers("Accept: a,", " b"), badHeader},
	{"a space before the colon", headers("Accept : a"), badHeader},
	{"a header with a bare CR", headers("Accept: a\rb"), badHeader},
	{"a header without a name", headers(": a"), badHeader},

	{"a long line", "GET /" + strings.Repeat("a", 9000) + " HTTP/1.1\r\nHost: a\r\n\r\n", "414 close This is refused: the request line is too long."},
	{"a line without end", strings.Repeat("a", 9000), "414 close This is refused: the request line is too long."},
	{"a long header", headers("A: " + strings.Repeat("a", 9000)), "431 close This is refused: a header is too long."},
	{"long headers", headers(strings.Repeat("A: "+strings.Repeat("a", 1000)+"\r\n", 17) + "B: b"), "431 close This is refused: the headers are too long."},
	{"many headers", headers(strings.Repeat("A: a\r\n", 5000) + "B: b"), "431 close This is refused: the headers are too long."},
	{"a request line and headers that just fit", headers(strings.Repeat("A: "+strings.Repeat("a", 1000)+"\r\n", 16) + "B: b"), gotPage},
}

// Every request, in one piece and cut in any way, gets the same answers.
func TestRequests(t *testing.T) {
	for _, test := range requestTests {
		t.Run(test.name, func(t *testing.T) {
			closes := strings.Contains(test.want, " close ")
			for _, piece := range []int{1 << 20, 1, 2, 3, 5, 7, 1000} {
				c := converse(site(sample(0, 1)))
				c.pair.Chunk = protocoltest.Fixed(piece)
				c.send(test.send)
				if got := c.answers(t); got != test.want {
					t.Errorf("in pieces of %d:\n got %s\nwant %s", piece, got, test.want)
				}
				if c.closed() != closes {
					t.Errorf("in pieces of %d: closed: %t, want %t", piece, c.closed(), closes)
				}
				c.client.Transport.LoseConnection()
				c.pair.Pump()
				if n := c.clock.Pending(); n != 0 {
					t.Errorf("in pieces of %d: %d timers are left", piece, n)
				}
			}
		})
	}
}

// Two pieces, cut at every place there is.
func TestEveryCut(t *testing.T) {
	stream := getPage + headers("Accept: text/html") + "HEAD /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
	for cut := range len(stream) {
		c := converse(site(sample(0, 1)))
		c.send(stream[:cut])
		c.send(stream[cut:])
		if got := c.answers(t, "GET", "GET", "HEAD"); got != gotPage+", 200 keep-alive <!DOCTYPE html>, 200 close" {
			t.Fatalf("cut at %d: %s", cut, got)
		}
	}
}

// FuzzRequests checks that a stream gets the same answers however it is cut, and
// that what is served here would be the same request for Go's server.
func FuzzRequests(f *testing.F) {
	for i, test := range requestTests {
		f.Add([]byte(test.send), byte(i))
	}
	f.Fuzz(func(t *testing.T, stream []byte, piece byte) {
		whole, cut := converse(site(sample(0, 1))), converse(site(sample(0, 1)))
		cut.pair.Chunk = protocoltest.Fixed(1 + int(piece))
		whole.send(string(stream))
		cut.send(string(stream))
		got := whole.client.Received()
		if !bytes.Equal(got, cut.client.Received()) || whole.closed() != cut.closed() {
			t.Fatalf("in one piece %q, in pieces of %d %q", got, 1+int(piece), cut.client.Received())
		}
		if !bytes.HasPrefix(got, []byte("HTTP/1.1 200 ")) {
			return
		}
		req, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(bytes.TrimLeft(stream, "\r\n"))))
		if err != nil || req.ContentLength != 0 || req.URL.Path != "/" && req.URL.Path != "/metrics" && req.URL.Path != "" {
			t.Fatalf("served, and Go's server reads %+v, %v", req, err)
		}
	})
}

// HEAD gets what GET gets, without the text, and costs no page: the processes are
// not even asked.
func TestHead(t *testing.T) {
	asked := 0
	s := site()
	s.Gather = func() []stats.Snapshot { asked++; return nil }
	for _, path := range []string{"/", "/metrics", "/x"} {
		want := get(t, s, path)
		asked = 0
		c := converse(s)
		c.send("HEAD " + path + " HTTP/1.1\r\nHost: a\r\n\r\n" + getNothing)
		got := parse(t, c.client.Received(), "HEAD", "GET")
		if len(got) != 2 || got[0].body != "" || got[0].StatusCode != want.StatusCode || asked != 0 {
			t.Fatalf("HEAD %s: %d answers, asked %d times: %q", path, len(got), asked, c.client.Received())
		}
		for _, name := range []string{"Content-Type", "Vary", "Cache-Control", "Date"} {
			if a, b := got[0].Header.Get(name), want.Header.Get(name); a != b {
				t.Errorf("HEAD %s: %s is %q, want %q", path, name, a, b)
			}
		}
	}
}
