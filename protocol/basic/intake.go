package basic

import (
	"bytes"
	"sync"
)

const (
	// firstCap is the capacity of a new part, which is lent: most messages are no
	// longer than that.
	firstCap = 512
	// keepCap is the capacity up to which a part may stay however little is in it.
	keepCap = 4 << 10
)

// intake is what a receiver has got and not delivered yet, in two pieces:
//
//	◀──────── part ────────▶◀──────────── rest ────────────▶
//	looked at, incomplete      not looked at
//
// INVARIANT: part is the receiver's own memory, and holds no complete message.
// INVARIANT: rest has no capacity beyond its length while it is borrowed, so
// that an append moves it to memory of the receiver's own.
type intake struct {
	part []byte
	rest []byte
	// given is what a handler is looking at that may be put back.
	given []byte
	// borrowed says that rest, or given, is the loop's memory.
	borrowed bool
}

// parts are the arrays of firstCap bytes that nobody uses. A connection has one
// while a message goes on in the next chunk, so that a message that is cut in two
// costs no allocation, and a connection that waits between two has nothing.
var parts = sync.Pool{New: func() any { return new([firstCap]byte) }}

// lend returns an empty part.
func lend() []byte { return parts.Get().(*[firstCap]byte)[:0] }

// giveBack takes a part that nobody looks at any more.
func giveBack(part []byte) {
	if cap(part) == firstCap {
		parts.Put((*[firstCap]byte)(part[:firstCap]))
	}
}

// pending returns the number of bytes in both pieces.
func (in *intake) pending() int { return len(in.part) + len(in.rest) }

// spent reports whether there is nothing in either piece, nor memory for a part.
func (in *intake) spent() bool { return len(in.rest) == 0 && cap(in.part) == 0 }

// borrow takes a chunk in without copying it. There must be no rest.
func (in *intake) borrow(data []byte) {
	in.rest, in.borrowed = data[:len(data):len(data)], true
}

// push copies data behind what there is.
func (in *intake) push(data []byte) {
	if len(data) > 0 { // an append of nothing leaves the rest where it is
		in.rest = append(in.rest, data...)
		in.borrowed = false
	}
}

// stash moves the rest to part: it is a message that goes on in the next chunk.
func (in *intake) stash() {
	if len(in.rest) == 0 {
		return
	}
	if in.part == nil && len(in.rest) <= firstCap {
		in.part = lend()
	}
	in.extend(len(in.rest))
	in.rest = in.rest[len(in.rest):]
}

// extend appends the first n bytes of the rest to part.
func (in *intake) extend(n int) {
	old := in.part
	in.part = append(old, in.rest[:n]...)
	if cap(in.part) != cap(old) {
		giveBack(old)
	}
}

// take removes the first n bytes, which it returns in one piece, and the skip
// bytes behind them, among which all of part must be. A message that lay in
// part should be given to recycle when it has been used.
func (in *intake) take(n, skip int) (message []byte, held bool) {
	if len(in.part) == 0 {
		message = in.rest[:n:n]
		in.rest = in.rest[n+skip:]
		return message, false
	}
	fromRest := n - len(in.part)
	if fromRest > 0 {
		in.extend(fromRest)
	}
	in.rest = in.rest[fromRest+skip:]
	message, in.part = in.part[:n], nil
	return message, true
}

// give removes everything and returns it in one piece. Until the next settle,
// putBack accepts the end of it.
func (in *intake) give() []byte {
	in.given, _ = in.take(in.pending(), 0)
	return in.given
}

// putBack makes data the rest again, and reports whether it could: data must be
// the end of what was given, and nothing must have come since. Without it, a
// chunk of many short bodies would be copied once for each of them.
func (in *intake) putBack(data []byte) bool {
	n, g := len(data), len(in.given)
	if n == 0 || n > g || len(in.rest) > 0 || &data[n-1] != &in.given[g-1] {
		return false
	}
	in.rest = in.given[g-n : g : g]
	return true
}

// recycle takes the memory of a message that lay in part for the next one.
func (in *intake) recycle(message []byte) {
	if in.part == nil {
		in.part = message[:0]
	}
}

// settle ends a chunk: it copies what must stay of the loop's memory, and lets
// go of memory that is out of proportion.
func (in *intake) settle() {
	in.given = nil
	if in.borrowed {
		in.rest, in.borrowed = bytes.Clone(in.rest), false
	}
	in.rest = fit(in.rest)
	if len(in.part) == 0 {
		giveBack(in.part)
	}
	in.part = fit(in.part)
}

// fit returns b in memory that suits its length.
func fit(b []byte) []byte {
	switch {
	case len(b) == 0:
		return nil
	case cap(b) > keepCap && len(b) < cap(b)/4:
		return bytes.Clone(b)
	}
	return b
}

// drop forgets everything.
func (in *intake) drop() {
	giveBack(in.part)
	*in = intake{}
}
