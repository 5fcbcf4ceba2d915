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
// It takes eight bytes at a time; BenchmarkAppend has a line of a poem, and a page.
func appendASCII(dst, s []byte, first byte) ([]byte, bool) {
	n := len(s)
	all := slices.Grow(dst, n)[:len(dst)+n]
	to := all[len(dst):]
	letters, behind := uint64(0x80-first)*ones, uint64(0x80-first-26)*ones
	i := 0
	for ; i <= n-32; i += 32 { // four at a time: they do not wait for each other
		p, q := s[i:i+32:i+32], to[i:i+32:i+32]
		a, b := binary.LittleEndian.Uint64(p), binary.LittleEndian.Uint64(p[8:])
		c, d := binary.LittleEndian.Uint64(p[16:]), binary.LittleEndian.Uint64(p[24:])
		if (a|b|c|d)&highs != 0 {
			return dst, false
		}
		binary.LittleEndian.PutUint64(q, swap(a, letters, behind))
		binary.LittleEndian.PutUint64(q[8:], swap(b, letters, behind))
		binary.LittleEndian.PutUint64(q[16:], swap(c, letters, behind))
		binary.LittleEndian.PutUint64(q[24:], swap(d, letters, behind))
	}
	for ; i <= n-8; i += 8 {
		w := binary.LittleEndian.Uint64(s[i : i+8])
		if w&highs != 0 {
			return dst, false
		}
		binary.LittleEndian.PutUint64(to[i:i+8], swap(w, letters, behind))
	}
	for ; i < n; i++ {
		c := s[i]
		if c >= 0x80 {
			return dst, false
		}
		if c-first < 26 {
			c ^= 'a' ^ 'A'
		}
		to[i] = c
	}
	return all, true
}

// swap changes the case of the letters among eight bytes of ASCII. In each byte, a
// sum has its high bit set from the first letter on, and another one from behind
// the last letter on; where the two differ is a letter, and the bit that they
// differ in is four times the one that makes the case.
func swap(w, letters, behind uint64) uint64 { return w ^ ((w+letters)^(w+behind))&highs>>2 }
