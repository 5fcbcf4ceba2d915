package transform

import (
	"io"
	"runtime/debug"
	"slices"
	"strconv"
	"sync"

	"skein/deferred"
)

// batch is the answers to one chunk of requests that were made by the short way:
// netstrings, one behind the other. It is lent while there is something in it, so
// an idle connection has none.
type batch struct {
	bytes   []byte
	answers int
	name    []byte // of the last request, perhaps in another chunk
	f       Append // what it asked for; nil: there was none
}

const (
	// batchFull is how many bytes of answers are gathered before they are written:
	// the transport's high-water mark is to be noticed in good time.
	batchFull = 16 << 10
	// batchFirst is the capacity of a new batch, and of the one that a factory
	// keeps.
	batchFirst = 4 << 10
	// batchKept bounds what is kept of one that has grown.
	batchKept = 256 << 10
)

// batches are the ones that have grown, and that nobody uses. An idle process
// gives them back.
var batches = sync.Pool{New: func() any { return &batch{bytes: make([]byte, 0, batchFirst)} }}

// lend returns an empty batch. A loop needs one of them, and has the same again
// and again, without asking the pool, and the tables, for each chunk: see
// BenchmarkRequests with one request in each.
func (f *Factory) lend() *batch {
	if b := f.spare; b != nil {
		f.spare = nil
		return b
	}
	return batches.Get().(*batch)
}

// giveBack takes a batch that has been written.
func (f *Factory) giveBack(b *batch) {
	b.bytes, b.answers = b.bytes[:0], 0
	switch {
	case cap(b.bytes) <= batchFirst:
		f.spare = b
	case cap(b.bytes) <= batchKept:
		b.f = nil // another factory may get it, to which the name means something else
		batches.Put(b)
	}
}

// is reports whether a request asks for the same as the one before it. Nearly all
// do; it spares looking for the dot, and in the tables.
func (b *batch) is(request []byte) bool {
	n := len(b.name)
	return b.f != nil && len(request) > n && request[n] == '.' && string(request[:n]) == string(b.name)
}

// add appends the netstring of what f makes of poem, and returns the length of
// that. A panic of f is an error. What f gets to append to has no beginning, so
// the answers before it are out of reach.
func (b *batch) add(poem []byte) (size int, err error) {
	size = -1
	defer func() {
		if size < 0 { // f has not returned
			err = &deferred.PanicError{Value: recover(), Stack: debug.Stack()}
		}
	}()
	// Most poems keep their length, so the place behind the head is known.
	head := append(strconv.AppendInt(b.bytes, int64(len(poem)), 10), ':')
	head = slices.Grow(head, len(poem)+len(","))
	made := b.f(head[len(head):], poem)
	size = len(made)
	if whole := head[:len(head)+len(poem)]; size == len(poem) && size > 0 && &made[0] == &whole[len(head)] {
		b.bytes = append(whole, ',')
	} else {
		b.bytes = frame(head[:len(b.bytes)], made)
	}
	b.answers++
	return size, nil
}

// frame appends the netstring of text, which may lie behind the end of the
// buffer.
func frame(buf, text []byte) []byte {
	place := len(buf) + digits(len(text)) + len(":")
	buf = slices.Grow(buf, framed(len(text)))
	whole := append(buf[:place], text...) // before the head, which may lie over it
	_ = append(strconv.AppendInt(buf, int64(len(text)), 10), ':')
	return append(whole, ',')
}

// writeTo writes all of it as one write.
func (b *batch) writeTo(w io.Writer) {
	if len(b.bytes) > 0 {
		_, _ = w.Write(b.bytes) // ConnectionLost would have come first
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
