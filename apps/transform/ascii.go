package transform

import (
	"encoding/binary"
	"unicode/utf8"
)

// Eight bytes at a time: one bit or one byte, eight times.
const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
)

// valid reports whether s is UTF-8. Nearly all that comes is ASCII, which is sooner
// seen of 32 bytes at a time.
func valid(s []byte) bool {
	for len(s) >= 32 {
		a, b := binary.LittleEndian.Uint64(s), binary.LittleEndian.Uint64(s[8:])
		c, d := binary.LittleEndian.Uint64(s[16:]), binary.LittleEndian.Uint64(s[24:])
		if (a|b|c|d)&highs != 0 {
			break
		}
		s = s[32:]
	}
	return utf8.Valid(s)
}

// appendASCII appends s to dst with the 26 letters from first on, which is 'A' or
// 'a', in the other case. It reports whether s is ASCII; if not, it has appended
// nothing. The two must not overlap.
//
// The copy is changed in place: two slices that are gone through side by side need
// more registers than there are. BenchmarkAppend has a line of a poem, and a page.
func appendASCII(dst, s []byte, first byte) ([]byte, bool) {
	all := append(dst, s...)
	if !recase(all[len(dst):], first) {
		return dst, false
	}
	return all, true
}

// recase changes the case of the letters from first on in text, and reports whether
// it is ASCII; else what it has made of it is of no use.
func recase(text []byte, first byte) bool {
	letters, behind := uint64(0x80-first)*ones, uint64(0x80-first-26)*ones
	seen := uint64(0)
	for len(text) >= 32 { // four at a time: they do not wait for each other
		p := (*[32]byte)(text)
		a, b := binary.LittleEndian.Uint64(p[:]), binary.LittleEndian.Uint64(p[8:])
		c, d := binary.LittleEndian.Uint64(p[16:]), binary.LittleEndian.Uint64(p[24:])
		seen |= a | b | c | d
		binary.LittleEndian.PutUint64(p[:], swap(a, letters, behind))
		binary.LittleEndian.PutUint64(p[8:], swap(b, letters, behind))
		binary.LittleEndian.PutUint64(p[16:], swap(c, letters, behind))
		binary.LittleEndian.PutUint64(p[24:], swap(d, letters, behind))
		text = text[32:]
	}
	for ; len(text) >= 8; text = text[8:] {
		w := binary.LittleEndian.Uint64(text)
		seen |= w
		binary.LittleEndian.PutUint64(text, swap(w, letters, behind))
	}
	for i, c := range text {
		seen |= uint64(c)
		if c-first < 26 {
			text[i] = c ^ 'a' ^ 'A'
		}
	}
	return seen&highs == 0
}

// swap changes the case of the letters among eight bytes of ASCII. In each byte, a
// sum has its high bit set from the first letter on, and another one from behind
// the last letter on; where the two differ is a letter, and the bit that they
// differ in is four times the one that makes the case.
func swap(w, letters, behind uint64) uint64 { return w ^ ((w+letters)^(w+behind))&highs>>2 }
