package transform

import (
	"encoding/binary"
	"slices"
	"unicode/utf8"
)

// Eight bytes at a time: one bit or one byte, eight times.
const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
)

// valid reports whether s is UTF-8. Nearly all that comes is ASCII, which takes a
// third of the time to see that utf8.Valid takes for a line.
func valid(s []byte) bool {
	rest := s
	for len(rest) >= 32 {
		a, b := binary.LittleEndian.Uint64(rest), binary.LittleEndian.Uint64(rest[8:])
		c, d := binary.LittleEndian.Uint64(rest[16:]), binary.LittleEndian.Uint64(rest[24:])
		if (a|b|c|d)&highs != 0 {
			return utf8.Valid(s)
		}
		rest = rest[32:]
	}
	for _, c := range rest {
		if c >= 0x80 {
			return utf8.Valid(s)
		}
	}
	return true
}

// appendASCII appends s to dst with the 26 letters from first on, which is 'A' or
// 'a', in the other case. It reports whether s is ASCII; if not, it has appended
// nothing. The two must not overlap.
//
// It takes eight bytes at a time, which is four times as fast as letter by letter
// for a line of a poem. In each, a sum has its high bit set from the first letter
// on, and another one from behind the last letter on; where the two differ is a
// letter, and the bit that they differ in is four times the one that makes the
// case.
func appendASCII(dst, s []byte, first byte) ([]byte, bool) {
	at, size := len(dst), len(s)
	all := slices.Grow(dst, size)[:at+size]
	from, to := s, all[at:]
	letters, behind := uint64(0x80-first)*ones, uint64(0x80-first-26)*ones
	for len(from) >= 16 && len(to) >= 16 { // two at a time: they do not wait for each other
		v, w := binary.LittleEndian.Uint64(from), binary.LittleEndian.Uint64(from[8:])
		if (v|w)&highs != 0 {
			return all[:at], false
		}
		binary.LittleEndian.PutUint64(to, v^(((v+letters)^(v+behind))&highs)>>2)
		binary.LittleEndian.PutUint64(to[8:], w^(((w+letters)^(w+behind))&highs)>>2)
		from, to = from[16:], to[16:]
	}
	for len(from) >= 8 && len(to) >= 8 {
		w := binary.LittleEndian.Uint64(from)
		if w&highs != 0 {
			return all[:at], false
		}
		binary.LittleEndian.PutUint64(to, w^(((w+letters)^(w+behind))&highs)>>2)
		from, to = from[8:], to[8:]
	}
	for i, c := range from {
		if c >= 0x80 {
			return all[:at], false
		}
		if c-first < 26 {
			c ^= 'a' ^ 'A'
		}
		to[i] = c
	}
	return all, true
}
