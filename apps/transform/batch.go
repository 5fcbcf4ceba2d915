package transform

import (
	"io"
	"slices"
	"sync"
)

// batch is the answers to one chunk of requests that were made by the short way:
// netstrings, one behind the other in one buffer. The buffer is lent while there is
// something in it, so an idle connection has none.
type batch struct {
	buf *[]byte // nil: none
}

const (
	// batchFull is how many bytes of answers are gathered before they are
	// written: the transport's high-water mark is to be noticed in good time.
	batchFull = 16 << 10
	// batchFirst is the capacity of a new buffer.
	batchFirst = 4 << 10
	// batchKept bounds the buffer that is kept for the next chunk.
	batchKept = 256 << 10
)

// buffers are the ones that nobody uses. A loop needs one of them, and under
// load it has the same again and again; an idle process gives it back.
var buffers = sync.Pool{New: func() any {
	b := make([]byte, 0, batchFirst)
	return &b
}}

// len returns how many bytes there are.
func (b *batch) len() int {
	if b.buf == nil {
		return 0
	}
	return len(*b.buf)
}

// full reports whether it is time to write.
func (b *batch) full() bool { return b.len() >= batchFull }

// add appends the netstring of what f makes of poem, and returns the length of
// that. While f runs, which is the user's, nothing but its own can be reached:
// neither the answers before it nor, if f calls back in, the buffer.
func (b *batch) add(f Append, poem []byte) (size int, err error) {
	lent := b.buf
	if lent == nil {
		lent = buffers.Get().(*[]byte)
	}
	b.buf = nil
	start := len(*lent)
	// Most poems keep their length, so the place behind the head is known.
	head := digits(len(poem)) + len(":")
	buf := slices.Grow(*lent, head+len(poem)+len(","))
	made, err := f.contained(buf[start+head:start+head], poem)
	if err == nil {
		buf = frame(buf, made)
	}
	*lent, b.buf = buf, lent
	return len(made), err
}

// frame appends the netstring of text, which may lie behind the end of the
// buffer, best of all where it belongs, or somewhere else.
func frame(buf, text []byte) []byte {
	start, n := len(buf), len(text)
	place := start + digits(n) + len(":")
	buf = slices.Grow(buf, place-start+n+len(","))
	if whole := buf[:place+n]; n > 0 && &whole[place] != &text[0] {
		copy(whole[place:], text) // before the head, which may lie over it
	}
	buf = buf[:place+n]
	buf[place-1] = ':'
	for i := place - 2; i >= start; i-- {
		buf[i] = byte('0' + n%10)
		n /= 10
	}
	return append(buf, ',')
}

// writeTo writes all of it as one write, and gives the buffer back.
func (b *batch) writeTo(w io.Writer) {
	lent := b.buf
	if lent == nil {
		return
	}
	b.buf = nil
	if len(*lent) > 0 {
		_, _ = w.Write(*lent) // ConnectionLost would have come first
	}
	if cap(*lent) <= batchKept {
		*lent = (*lent)[:0]
		buffers.Put(lent)
	}
}

// digits returns how many digits n has, which is not negative.
func digits(n int) int {
	d := 1
	for ; n >= 10; n /= 10 {
		d++
	}
	return d
}
