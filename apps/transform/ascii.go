package transform

import "encoding/binary"

// Eight bytes at a time: one bit or one byte, eight times.
const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
)

// behindASCII returns what is left of s behind the ASCII that it sees at its beginning,
// 32 bytes at a time. Nearly all that comes is ASCII, and this is sooner seen than that
// it is UTF-8.
func behindASCII(s []byte) []byte {
	for len(s) >= 32 {
		a, b := binary.LittleEndian.Uint64(s), binary.LittleEndian.Uint64(s[8:])
		c, d := binary.LittleEndian.Uint64(s[16:]), binary.LittleEndian.Uint64(s[24:])
		if (a|b|c|d)&highs != 0 {
			break
		}
		if len(s) == 32 {
			return nil
		}
		s = s[32:]
	}
	return s
}

// The 26 letters of a case, as recase takes them: what a byte of ASCII must have
// added to have its high bit set from the first letter on, eight times.
const (
	capitals = (0x80 - 'A') * ones
	smalls   = (0x80 - 'a') * ones
)

// recase writes text to dst, which is as long, with the letters of one case in the
// other one. It reports whether text is ASCII; if not, what it has written is of no use.
// The two must not overlap.
//
// In the loop, a block never ends the text: a slice that may become empty would cost
// some steps more. BenchmarkAppend has a line of a poem, and a page.
func recase(dst, text []byte, letters uint64) bool {
	seen := uint64(0)
	for len(text) > 32 && len(dst) > 32 {
		seen |= recase16((*[16]byte)(dst), (*[16]byte)(text), letters)
		seen |= recase16((*[16]byte)(dst[16:]), (*[16]byte)(text[16:]), letters)
		dst, text = dst[32:], text[32:]
	}
	if len(text) == 32 && len(dst) == 32 {
		seen |= recase16((*[16]byte)(dst), (*[16]byte)(text), letters)
		seen |= recase16((*[16]byte)(dst[16:]), (*[16]byte)(text[16:]), letters)
		return seen&highs == 0
	}
	for ; len(text) >= 8; dst, text = dst[8:], text[8:] {
		w := binary.LittleEndian.Uint64(text)
		seen |= w
		binary.LittleEndian.PutUint64(dst, w^flips(w, letters))
	}
	for i, c := range text {
		seen |= uint64(c)
		dst[i] = c ^ byte(flips(uint64(c), letters))
	}
	return seen&highs == 0
}

// recase16 is recase for sixteen bytes. It returns those bits that are set in any eight
// of them.
func recase16(dst, text *[16]byte, letters uint64) uint64 {
	a, b := binary.LittleEndian.Uint64(text[:]), binary.LittleEndian.Uint64(text[8:])
	binary.LittleEndian.PutUint64(dst[:], a^flips(a, letters))
	binary.LittleEndian.PutUint64(dst[8:], b^flips(b, letters))
	return a | b
}

// flips returns the bits that change the case of the letters among eight bytes of ASCII.
// In each byte, a sum has its high bit set from the first letter on, and another one from
// behind the last letter on; where the two differ is a letter, and the bit that they
// differ in is four times the one that makes the case.
func flips(w, letters uint64) uint64 {
	return ((w + letters) ^ (w + letters - 26*ones)) & highs >> 2
}
