package basic_test

import (
	"slices"

	"pgregory.net/rapid"

	"skein/protocol"
	"skein/protocol/protocoltest"
)

// script makes the choices of a run: how the bytes are cut, and what the
// handler does with each message. When it is used up it chooses 0.
type script []byte

// next returns a number below n.
func (s *script) next(n int) int {
	if len(*s) == 0 {
		return 0
	}
	c := int((*s)[0])
	*s = (*s)[1:]
	return c % n
}

// act does one of the things that must not change what is delivered. It is
// called by handlers.
func (s *script) act(r receiver) {
	switch s.next(6) {
	case 1:
		r.PauseProducing()
	case 2:
		r.PauseProducing()
		r.ResumeProducing()
	case 3:
		r.ResumeProducing()
	case 4:
		r.PauseProducing()
		r.ResumeProducing()
		r.PauseProducing()
	case 5:
		r.DataReceived(nil)
	}
}

// drive delivers data as the script says. closedAt is the number of bytes after
// which the connection must be closed, never if it is 0; slack is how many more
// may come before it is.
func (s *script) drive(t rapid.TB, p protocol.Protocol, r receiver, tr *protocoltest.StringTransport, data []byte, closedAt, slack int) {
	paused := func() bool { return tr.ProducerState() == protocoltest.Paused }
	for pos := 0; pos < len(data) && !tr.Disconnecting(); {
		if paused() && s.next(4) > 0 {
			r.ResumeProducing()
			continue
		}
		n := min(1+s.next(16)*s.next(16), len(data)-pos)
		feed(p, string(data[pos:pos+n]), n)
		pos += n
		if tr.Disconnecting() && (closedAt == 0 || pos < closedAt) {
			t.Fatalf("closed after %d bytes, want after %d: %v", pos, closedAt, tr.Cause())
		}
		if !tr.Disconnecting() && !paused() && closedAt > 0 && pos >= closedAt+slack {
			t.Fatalf("not closed after %d bytes, want after %d", pos, closedAt)
		}
	}
	for paused() && !tr.Disconnecting() {
		r.ResumeProducing()
	}
	if tr.Disconnecting() != (closedAt > 0) {
		t.Fatalf("closed: %t, want after %d bytes of %d", tr.Disconnecting(), closedAt, len(data))
	}
}

// same compares events, after joining neighbours that are raw data.
func same(t rapid.TB, got, want []string) {
	t.Helper()
	if got = joinRaw(got); !slices.Equal(got, want) {
		t.Fatalf("got %q, want %q", got, want)
	}
}

// joinRaw makes one event of raw data that came in pieces.
func joinRaw(events []string) (joined []string) {
	const raw = "raw "
	for _, e := range events {
		last := len(joined) - 1
		if last >= 0 && len(e) > len(raw) && e[:len(raw)] == raw && len(joined[last]) > len(raw) && joined[last][:len(raw)] == raw {
			joined[last] += e[len(raw):]
			continue
		}
		joined = append(joined, e)
	}
	return joined
}
