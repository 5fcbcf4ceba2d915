package dummyhttp_test

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"skein/apps/dummyhttp"
	"skein/deferred/clock"
	"skein/protocol/protocoltest"
)

// conversation is a client that a test plays, and the server's protocol.
type conversation struct {
	client *protocoltest.HalfRecorder
	pair   *protocoltest.Pair
	clock  *clock.Fake
	log    bytes.Buffer
	seen   int
}

// converse connects a client to a server.
func converse(settings func(f *dummyhttp.Factory)) *conversation {
	c := &conversation{client: &protocoltest.HalfRecorder{}, clock: clock.NewFake()}
	f := &dummyhttp.Factory{Clock: c.clock, Log: zerolog.New(&c.log)}
	if settings != nil {
		settings(f)
	}
	c.pair = protocoltest.NewPair(c.client, f.BuildProtocol(nil))
	c.pair.Pump()
	return c
}

// send sends text to the server, and pumps.
func (c *conversation) send(text string) {
	_, _ = c.client.Transport.Write([]byte(text))
	c.pair.Pump()
}

// answers returns what the client has got since the last call, each answer as
// its status, connection and text.
func (c *conversation) answers(t *testing.T) string {
	t.Helper()
	got := string(c.client.Received())[c.seen:]
	c.seen += len(got)
	form := regexp.MustCompile(`(?s)^HTTP/1\.1 (\d+) [A-Z][^\r\n]*\r\n(?:Allow: POST\r\n)?Content-Type: text/plain\r\n` +
		`Content-Length: (\d+)\r\nConnection: (close|keep-alive)\r\n\r\n`)
	var all []string
	for got != "" {
		if rest, ok := strings.CutPrefix(got, "HTTP/1.1 100 Continue\r\n\r\n"); ok {
			all, got = append(all, "continue"), rest
			continue
		}
		m := form.FindStringSubmatch(got)
		if m == nil {
			t.Fatalf("this is no answer: %q", got)
		}
		var length int
		_, _ = fmt.Sscan(m[2], &length) // the form has only digits
		got = got[len(m[0]):]
		all = append(all, m[1]+" "+m[3]+" "+strings.TrimSuffix(got[:length], "\n"))
		got = got[length:]
	}
	return strings.Join(all, ", ")
}

// finish checks whether the server has closed, closes the client's side too, and
// checks the warnings and what is left.
func (c *conversation) finish(t *testing.T, closed bool, warnings int) {
	t.Helper()
	if got := c.pair.Server.Disconnecting(); got != closed {
		t.Errorf("the server has closed: %t, want %t", got, closed)
	}
	c.client.Transport.LoseConnection()
	c.pair.Pump()
	if n := c.clock.Pending(); n != 0 {
		t.Errorf("%d timers are left", n)
	}
	if n := strings.Count(c.log.String(), `"warn"`); n != warnings {
		t.Errorf("there are %d warnings, want %d:\n%s", n, warnings, c.log.String())
	}
}

// post returns a request with headers that are as they should be.
func post(body string) string {
	return fmt.Sprintf("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// expects returns the head of a request with these Expect headers.
func expects(what ...string) string {
	return "POST / HTTP/1.1\r\nHost: a\r\nExpect: " + strings.Join(what, "\r\nExpect: ") + "\r\nContent-Length: 2\r\n\r\n"
}

// requestTests are what a client sends at once, and the answers.
var requestTests = []struct {
	name   string
	send   string
	want   string
	closed bool
	warned bool
}{
	{"a body", post("hello"), "200 keep-alive 5", false, false},
	{"no body", post(""), "200 keep-alive 0", false, false},
	{"two", post("hello") + post("hello, world"), "200 keep-alive 5, 200 keep-alive 12", false, false},
	{"a body of requests", post(post("hello")), "200 keep-alive 60", false, false},
	{"an empty line between", post("hello") + "\r\n" + post("you"), "200 keep-alive 5, 200 keep-alive 3", false, false},
	{"close", "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\nab" + post("c"), "200 close 2", true, false},
	{"close among others", "POST / HTTP/1.1\r\nHost: a\r\nConnection: x, CLOSE\r\nContent-Length: 2\r\n\r\nab", "200 close 2", true, false},
	{"HTTP/1.0", "POST / HTTP/1.0\r\nContent-Length: 2\r\n\r\nab", "200 close 2", true, false},
	{"HTTP/1.0, kept", "POST / HTTP/1.0\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nab", "200 keep-alive 2", false, false},
	{"names in any case, values with space", "POST / HTTP/1.1\r\nHOST:a\r\ncontent-LENGTH: \t2 \r\n\r\nab", "200 keep-alive 2", false, false},
	{"100-continue", "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\nab", "continue, 200 keep-alive 2", false, false},
	{"100-continue in HTTP/1.0", "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab", "200 close 2", true, false},
	{"100-continue without a body", "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n", "200 keep-alive 0", false, false},

	{"GET", "GET / HTTP/1.1\r\nHost: a\r\n\r\n" + post("a"), "405 keep-alive Only POST is allowed here., 200 keep-alive 1", false, true},
	{"PUT with a body", "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab" + post("a"), "405 close Only POST is allowed here.", true, true},
	{"post in lower case", "post / HTTP/1.1\r\nHost: a\r\n\r\n", "405 keep-alive Only POST is allowed here.", false, true},

	{"GET without a Host", "GET / HTTP/1.1\r\n\r\n", "405 keep-alive Only POST is allowed here.", false, true},
	{"chunked PUT", "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "405 close Only POST is allowed here.", true, true},
	{
		"PUT with a length and chunked", "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n",
		"405 close Only POST is allowed here.", true, true,
	},

	{"no length", "POST / HTTP/1.1\r\nHost: a\r\n\r\n", "411 close This is refused: a POST has a Content-Length.", true, true},
	{"two lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab", "400 close This is refused: more than one Content-Length.", true, true},
	{"two lengths in one", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2, 2\r\n", badLength, true, true},
	{"a sign", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +2\r\n", badLength, true, true},
	{"a negative length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -2\r\n", badLength, true, true},
	{"a hexadecimal length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x2\r\n", badLength, true, true},
	{"an empty length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n", badLength, true, true},
	{"a length too long", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775808\r\n", badLength, true, true},
	{"chunked", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "501 close This is refused: a body needs a Content-Length here.", true, true},
	{
		"chunked with a length", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n",
		"400 close This is refused: Transfer-Encoding and Content-Length exclude each other.", true, true,
	},
	{"another Expect", "POST / HTTP/1.1\r\nHost: a\r\nExpect: mercy\r\nContent-Length: 2\r\n\r\n", badExpect, true, true},
	{"another Expect before 100-continue", expects("mercy", "100-continue"), badExpect, true, true},
	{"another Expect behind 100-continue", expects("100-continue", "mercy"), badExpect, true, true},
	{"100-continue twice", expects("100-continue", "100-continue") + "ab", "continue, 200 keep-alive 2", false, false},
	{"no Host", "POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n", "400 close This is refused: a request has one Host.", true, true},
	{"two Hosts", "POST / HTTP/1.1\r\nHost: a\r\nHost: a\r\nContent-Length: 2\r\n\r\n", "400 close This is refused: a request has one Host.", true, true},

	{"a poem", "Shall I compare thee\r\n", badLine, true, true},
	{"two words", "POST /\r\n", badLine, true, true},
	{"no target", "POST  HTTP/1.1\r\n", badLine, true, true},
	{"a method in brackets", "(POST) / HTTP/1.1\r\n", badLine, true, true},
	{"a control character", "POST /\x00 HTTP/1.1\r\n", badLine, true, true},
	{"HTTP/2", "POST / HTTP/2\r\n", "505 close This is refused: only HTTP/1.0 and HTTP/1.1 are spoken here.", true, true},
	{"a header without a colon", "POST / HTTP/1.1\r\nHost\r\n", badHeader, true, true},
	{"a header without a name", "POST / HTTP/1.1\r\n: a\r\n", badHeader, true, true},
	{"a space before the colon", "POST / HTTP/1.1\r\nHost : a\r\n", badHeader, true, true},
	{"a folded header", "POST / HTTP/1.1\r\nHost: a\r\n b\r\n", badHeader, true, true},
	{"a bare line end", "POST / HTTP/1.1\r\nHost: a\nContent-Length: 2\r\n", badHeader, true, true},
	{"a request line without end", strings.Repeat("P", dummyhttp.DefaultMaxLine+2), "414 close This is refused: the request line is too long.", true, true},
	{
		"a header without end", "POST / HTTP/1.1\r\n" + strings.Repeat("H", dummyhttp.DefaultMaxLine+2),
		"431 close This is refused: a header is too long.", true, true,
	},
	{
		"too many headers", "POST / HTTP/1.1\r\n" + strings.Repeat("A: b\r\n", dummyhttp.DefaultMaxHeaders+1),
		"431 close This is refused: too many headers.", true, true,
	},
	{
		"as many headers as may be", "POST / HTTP/1.0\r\nContent-Length: 1\r\n" + strings.Repeat("A: b\r\n", dummyhttp.DefaultMaxHeaders-1) + "\r\na",
		"200 close 1", true, false,
	},
}

func TestRequests(t *testing.T) {
	for _, test := range requestTests {
		for _, chunk := range []int{0, 1, 7} {
			t.Run(fmt.Sprintf("%s, in chunks of %d", test.name, chunk), func(t *testing.T) {
				c := converse(nil)
				if chunk > 0 {
					c.pair.Chunk = protocoltest.Fixed(chunk)
				}
				c.send(test.send)
				if got := c.answers(t); got != test.want {
					t.Errorf("the answers are %s, want %s", got, test.want)
				}
				warnings := 0
				if test.warned {
					warnings = 1
				}
				c.finish(t, test.closed, warnings)
			})
		}
	}
}

const (
	badLine   = "400 close This is refused: malformed request line."
	badHeader = "400 close This is refused: malformed header."
	badExpect = "417 close This is refused: the only thing to expect is 100-continue."
	badLength = "400 close This is refused: Content-Length is not a number of bytes."
)

func TestHEADHasNoText(t *testing.T) {
	c := converse(nil)
	c.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
	got := string(c.client.Received())
	if !strings.HasPrefix(got, "HTTP/1.1 405 Method Not Allowed\r\nAllow: POST\r\n") || !strings.HasSuffix(got, "\r\n\r\n") {
		t.Errorf("the answer is %q", got)
	}
	c.finish(t, false, 1)
}

func TestTimeouts(t *testing.T) {
	const tooSlow = "408 close This is refused: the client took too long."
	tests := []struct {
		name   string
		begins string
		goesOn string // each second
		want   string
		warned bool
	}{
		{"silent", "", "", "", false},
		{"empty lines", "", "\r\n", "", false},
		{"in the request line", "POST", "x", tooSlow, true},
		{"in a header", "POST / HTTP/1.1\r\n", "x", tooSlow, true},
		{"header by header", "POST / HTTP/1.1\r\n", "x: y\r\n", tooSlow, true},
		{"in the body", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n12345", "", tooSlow, true},
		{"byte by byte in the body", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n", "x", tooSlow, true},
		{"byte by byte in a short body", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 31\r\n\r\n", "x", tooSlow, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := converse(nil)
			c.send(test.begins)
			for second := 1; second < 30; second++ {
				c.clock.Advance(time.Second)
				if test.goesOn != "" {
					c.send(test.goesOn)
				}
			}
			if c.pair.Server.Disconnecting() {
				t.Fatal("closed too early")
			}
			c.clock.Advance(time.Second)
			c.pair.Pump()
			if got := c.answers(t); got != test.want {
				t.Errorf("the answers are %s, want %s", got, test.want)
			}
			warnings := 0
			if test.warned {
				warnings = 1
			}
			c.finish(t, true, warnings)
		})
	}
}

// Each MinBody bytes of a body buy a time, and so does its end; what was left
// over by a body counts for no other.
func TestABodyThatGoesOnIsNoTimeout(t *testing.T) {
	c := converse(func(f *dummyhttp.Factory) { f.Timeout = time.Second })
	for range 2 {
		c.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 102401\r\n\r\n")
		for range 100 {
			c.clock.Advance(time.Second / 2)
			c.send(strings.Repeat("x", dummyhttp.DefaultMinBody-1))
			c.clock.Advance(time.Second/2 - 1)
			c.send("x")
		}
		c.clock.Advance(time.Second - 1)
		c.send("x")
		if got := c.answers(t); got != "200 keep-alive 102401" {
			t.Errorf("the answers are %s", got)
		}
		c.clock.Advance(time.Second - 1)
	}
	c.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 102400\r\n\r\n")
	c.clock.Advance(time.Second - 1)
	c.send(strings.Repeat("x", dummyhttp.DefaultMinBody-1))
	c.clock.Advance(1)
	c.pair.Pump()
	if got := c.answers(t); got != "408 close This is refused: the client took too long." {
		t.Errorf("the answers are %s", got)
	}
	c.finish(t, true, 1)
}

func TestMinBody(t *testing.T) {
	c := converse(func(f *dummyhttp.Factory) { f.Timeout, f.MinBody = time.Second, 1 })
	c.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n")
	for range 100 {
		c.clock.Advance(time.Second - 1)
		c.send("x")
	}
	if got := c.answers(t); got != "200 keep-alive 100" {
		t.Errorf("the answers are %s", got)
	}
	c.finish(t, false, 0)
}

// slowReader is the transport to a client that reads slowly: the system's memory
// empties, and the queue stands still.
type slowReader struct {
	*protocoltest.StringTransport
	system int
}

func (r *slowReader) Unacknowledged() int { return r.Backlog + r.system }

func TestAClientThatReadsSlowlyIsNotCutOff(t *testing.T) {
	tests := []struct {
		name    string
		send    string
		backlog int
		aborted bool
		cut     bool // it has no more time for its answers
	}{
		{"the queue is not empty", post("x"), 10, true, false},
		{"the queue is empty", post("x"), 0, false, false},
		{"in the middle of a request, held up by its answers", post("x") + "POST", 10, true, false},
		{"in the middle of a request", post("x") + "POST / HTTP/1.1\r\n", 0, false, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			clock := clock.NewFake()
			r := &slowReader{&protocoltest.StringTransport{TB: t}, 0}
			p := (&dummyhttp.Factory{Clock: clock}).BuildProtocol(nil)
			p.MakeConnection(r)
			p.ConnectionMade()
			p.DataReceived([]byte(test.send))
			r.Backlog = test.backlog
			for r.system = len(r.Value()) - r.Backlog - 1; r.system > 0; r.system -= min(20, r.system) {
				clock.Advance(dummyhttp.DefaultTimeout)
				if r.Disconnecting() != test.cut {
					t.Fatalf("closed: %t, for %v, while the system had %d bytes", !test.cut, r.Cause(), r.system)
				}
			}
			clock.Advance(dummyhttp.DefaultTimeout)
			clock.Advance(dummyhttp.DefaultTimeout)
			if !r.Disconnecting() || r.Aborted() != test.aborted || clock.Pending() != 0 {
				t.Errorf("a client that reads no more: closed %t, aborted %t, %d timers left", r.Disconnecting(), r.Aborted(), clock.Pending())
			}
		})
	}
}

func TestAClientThatLeavesInTheMiddle(t *testing.T) {
	tests := []struct {
		name string
		send string
		half bool
		want int
	}{
		{"of nothing", "", true, 0},
		{"of the request line", "POST /", true, 1},
		{"of the head", "POST / HTTP/1.1\r\n", true, 1},
		{"of the body", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab", true, 1},
		{"of the body, by a reset", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab", false, 1},
		{"of nothing, behind a request", post("ab"), true, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := converse(nil)
			c.send(test.send)
			if test.half {
				c.client.Transport.LoseWriteConnection()
			} else {
				c.client.Transport.AbortConnection()
			}
			c.pair.Pump()
			c.finish(t, true, test.want)
		})
	}
}
