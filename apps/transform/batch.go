package transform

import (
	"bytes"
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
	busy    bool // a transformation runs, and appends

	// What the last request asked for, perhaps in another chunk.
	name   []byte
	f      Append // nil: there was none
	silent bool   // no log hears of it
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

// knows reports whether a request asks for the same as the one before it. Nearly
// all do; it spares looking for the dot, and in the tables.
func (b *batch) knows(request []byte) bool {
	n := len(b.name)
	return len(request) > n && request[n] == '.' && b.f != nil && string(request[:n]) == string(b.name)
}

// learn looks for the short way of a request, and reports whether there is one.
func (b *batch) learn(s *Server, request []byte) bool {
	dot := bytes.IndexByte(request, '.')
	if dot < 0 {
		return false
	}
	f := s.direct(request[:dot])
	if f == nil {
		return false
	}
	if b.f == nil { // it is the first request of this factory's
		b.silent = s.silent()
	}
	b.name, b.f = append(b.name[:0], request[:dot]...), f
	return true
}

// add appends the netstring of what f makes of poem, and returns the length of
// that. A panic of f is an error. What f gets to append to has no beginning, so
// the answers before it are out of reach.
func (b *batch) add(poem []byte) (size int, err error) {
	b.busy = true
	defer func() {
		if b.busy { // f has not returned
			b.busy = false
			err = &deferred.PanicError{Value: recover(), Stack: debug.Stack()}
		}
	}()
	// Most poems keep their length, so the place behind the head is known.
	head := appendHead(slices.Grow(b.bytes, maxHead+len(poem)+len(",")), len(poem))
	made := b.f(head[len(head):], poem)
	b.busy = false
	b.answers++
	size = len(made)
	if whole := head[:len(head)+len(poem)]; size == len(poem) && size > 0 && &made[0] == &whole[len(head)] {
		b.bytes = append(whole, ',')
	} else {
		b.bytes = frame(head[:len(b.bytes)], made)
	}
	return size, nil
}

// maxHead is the length of the longest head.
const maxHead = len("9223372036854775807:")

// appendHead appends what stands before a text of n bytes. Most texts are as long as
// a line of a poem; for them it does without strconv, which knows more than this.
func appendHead(buf []byte, n int) []byte {
	if n >= 10 && n < 100 {
		return append(buf, '0'+byte(n/10), '0'+byte(n%10), ':')
	}
	return append(strconv.AppendInt(buf, int64(n), 10), ':')
}

// frame appends the netstring of text, which may lie behind the end of the
// buffer.
func frame(buf, text []byte) []byte {
	place := len(buf) + digits(len(text)) + len(":")
	buf = slices.Grow(buf, framed(len(text)))
	whole := append(buf[:place], text...) // before the head, which may lie over it
	_ = appendHead(buf, len(text))
	return append(whole, ',')
}

// digits returns how many digits n has, which is not negative.
func digits(n int) int {
	d := 1
	for ; n >= 10; n /= 10 {
		d++
	}
	return d
}
