package http1_test

import (
	"testing"

	"skein/apps/internal/http1"
	"skein/protocol/protocoltest"
)

func TestIsToken(t *testing.T) {
	for s, want := range map[string]bool{
		"GET": true, "x-Y_9~": true, "": false, "a b": false, "a:": false, "\x7f": false, "é": false, "a\x00": false, "(": false,
	} {
		if got := http1.IsToken(s); got != want {
			t.Errorf("IsToken(%q) is %v", s, got)
		}
	}
}

func TestIsText(t *testing.T) {
	for s, want := range map[string]bool{
		"": true, "a b\tc": true, "é": true, "a\rb": false, "a\x00": false, "\x7f": false, "a\nb": false,
	} {
		if got := http1.IsText([]byte(s)); got != want {
			t.Errorf("IsText(%q) is %v", s, got)
		}
	}
}

// reader is the transport of a client; system is what the system holds for it.
type reader struct {
	*protocoltest.StringTransport
	system int
}

func (r *reader) Unacknowledged() int { return r.Backlog + r.system }

// TestTaking looks at a client, now and then, that has 100 bytes to take.
func TestTaking(t *testing.T) {
	r := &reader{StringTransport: &protocoltest.StringTransport{TB: t}}
	var p http1.Pace
	if p.Taking(r) {
		t.Error("a client takes nothing that it has not been sent")
	}
	p.Wrote(100)
	for i, look := range []struct {
		queued, system int // what is left
		want           bool
	}{
		{50, 50, false}, // nothing is taken
		{50, 40, true},  // the system's alone has become less
		{50, 40, false}, // no more since
		{20, 40, true},
		{0, 0, false}, // there is nothing left to take
	} {
		r.Backlog, r.system = look.queued, look.system
		if got := p.Taking(r); got != look.want {
			t.Errorf("look %d: %v, want %v", i, got, look.want)
		}
	}
}
