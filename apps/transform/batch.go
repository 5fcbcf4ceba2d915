package transform

import (
	"bytes"
	"slices"
	"strconv"
	"sync"
)

// batch is the answers to one chunk of requests that were made by the short way:
// netstrings, one behind the other. It is lent while there is something in it, so
// an idle connection has none.
type batch struct {
	bytes []byte
	lent  bool
	busy  bool // a transformation runs, and appends

	// What the last request asked for, perhaps in another chunk.
	silent bool   // no log hears of it
	f      Append // nil: there was none
	begin  []byte // its name and the dot
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
	b := f.own
	if b == nil || b.lent {
		b = f.another()
	}
	b.lent = true
	return b
}

// another returns an empty batch that nobody uses. It is the factory's own from now on:
// the one before may never come back, after a panic.
func (f *Factory) another() *batch {
	b := batches.Get().(*batch)
	if cap(b.bytes) <= batchFirst {
		f.own = b
	}
	return b
}

// giveBack takes a batch that is empty again.
func (f *Factory) giveBack(b *batch) {
	b.lent = false
	if b != f.own || cap(b.bytes) > batchFirst {
		f.putAway(b)
	}
}

// putAway gives a batch to all.
func (f *Factory) putAway(b *batch) {
	if b == f.own {
		f.own = nil
	}
	if cap(b.bytes) <= batchKept {
		b.f = nil // another factory may get it, to which the name means something else
		batches.Put(b)
	}
}

// knows reports whether a request asks for the same as the one before it. Nearly
// all do; it spares looking for the dot, and in the tables.
func (b *batch) knows(request []byte) bool {
	return b.f != nil && bytes.HasPrefix(request, b.begin)
}

// name returns the name that the last request asked for.
func (b *batch) name() string { return string(b.begin[:len(b.begin)-len(".")]) }

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
	b.begin, b.f = append(b.begin[:0], request[:dot+1]...), f
	return true
}

// add appends the netstring of what f makes of poem, and returns the length of
// that. What f gets to append to has no beginning, so the answers before it are out of
// reach.
func (b *batch) add(poem []byte) (size int) {
	if room := maxHead + len(poem) + len(","); cap(b.bytes)-len(b.bytes) < room {
		b.bytes = slices.Grow(b.bytes, room)
	}
	head := b.bytes // most poems keep their length
	if n := len(poem); n >= 10 && n < 100 {
		tens := byte(n) / 10
		head = append(head, '0'+tens, '0'+byte(n)-10*tens, ':')
	} else {
		head = appendHead(head, n)
	}
	b.busy = true
	made := b.f(head[len(head):], poem)
	b.busy = false
	size = len(made)
	if whole := head[:len(head)+len(poem)]; size == len(poem) && size > 0 && &made[0] == &whole[len(head)] {
		b.bytes = append(whole, ',')
	} else {
		b.bytes = frame(b.bytes, made)
	}
	return size
}

// maxHead is the length of the longest head.
const maxHead = len("9223372036854775807:")

// appendHead appends what stands before a text of n bytes.
func appendHead(buf []byte, n int) []byte {
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
