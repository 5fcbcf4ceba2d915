package transform

import (
	"io"
	"slices"
	"sync"
)

// batch is the answers to one chunk of requests that were made by the short way:
// netstrings, one behind the other. It is lent while there is something in it, so
// an idle connection has none.
type batch struct {
	bytes []byte
	name  []byte // of the last request, in the chunk
	f     Append // what it asked for
}

const (
	// batchFull is how many bytes of answers are gathered before they are written:
	// the transport's high-water mark is to be noticed in good time.
	batchFull = 16 << 10
	// batchFirst is the capacity of a new batch.
	batchFirst = 4 << 10
	// batchKept bounds what is kept for the next chunk.
	batchKept = 256 << 10
)

// batches are the ones that nobody uses. A loop needs one of them, and under load
// it has the same again and again; an idle process gives it back.
var batches = sync.Pool{New: func() any { return &batch{bytes: make([]byte, 0, batchFirst)} }}

// is reports whether a request asks for the same as the one before it. In a chunk
// nearly all do; it spares looking for the dot, and in the tables.
func (b *batch) is(request []byte) bool {
	n := len(b.name)
	return len(request) > n && request[n] == '.' && string(request[:n]) == string(b.name)
}

// add appends the netstring of what f makes of poem, and returns the length of
// that. What f gets to append to has no beginning, so the answers before it are
// out of reach.
func (b *batch) add(poem []byte) (size int, err error) {
	// Most poems keep their length, so the place behind the head is known.
	head := digits(len(poem)) + len(":")
	b.bytes = slices.Grow(b.bytes, head+len(poem)+len(","))
	place := len(b.bytes) + head
	made, err := b.f.contained(b.bytes[place:place], poem)
	if err == nil {
		b.bytes = frame(b.bytes, made)
	}
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

// writeTo writes all of it as one write, and gives the batch back.
func (b *batch) writeTo(w io.Writer) {
	if len(b.bytes) > 0 {
		_, _ = w.Write(b.bytes) // ConnectionLost would have come first
	}
	if cap(b.bytes) <= batchKept {
		*b = batch{bytes: b.bytes[:0]}
		batches.Put(b)
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
