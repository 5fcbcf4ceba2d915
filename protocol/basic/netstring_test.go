package basic_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"skein/protocol"
	"skein/protocol/basic"
	"skein/protocol/protocoltest"
)

// newNetstrings returns a connected handler of netstrings.
func newNetstrings(t testing.TB, maxLength int) (*netstrings, protocol.Protocol, *protocoltest.StringTransport) {
	h := &netstrings{}
	h.MaxLength = maxLength
	p := basic.BindString(h)
	return h, p, connect(t, p)
}

// TestMalformedNetstrings feeds byte after byte: the connection must be closed
// by the last one, not by any before.
func TestMalformedNetstrings(t *testing.T) {
	tests := []struct {
		name, stream string // up to the first offending byte
		max          int
		cause        error
		want         []string
	}{
		{"a letter", "a", 0, basic.ErrMalformed, nil},
		{"no length", ":", 0, basic.ErrMalformed, nil},
		{"a comma", ",", 0, basic.ErrMalformed, nil},
		{"minus", "-", 0, basic.ErrMalformed, nil},
		{"plus", "+", 0, basic.ErrMalformed, nil},
		{"a space", " ", 0, basic.ErrMalformed, nil},
		{"a zero byte", "\x00", 0, basic.ErrMalformed, nil},
		{"the byte before the digits", "/", 0, basic.ErrMalformed, nil},
		{"a byte above all digits", "\xb1", 0, basic.ErrMalformed, nil},
		{"two zeros", "00", 0, basic.ErrMalformed, nil},
		{"a leading zero", "05", 0, basic.ErrMalformed, nil},
		{"a digit and a letter", "5a", 0, basic.ErrMalformed, nil},
		{"a digit and a comma", "5,", 0, basic.ErrMalformed, nil},
		{"a space before the colon", "5 ", 0, basic.ErrMalformed, nil},
		{"a line's end", "5\r", 0, basic.ErrMalformed, nil},
		{"zero and a letter", "0x", 0, basic.ErrMalformed, nil},
		{"no comma", "5:hello.", 0, basic.ErrMalformed, nil},
		{"one byte too many", "5:hello!", 0, basic.ErrMalformed, nil},
		{"no comma after nothing", "0:x", 0, basic.ErrMalformed, nil},
		{"a colon in place of the comma", "1:a:", 0, basic.ErrMalformed, nil},
		{"after a good one", "1:a,x", 0, basic.ErrMalformed, []string{"string a"}},
		{"a line's end after a good one", "1:a,\n", 0, basic.ErrMalformed, []string{"string a"}},
		{"too long by default", "100000", 0, basic.ErrTooLong, nil},
		{"far too long", "999999", 0, basic.ErrTooLong, nil},
		{"one too long", "11", 10, basic.ErrTooLong, nil},
		{"a digit too many", "100", 10, basic.ErrTooLong, nil},
		{"a first digit too large", "7", 6, basic.ErrTooLong, nil},
		{"only empty ones", "1", -1, basic.ErrTooLong, nil},
		{"far more than an int", "9999999999999999999", math.MaxInt64, basic.ErrTooLong, nil},
		{"more than an int", "9223372036854775808", math.MaxInt64, basic.ErrTooLong, nil},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			h, p, tr := newNetstrings(t, tc.max)
			for i, c := range []byte(tc.stream) {
				if tr.Disconnecting() {
					t.Fatalf("closed after %q", tc.stream[:i])
				}
				p.DataReceived([]byte{c})
			}
			h.want(t, tc.want...)
			if !tr.Disconnecting() || tr.Aborted() || !errors.Is(tr.Cause(), tc.cause) {
				t.Errorf("closed: %t, by an abort: %t, for %v", tr.Disconnecting(), tr.Aborted(), tr.Cause())
			}

			// In one chunk, whatever follows.
			h, p, tr = newNetstrings(t, tc.max)
			feed(p, tc.stream+",1:b,", 1000)
			h.want(t, tc.want...)
			if !errors.Is(tr.Cause(), tc.cause) {
				t.Errorf("in one chunk: closed for %v", tr.Cause())
			}
		})
	}
}

// What is incomplete waits, and what is just within the rules passes.
func TestNetstringsAtTheLimits(t *testing.T) {
	long := strings.Repeat("x", 99999)
	tests := []struct {
		name, stream string
		max          int
		want         []string
	}{
		{"zero", "0", 0, nil},
		{"zero and colon", "0:", 0, nil},
		{"an empty string", "0:,", 0, []string{"string "}},
		{"the longest length", "99999", 0, nil},
		{"the longest string but its comma", netstring(long)[:100005], 0, nil},
		{"the longest string", netstring(long), 0, []string{"string " + long}},
		{"as long as wanted", netstring("0123456789"), 10, []string{"string 0123456789"}},
		{"a round limit", "100:", 100, nil},
		{"longer than by default", "100000:", 100000, nil},
		{"only empty ones", "0:,0:,", -1, []string{"string ", "string "}},
		{"commas and colons inside", "5:,1:a,,", 0, []string{"string ,1:a,"}},
		{"the largest int", "9223372036854775807:", math.MaxInt64, nil},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			for _, chunk := range []int{1, 3, 1 << 16} {
				h, p, tr := newNetstrings(t, tc.max)
				feed(p, tc.stream, chunk)
				h.want(t, tc.want...)
				if tr.Disconnecting() {
					t.Errorf("closed for %v", tr.Cause())
				}
			}
		})
	}
}

// The comma is looked for before the string is delivered.
func TestNoStringWithoutItsComma(t *testing.T) {
	h, p, tr := newNetstrings(t, 0)
	feed(p, "3:abc", 1000)
	h.want(t)
	feed(p, ",", 1)
	h.want(t, "string abc")
	feed(p, "3:abcd", 1000)
	h.want(t)
	if got := fmt.Sprint(tr.Cause()); !strings.Contains(got, `'d'`) || !strings.Contains(got, "comma") {
		t.Errorf("the cause does not help: %s", got)
	}
}

func TestSendNetstring(t *testing.T) {
	h, _, tr := newNetstrings(t, 5)
	long := strings.Repeat("x", 149970) // sending has no limit
	var want string
	for _, s := range []string{"", "a", "hello, world", long} {
		if err := h.SendString([]byte(s)); err != nil {
			t.Fatal(err)
		}
		want += netstring(s)
	}
	if string(tr.Value()) != want {
		t.Errorf("sent %d bytes that are not the %d expected", len(tr.Value()), len(want))
	}
	tr.LoseConnection()
	if err := h.SendString(nil); err == nil {
		t.Error("no error after LoseConnection")
	}
}

// Two requests in one chunk: a service that closes after the first answers the
// first. Twisted's answers both.
func TestOneAnswerThenClose(t *testing.T) {
	h := &netstrings{}
	h.on = func(m string) {
		_ = h.SendString([]byte(strings.ToLower(m)))
		h.Transport.LoseConnection()
	}
	client := &protocoltest.Recorder{}
	client.OnMade = func() {
		fmt.Fprint(client.Transport, "3:ONE,3:TWO,")
		client.Transport.LoseWriteConnection()
	}
	pair := protocoltest.NewPair(client, basic.BindString(h))
	pair.Chunk = protocoltest.Fixed(5)
	pair.Pump()
	if got := string(client.Received()); got != "3:one," {
		t.Errorf("the client got %q", got)
	}
	if !errors.Is(client.Reason(), protocol.ErrConnectionDone) {
		t.Errorf("the client's reason is %v", client.Reason())
	}
}

// However far a string has come, Midway tells whether there is one.
func TestMidway(t *testing.T) {
	h, p, _ := newNetstrings(t, 0)
	h.on = func(m string) {
		if m == "stop" {
			h.PauseProducing()
		}
	}
	for _, stream := range []string{"5:hello,", "0:,", "600:" + strings.Repeat("x", 600) + ","} {
		for range 2 {
			for i := range len(stream) {
				feed(p, stream[i:i+1], 1)
				if got, want := h.Midway(), i < len(stream)-1; got != want {
					t.Fatalf("after %d bytes of %.10q: %t", i+1, stream, got)
				}
			}
			feed(p, stream+stream, 3*len(stream))
			if h.Midway() {
				t.Fatalf("after two of %.10q in one piece", stream)
			}
		}
	}
	feed(p, "4:stop,3:end,", 100)
	if !h.Midway() {
		t.Error("a string is held back")
	}
	h.ResumeProducing()
	if h.Midway() {
		t.Error("the string that was held back is still there")
	}
	feed(p, "4:st", 100)
	p.ConnectionLost(protocol.ErrConnectionDone)
	if connect(t, p); h.Midway() {
		t.Error("the next connection begins in the middle")
	}
}

// What is no netstring has come, and nothing that comes behind it is one, even from a
// transport that goes on.
func TestAFaultIsTheEnd(t *testing.T) {
	for _, stream := range []string{"x", ":", "1x", "01", "1:ab", "12:hello, world;", "201", "999999", "1:a,-"} {
		for chunk := 1; chunk <= len(stream); chunk++ {
			h, p, tr := newNetstrings(t, 200)
			feed(p, stream, chunk)
			if !tr.Disconnecting() || !h.Midway() {
				t.Errorf("%q in chunks of %d: closed %t, midway %t", stream, chunk, tr.Disconnecting(), h.Midway())
			}
			h.events = nil
			feed(p, "1:a,1:b,", 100)
			h.want(t)
			p.ConnectionLost(protocol.ErrConnectionDone)
			connect(t, p)
			feed(p, "1:c,", 100)
			h.want(t, "string c")
			if h.Midway() {
				t.Errorf("%q in chunks of %d: the next connection begins in the middle", stream, chunk)
			}
		}
	}
}

// Every length that is read by a way of its own, at and over every limit.
func TestLengthsOfAnyNumberOfDigits(t *testing.T) {
	for _, size := range []int{0, 1, 9, 10, 11, 19, 90, 98, 99, 100, 101, 999, 1000, 9999, 10_000, 99_999, 100_000} {
		for _, limit := range []int{size - 1, size, size + 1, 0} {
			h, p, tr := newNetstrings(t, limit)
			text := strings.Repeat("x", size)
			feed(p, netstring(text)+"1:y", 1<<20)
			most := limit
			if limit == 0 {
				most = basic.DefaultMaxString
			}
			if most = max(most, 0); size > most {
				if h.want(t); !errors.Is(tr.Cause(), basic.ErrTooLong) {
					t.Errorf("%d bytes, and the limit is %d: closed for %v", size, limit, tr.Cause())
				}
				continue
			}
			h.want(t, "string "+text)
			if tr.Disconnecting() != (most < 1) {
				t.Errorf("%d bytes, and the limit is %d: closed for %v", size, limit, tr.Cause())
			}
		}
	}
	for _, wrong := range []string{"/0:", "1/:", "1;:", "::", "0:;", "00:", "09:", "a0:", "1a:"} {
		h, p, tr := newNetstrings(t, 0)
		if feed(p, wrong+strings.Repeat("x", 100), 1000); !errors.Is(tr.Cause(), basic.ErrMalformed) {
			t.Errorf("%q: closed for %v", wrong, tr.Cause())
		}
		h.want(t)
	}
	h, p, _ := newNetstrings(t, 0)
	feed(p, "1::"+strings.Repeat(",", 200), 1000) // the second colon is the string
	h.want(t, "string :")
}
