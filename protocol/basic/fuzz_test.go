package basic_test

import (
	"testing"

	"pgregory.net/rapid"

	"skein/protocol/basic"
)

// Each target gives a stream and a script to a receiver: however the script cuts
// the stream, and wherever it pauses and resumes, the handler must get what the
// reference parser finds in the whole.

// delims are the delimiters that scripts choose from: of one byte, of two, and
// some that begin again inside themselves.
var delims = []string{"\r\n", "\n", "aab", "aa", "abab"}

func FuzzLine(f *testing.F) {
	f.Add([]byte("hello\r\n\r\nworld\r\nhalf"), []byte{0, 10, 2, 1, 1, 3, 4})
	f.Add([]byte("#5\r\n\r\nabc#3\r\nxyz#9\r\nshort"), []byte{0, 9, 1, 1, 1, 2, 2, 5})
	f.Add([]byte("12345\r\n123456\r\nb\r\n"), []byte{0, 5, 3, 3})
	f.Add([]byte("aaaabaaaabab"), []byte{2, 7, 1, 1})
	f.Fuzz(func(t *testing.T, data, choices []byte) { checkLine(t, data, choices) })
}

func checkLine(t rapid.TB, data, choices []byte) {
	s := script(choices)
	delim, limit := delims[s.next(len(delims))], 1+s.next(40)
	h := &lines{}
	h.Delimiter, h.MaxLength = []byte(delim), limit
	missing := 0
	h.on = func(line string) {
		if missing = announced(line); missing > 0 {
			h.SetRawMode()
		}
		s.act(h)
	}
	h.onRaw = func(data []byte) {
		n := min(missing, len(data))
		last := len(h.events) - 1
		h.events[last] = "raw " + string(data[:n])
		if missing -= n; missing > 0 {
			s.act(h)
			return
		}
		extra := data[n:]
		if s.next(2) > 0 {
			extra = []byte(string(extra)) // bytes that are not the receiver's
		}
		h.SetLineMode(extra)
		s.act(h)
	}
	p := basic.BindLine(h)
	want, closedAt := referenceLines(data, delim, limit)
	s.drive(t, p, h, attach(p), data, closedAt, 2*len(delim))
	same(t, h.events, want)
}

func FuzzLineOnly(f *testing.F) {
	f.Add([]byte("hello\r\n\r\nworld\r\nhalf"), []byte{0, 10, 2, 1, 1, 3, 4})
	f.Add([]byte("12345\r\n123456\r\nb\r\n1234567\r"), []byte{0, 4, 3, 3})
	f.Add([]byte("aaaabaaaabab"), []byte{2, 3, 1, 1})
	f.Fuzz(func(t *testing.T, data, choices []byte) { checkLineOnly(t, data, choices) })
}

func checkLineOnly(t rapid.TB, data, choices []byte) {
	s := script(choices)
	delim, limit := delims[s.next(len(delims))], 1+s.next(40)
	h := &longOnlyLines{}
	h.Delimiter, h.MaxLength = []byte(delim), limit
	h.on = func(string) { s.act(h) }
	h.onLong = func(line []byte) {
		if len(line) <= limit {
			t.Errorf("the line %q is not too long: the limit is %d", line, limit)
		}
		h.events[len(h.events)-1] = "long" // how much of it comes depends on the chunks
		s.act(h)
	}
	p := basic.BindLine(h)
	s.drive(t, p, h, attach(p), data, 0, 0)
	same(t, h.events, referenceOnlyLines(data, delim, limit))
}

func FuzzNetstring(f *testing.F) {
	for _, stream := range []string{
		"5:hello,0:,12:hello, world,3:ab", "07:", "abc", "5:hello;", "0:x", "41:", "999999999999999999999",
		"1:a,1:b,1:c,x",
	} {
		f.Add([]byte(stream), []byte{40, 1, 2, 1, 3})
	}
	f.Fuzz(func(t *testing.T, data, choices []byte) { checkNetstring(t, data, choices) })
}

func checkNetstring(t rapid.TB, data, choices []byte) {
	s := script(choices)
	limit := 1 + s.next(200)
	h := &netstrings{}
	h.MaxLength = limit
	h.on = func(string) { s.act(h) }
	p := basic.BindString(h)
	want, closedAt := referenceNetstrings(data, limit)
	s.drive(t, p, h, attach(p), data, closedAt, 0)
	same(t, h.events, want)
}

func FuzzInt8(f *testing.F) {
	f.Add([]byte("\x05hello\x00\x01a\x03ab"), []byte{10, 1, 1, 2})
	f.Add([]byte("\x05hello\xffa\x03ab"), []byte{10, 0, 3, 2})
	f.Fuzz(func(t *testing.T, data, choices []byte) { checkInts(t, 1, data, choices) })
}

func FuzzInt16(f *testing.F) {
	f.Add([]byte("\x00\x05hello\x00\x00\x00\x01a\x00\x03ab"), []byte{10, 1, 1, 2})
	f.Add([]byte("\x00\x05hello\x00\xffa\x00\x03ab"), []byte{10, 0, 3, 2})
	f.Fuzz(func(t *testing.T, data, choices []byte) { checkInts(t, 2, data, choices) })
}

func FuzzInt32(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x05hello\x00\x00\x00\x00\x00\x00\x00\x03ab"), []byte{10, 1, 1, 2})
	f.Add([]byte("\x00\x00\x00\x05hello\x80\x00\x00\x00a"), []byte{10, 0, 3, 2})
	f.Fuzz(func(t *testing.T, data, choices []byte) { checkInts(t, 4, data, choices) })
}

func checkInts(t rapid.TB, width int, data, choices []byte) {
	s := script(choices)
	limit, skip := 1+s.next(100), s.next(2) > 0
	h, r, got := intHandler(width, limit, skip)
	got.on = func(string) { s.act(r) }
	got.onOver = func(uint32) { s.act(r) }
	p := basic.BindString(h)
	want, closedAt := referenceInts(data, width, limit, skip)
	s.drive(t, p, r, attach(p), data, closedAt, 0)
	same(t, got.events, want)
}

// intHandler returns a handler of strings with a length of so many bytes; if
// skip is set, one with a hook for strings that are too long.
func intHandler(width, limit int, skip bool) (basic.StringHandler, receiver, *taker) {
	switch width {
	case 1:
		h := &overInt8s{}
		h.MaxLength = limit
		if !skip {
			return &h.int8s, h, &h.taker
		}
		return h, h, &h.taker
	case 2:
		h := &overInt16s{}
		h.MaxLength = limit
		if !skip {
			return &h.int16s, h, &h.taker
		}
		return h, h, &h.taker
	}
	h := &overInt32s{}
	h.MaxLength = limit
	if !skip {
		return &h.int32s, h, &h.taker
	}
	return h, h, &h.taker
}
