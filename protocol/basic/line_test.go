package basic_test

import (
	"errors"
	"strings"
	"testing"

	"skein/protocol"
	"skein/protocol/basic"
	"skein/protocol/protocoltest"
)

// newLines returns a connected handler of a LineReceiver.
func newLines(t *testing.T) (*lines, protocol.Protocol, *protocoltest.StringTransport) {
	h := &lines{}
	p := basic.BindLine(h)
	return h, p, connect(t, p)
}

func TestLineLengthLimit(t *testing.T) {
	x := func(n int) string { return strings.Repeat("x", n) }
	tests := []struct {
		name   string
		stream string
		want   []string
		closed bool
	}{
		{"the longest line", x(16384) + "\r\n", []string{"string " + x(16384)}, false},
		{"its delimiter is half there", x(16384) + "\r", nil, false},
		{"one more", x(16385) + "\r\n", nil, true},
		{"no delimiter, not certain yet", x(16385), nil, false},
		{"no delimiter", x(16386), nil, true},
		{"after a line", "a\r\n" + x(16385) + "\r\nb\r\n", []string{"string a"}, true},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			for _, chunk := range []int{1, 7, 16384, 16385, 16386, 16387, 1 << 16} {
				h, p, tr := newLines(t)
				feed(p, tc.stream, chunk)
				h.want(t, tc.want...)
				if tr.Disconnecting() != tc.closed {
					t.Errorf("chunks of %d: closed: %t, want %t", chunk, tr.Disconnecting(), tc.closed)
				}
				if tc.closed && !errors.Is(tr.Cause(), basic.ErrTooLong) {
					t.Errorf("the cause is %v", tr.Cause())
				}
			}
		})
	}
}

func TestLineSettings(t *testing.T) {
	h, p, tr := newLines(t)
	h.Delimiter, h.MaxLength = []byte("--"), 3
	feed(p, "a\r\n--bcd--", 1)
	h.want(t, "string a\r\n", "string bcd")
	if err := h.SendLine([]byte("e")); err != nil || string(tr.Value()) != "e--" {
		t.Errorf("sent %q, %v", tr.Value(), err)
	}
	h.on = func(string) { h.Delimiter = []byte(",") } // from the next line on
	feed(p, "f--g--,h---,", 3)
	h.want(t, "string f", "string g--")
	if !tr.Disconnecting() { // "h---" is four bytes, and the limit is three
		t.Error("a line that is too long did not close")
	}

	h, p, tr = newLines(t)
	h.MaxLength = -1
	feed(p, "\r\n\r\nx\r\n", 1)
	h.want(t, "string ", "string ")
	if !tr.Disconnecting() {
		t.Error("a negative limit lets a line pass")
	}
}

// A delimiter may be cut in two, and may begin again inside a false start.
func TestDelimiterAcrossChunks(t *testing.T) {
	for _, delim := range []string{"\n", "\r\n", "aab", "aaa", "abab"} {
		for _, stream := range []string{"xaaabyaab", "aaaaaaaaaa", "ababab", "xabaababab", "\r\r\n\n\r\n", "aaaab"} {
			stream += delim
			var want []string
			parts := strings.Split(stream, delim)
			for _, line := range parts[:len(parts)-1] {
				want = append(want, "string "+line)
			}
			for chunk := 1; chunk <= len(stream); chunk++ {
				h, p, _ := newLines(t)
				h.Delimiter = []byte(delim)
				feed(p, stream, chunk)
				h.want(t, want...)
			}
		}
	}
}

func TestLineLengthExceededHook(t *testing.T) {
	h := &longLines{}
	h.MaxLength = 5
	p := basic.BindLine(h)
	tr := connect(t, p)
	feed(p, "ok\r\ntoo long\r\nafter\r\n", 1000)
	h.want(t, "string ok", "long too long\r\nafter\r\n") // with all that has come
	if tr.Disconnecting() {
		t.Fatal("closed, though there is a hook")
	}
	feed(p, "ok\r\n", 2)
	h.want(t, "string ok")

	// The hook may take what it knows and give back the rest.
	h.onLong = func(line []byte) {
		_, rest, _ := strings.Cut(string(line), "\r\n")
		h.SetLineMode(line[len(line)-len(rest):])
	}
	feed(p, "too long\r\nb\r\nlonger\r\nc\r\n", 1000)
	h.want(t, "string b", "string c")
	feed(p, "no ending", 9)
	feed(p, "\r\nd\r\n", 1) // the end of the line that was given up
	h.want(t, "string ", "string d")
}

// want on longLines leaves the "long" events out where the hook deals with them.
func (h *longLines) want(t *testing.T, events ...string) {
	t.Helper()
	if h.onLong != nil {
		kept := h.events[:0]
		for _, e := range h.events {
			if !strings.HasPrefix(e, "long ") {
				kept = append(kept, e)
			}
		}
		h.events = kept
	}
	h.taker.want(t, events...)
}

func TestRawModeInTheMiddleOfAChunk(t *testing.T) {
	h, p, _ := newLines(t)
	h.on = func(line string) {
		if line == "raw" {
			h.SetRawMode()
		}
	}
	feed(p, "a\r\nraw\r\nx\r\ny", 1000)
	h.want(t, "string a", "string raw", "raw x\r\ny")
	feed(p, "z\r\n", 1000)
	h.want(t, "raw z\r\n")
	h.SetLineMode([]byte("b\r\nc")) // at once: no handler runs
	h.want(t, "string b")
	feed(p, "d\r\n", 1000)
	h.want(t, "string cd")
}

func TestSetLineModeWithTheRest(t *testing.T) {
	h, p, _ := newLines(t)
	h.on = func(line string) {
		if line == "raw" {
			h.SetRawMode()
		}
	}
	h.onRaw = func(data []byte) {
		if _, rest, found := strings.Cut(string(data), "."); found {
			before := len(h.events)
			h.SetLineMode(data[len(data)-len(rest):])
			if len(h.events) != before {
				t.Error("a line came before RawDataReceived had returned")
			}
		}
	}
	feed(p, "raw\r\nabc.a\r\nraw\r\n.raw\r\nxy.b\r\nc", 1000)
	h.want(t, "string raw", "raw abc.a\r\nraw\r\n.raw\r\nxy.b\r\nc", "string a",
		"string raw", "raw .raw\r\nxy.b\r\nc", "string raw", "raw xy.b\r\nc", "string b")
	feed(p, "c\r\n", 1)
	h.want(t, "string cc")
}

// What is put back need not be the end of what was given.
func TestSetLineModeWithOtherBytes(t *testing.T) {
	h, p, _ := newLines(t)
	h.on = func(line string) {
		if line == "raw" {
			h.SetRawMode()
		}
	}
	h.onRaw = func(data []byte) {
		h.SetLineMode(data[:3])          // not the end
		h.SetLineMode([]byte("new\r\n")) // not given at all
		h.SetLineMode(data[3:])          // the end, but no longer next
	}
	feed(p, "raw\r\nab\ncd\r\n", 1000)
	h.want(t, "string raw", "raw ab\ncd\r\n", "string ab\nnew", "string cd")
}

func TestExtraGoesBehindWhatHasCome(t *testing.T) {
	for name, give := range map[string]func(h *lines){
		"SetLineMode":  func(h *lines) { h.SetLineMode([]byte("extra\r\n")) },
		"DataReceived": func(h *lines) { h.DataReceived([]byte("extra\r\n")) },
	} {
		t.Run(name, func(t *testing.T) {
			h, p, _ := newLines(t)
			h.on = func(line string) {
				if line == "a" {
					give(h)
				}
			}
			feed(p, "a\r\nb\r\npar", 1000)
			h.want(t, "string a", "string b", "string parextra")
		})
	}
}

func TestRawModeFromOutside(t *testing.T) {
	h, p, _ := newLines(t)
	feed(p, "half", 1000)
	h.SetRawMode()
	h.want(t) // not from inside SetRawMode
	feed(p, "more", 1000)
	h.want(t, "raw halfmore")

	h, p, _ = newLines(t)
	h.on = func(string) { h.PauseProducing() }
	feed(p, "login\r\nbody", 1000)
	h.SetRawMode() // decided later, in a callback
	h.want(t, "string login")
	h.ResumeProducing()
	h.want(t, "raw body")
}

func TestPauseInRawMode(t *testing.T) {
	h, p, tr := newLines(t)
	h.SetRawMode()
	h.onRaw = func([]byte) { h.PauseProducing() }
	feed(p, "abcd", 2)
	h.want(t, "raw ab")
	h.ResumeProducing()
	h.want(t, "raw cd")
	h.onRaw = func([]byte) { tr.LoseConnection() }
	h.ResumeProducing()
	feed(p, "ef", 2)
	feed(h, "gh", 2)
	h.want(t, "raw ef")
}

func TestRawModeNeedsAMethod(t *testing.T) {
	panics := func(what string, f func()) {
		t.Helper()
		defer func() {
			if err, _ := recover().(error); err == nil || !strings.Contains(err.Error(), "RawDataReceived") {
				t.Errorf("%s: panicked with %v", what, err)
			}
		}()
		f()
	}
	h := &lineEcho{}
	connect(t, basic.BindLine(h))
	panics("SetRawMode", h.SetRawMode)
	h = &lineEcho{}
	h.SetRawMode()
	panics("BindLine", func() { basic.BindLine(h) })
}

func TestClearLineBuffer(t *testing.T) {
	h, p, _ := newLines(t)
	var cleared string
	h.on = func(line string) {
		if line == "clear" {
			cleared = string(h.ClearLineBuffer())
		}
	}
	for _, tc := range []struct {
		name, stream string
		chunk        int
		cleared      string
	}{
		{"in one chunk", "clear\r\nb\r\nc", 1000, "b\r\nc"},
		{"of a line that came in two", "clear\r\nb\r\nc", 4, "b"},
		{"nothing", "clear\r\n", 1000, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			feed(p, tc.stream[:min(len(tc.stream), 2*tc.chunk)], tc.chunk)
			h.want(t, "string clear")
			if cleared != tc.cleared {
				t.Errorf("cleared %q, want %q", cleared, tc.cleared)
			}
			feed(p, "d\r\n", 1)
			h.want(t, "string d")
		})
	}

	feed(p, "half", 2)
	if got := h.ClearLineBuffer(); string(got) != "half" {
		t.Errorf("cleared %q", got)
	}
	feed(p, "e\r\n", 2)
	h.want(t, "string e")
}

func TestClearLineBufferWhilePaused(t *testing.T) {
	h, p, _ := newLines(t)
	h.on = func(string) { h.PauseProducing() }
	feed(p, "ha", 1)
	feed(p, "lf\r\nb\r\n", 1000)
	feed(p, "c", 1)
	if got := h.ClearLineBuffer(); string(got) != "b\r\nc" {
		t.Errorf("cleared %q", got)
	}
	h.ResumeProducing()
	h.want(t, "string half")
}

func TestTheRestIsDroppedOnClosing(t *testing.T) {
	h, p, tr := newLines(t)
	h.on = func(string) { tr.LoseConnection() }
	feed(p, "a\r\nb\r\n", 1000)
	h.want(t, "string a")
	if rest := h.ClearLineBuffer(); len(rest) > 0 {
		t.Errorf("%q was kept for a connection that is being closed", rest)
	}
}

func TestRawModeEndsWithTheConnection(t *testing.T) {
	h, p, _ := newLines(t)
	h.SetRawMode()
	feed(p, "a\r\n", 1000)
	p.ConnectionLost(protocol.ErrConnectionDone)
	connect(t, p)
	feed(p, "b\r\n", 1000)
	h.want(t, "raw a\r\n", "string b")
}

// lastWords is a handler that looks at the tail in ConnectionLost.
type lastWords struct {
	lines
	tail string
}

func (h *lastWords) ConnectionLost(error) { h.tail = string(h.ClearLineBuffer()) }

func TestTheTailCanBeFetchedInConnectionLost(t *testing.T) {
	h := &lastWords{}
	p := basic.BindLine(h)
	connect(t, p)
	feed(p, "a\r\nno newline at the end", 7)
	p.ConnectionLost(protocol.ErrConnectionDone)
	if h.tail != "no newline at the end" {
		t.Errorf("the tail is %q", h.tail)
	}
}
