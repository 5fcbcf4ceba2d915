package protocoltest

import "bytes"

// outbox is what one end has written and the other has not read yet.
//
// Invariant: size is the sum of the pieces' lengths, and no piece is empty.
type outbox struct {
	pieces [][]byte
	size   int
}

// copyIn queues a copy of p.
func (o *outbox) copyIn(p []byte) { o.share(bytes.Clone(p)) }

// share queues p itself.
func (o *outbox) share(p []byte) {
	if len(p) > 0 {
		o.pieces = append(o.pieces, p)
		o.size += len(p)
	}
}

// take moves the first bytes to dst, across the borders of writes, and returns
// how many: as many as there are, at most len(dst).
func (o *outbox) take(dst []byte) int {
	n := 0
	for n < len(dst) && len(o.pieces) > 0 {
		moved := copy(dst[n:], o.pieces[0])
		n += moved
		if o.pieces[0] = o.pieces[0][moved:]; len(o.pieces[0]) == 0 {
			o.pieces[0] = nil // let a shared slice go as soon as it is read
			o.pieces = o.pieces[1:]
		}
	}
	o.size -= n
	return n
}

// drop forgets everything.
func (o *outbox) drop() { *o = outbox{} }
