package basic_test

import (
	"errors"
	"strings"
	"testing"

	"skein/protocol"
	"skein/protocol/basic"
)

func TestLineOnlyLengthLimit(t *testing.T) {
	x := func(n int) string { return strings.Repeat("x", n) }
	tests := []struct {
		name   string
		stream string
		want   []string
		closed bool
	}{
		{"the longest line", x(16384) + "\r\n", []string{"string " + x(16384)}, false},
		{"its delimiter is half there", x(16384) + "\r", nil, false}, // Twisted closes
		{"one more", x(16385) + "\r\n", nil, true},
		{"no delimiter, not too long yet", x(16384), nil, false},
		{"no delimiter", x(16385), nil, true},
		{"no delimiter, but perhaps its beginning", x(16385) + "\r", nil, true},
		{"after a line", "a\r\n" + x(16385) + "\r\nb\r\n", []string{"string a"}, true},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			for _, chunk := range []int{1, 7, 16384, 16385, 16386, 16387, 1 << 16} {
				h := &onlyLines{}
				p := basic.BindLine(h)
				tr := connect(t, p)
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

// A hook that does not close gets over the line, and hears of it once.
func TestLineOnlySkipsALineThatIsTooLong(t *testing.T) {
	const stream = "ok\r\ntoo long\rby far\r\nb\r\n123456\r\n\r\n"
	for chunk := 1; chunk <= len(stream); chunk++ {
		h := &longOnlyLines{}
		h.MaxLength = 5
		p := basic.BindLine(h)
		connect(t, p)
		feed(p, stream, chunk)
		for i, e := range h.events {
			if line, long := strings.CutPrefix(e, "long "); long {
				if len(line) <= 5 || !strings.HasPrefix("too long\rby far", line) && line != "123456" {
					t.Errorf("chunks of %d: the hook got %q", chunk, line)
				}
				h.events[i] = "long"
			}
		}
		h.want(t, "string ok", "long", "string b", "long", "string ")
	}
}

func TestLineOnlyHookMayCallAnything(t *testing.T) {
	h := &longOnlyLines{}
	h.MaxLength = 5
	h.onLong = func([]byte) {
		h.PauseProducing()
		h.DataReceived([]byte("rest\r\nfed\r\n"))
		h.ResumeProducing()
	}
	p := basic.BindLine(h)
	tr := connect(t, p)
	feed(p, "too long", 1000)
	h.want(t, "long too long", "string fed")
	feed(p, "a\r\n", 1)
	h.want(t, "string a")

	h.onLong = func([]byte) { tr.LoseConnection() }
	feed(p, "too long\r\nb\r\n", 1000)
	h.want(t, "long too long")
}

func TestSkippingEndsWithTheConnection(t *testing.T) {
	h := &longOnlyLines{}
	h.MaxLength = 5
	p := basic.BindLine(h)
	connect(t, p)
	feed(p, "too long", 1000)
	p.ConnectionLost(protocol.ErrConnectionDone)
	connect(t, p)
	feed(p, "b\r\n", 1000)
	h.want(t, "long too long", "string b")
}

func TestLineOnlySettings(t *testing.T) {
	h := &onlyLines{}
	h.Delimiter = []byte("--")
	p := basic.BindLine(h)
	tr := connect(t, p)
	feed(p, "a---b--", 1)
	h.want(t, "string a", "string -b")
	if err := h.SendLine([]byte("c")); err != nil || string(tr.Value()) != "c--" {
		t.Errorf("sent %q, %v", tr.Value(), err)
	}
}
