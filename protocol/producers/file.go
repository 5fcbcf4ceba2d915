package producers

import (
	"io"

	"skein/deferred"
	"skein/protocol"
)

// DefaultChunk is the size of a [FileSender]'s pieces in bytes, unless it says
// otherwise.
const DefaultChunk = 16 << 10

// FileSender sends what an io.Reader gives, such as a file, in pieces, each read
// when the transport has sent the one before. The zero value is ready, and one
// may send many files, at the same time, too.
//
// The reader is read on the loop's goroutine: one that blocks, blocks
// everybody. A file on a disk is fine; a pipe or a socket is not.
//
// Twisted: protocols.basic.FileSender.
type FileSender struct {
	// Chunk is the size of the pieces; 0: [DefaultChunk].
	Chunk int
	// Transform changes each piece before it is written, and may do so in
	// place; nil: nothing does. The bytes that it returns are what is counted. It
	// may drop pieces by returning nothing; a thousand of them in a row, which are
	// read without a pause, are io.ErrNoProgress.
	Transform func(piece []byte) []byte
}

// Send sends r to t, up to its io.EOF, and returns a Deferred as [Pull] does:
// it fires with the number of bytes written, and fails with a [*SendError].
// Closing r is the caller's affair, when the Deferred has fired.
//
// Twisted: FileSender.beginFileTransfer, which fires with the last byte sent.
func (s FileSender) Send(r io.Reader, t protocol.Transport) *deferred.Deferred {
	chunk := s.Chunk
	if chunk <= 0 {
		chunk = DefaultChunk
	}
	buf, n := make([]byte, chunk), 0
	p := &pull{dropped: func() bool { return n > 0 }}
	p.to, p.next = t, func() (piece []byte, err error) {
		n, err = r.Read(buf)
		piece = buf[:n]
		if s.Transform != nil && n > 0 {
			piece = s.Transform(piece)
		}
		return piece, err
	}
	return p.begin(p)
}
