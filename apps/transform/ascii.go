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

// The 26 letters of a case, as appendASCII takes them: what a byte of ASCII must have
// added to have its high bit set from the first letter on, eight times.
const (
	capitals = (0x80 - 'A') * ones
	smalls   = (0x80 - 'a') * ones
)

// appendASCII appends s to dst with the letters of one case in the other one. It
// reports whether s is ASCII; if not, it has appended nothing. The two must not
// overlap.
//
// The copy is changed in place: two slices that are gone through side by side need
// more registers than there are. BenchmarkAppend has a line of a poem, and a page.
func appendASCII(dst, s []byte, letters uint64) ([]byte, bool) {
	all := append(dst, s...)
	if !recase(all[len(dst):], letters) {
		return dst, false
	}
	return all, true
}

// recase changes the case of the letters in text, and reports whether it is ASCII;
// else what it has made of it is of no use.
func recase(text []byte, letters uint64) bool {
	seen := uint64(0)
	for len(text) >= 32 { // four at a time: they do not wait for each other
		p := (*[32]byte)(text)
		a, b := binary.LittleEndian.Uint64(p[:]), binary.LittleEndian.Uint64(p[8:])
		c, d := binary.LittleEndian.Uint64(p[16:]), binary.LittleEndian.Uint64(p[24:])
		seen |= a | b | c | d
		binary.LittleEndian.PutUint64(p[:], swap(a, letters))
		binary.LittleEndian.PutUint64(p[8:], swap(b, letters))
		binary.LittleEndian.PutUint64(p[16:], swap(c, letters))
		binary.LittleEndian.PutUint64(p[24:], swap(d, letters))
		text = text[32:]
	}
	for ; len(text) >= 8; text = text[8:] {
		w := binary.LittleEndian.Uint64(text)
		seen |= w
		binary.LittleEndian.PutUint64(text, swap(w, letters))
	}
	for i, c := range text {
		seen |= uint64(c)
		text[i] = byte(swap(uint64(c), letters))
	}
	return seen&highs == 0
}

// swap changes the case of the letters among eight bytes of ASCII. In each byte, a
// sum has its high bit set from the first letter on, and another one from behind
// the last letter on; where the two differ is a letter, and the bit that they
// differ in is four times the one that makes the case.
func swap(w, letters uint64) uint64 {
	return w ^ ((w+letters)^(w+letters-26*ones))&highs>>2
}
