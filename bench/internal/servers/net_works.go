package servers

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"sync"
)

// netBuffer is the size of a connection's buffers, as bufio has it.
const netBuffer = 4096

// netWork returns what to do with a connection.
func netWork(o options) func(c *net.TCPConn) {
	switch o.work {
	case workEcho:
		return netEcho
	case workPoem:
		poem := text(o.poem)
		return func(c *net.TCPConn) { _, _ = c.Write(poem) }
	case workTransform:
		return func(c *net.TCPConn) { netTransform(c, false) }
	case workOnce:
		return func(c *net.TCPConn) { netTransform(c, true) }
	case workStream:
		return netStream(o.stream)
	case workProxy:
		return netProxy(o.origin)
	}
	return netRelay(o.origin)
}

// netEcho reads and writes. io.Copy would splice through a pipe, which takes
// more calls for small pieces.
func netEcho(c *net.TCPConn) {
	buf := make([]byte, netBuffer)
	for {
		n, err := c.Read(buf)
		if n > 0 {
			if _, err := c.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// netTransform answers requests.
func netTransform(c *net.TCPConn, once bool) {
	w := bufio.NewWriterSize(c, netBuffer)
	r := bufio.NewReaderSize(flushFirst{w, c}, netBuffer)
	for {
		if err := netAnswer(w, r); err != nil || once {
			_ = w.Flush() // the answers to requests before a wrong one
			return
		}
	}
}

// netAnswer answers one request.
func netAnswer(w *bufio.Writer, r *bufio.Reader) error {
	head, err := r.ReadSlice(':')
	if err != nil {
		return err
	}
	size, _, err := length(head)
	if err != nil {
		return err
	}
	whole := size + 1 // with the comma
	request, err := r.Peek(min(whole, r.Size()))
	if err != nil {
		return err
	}
	if whole > len(request) {
		request = make([]byte, whole) // longer than the buffer
		if _, err := io.ReadFull(r, request); err != nil {
			return err
		}
		whole = 0
	}
	if request[size] != ',' {
		return errMalformed
	}
	answer, err := appendAnswer(w.AvailableBuffer(), request[:size])
	if err != nil {
		return err
	}
	if _, err := w.Write(answer); err != nil {
		return err
	}
	_, err = r.Discard(whole)
	return err
}

// flushFirst reads, but before it may wait for the peer it sends the answers
// that the peer may wait for.
type flushFirst struct {
	w *bufio.Writer
	r io.Reader
}

// Read flushes and reads.
func (f flushFirst) Read(p []byte) (int, error) {
	if err := f.w.Flush(); err != nil {
		return 0, err
	}
	return f.r.Read(p)
}

// netStream sends one buffer over and over.
func netStream(size int64) func(c *net.TCPConn) {
	piece := newPiece()
	return func(c *net.TCPConn) {
		for left := size; left > 0; {
			n, err := c.Write(piece[:min(left, pieceSize)])
			if err != nil {
				return
			}
			left -= int64(n)
		}
	}
}

// netProxy fetches the poem when the first client comes; those that come
// meanwhile wait for it.
func netProxy(origin string) func(c *net.TCPConn) {
	fetch := sync.OnceValues(func() ([]byte, error) {
		var poem bytes.Buffer
		err := netFetch(&poem, origin)
		return poem.Bytes(), err
	})
	return func(c *net.TCPConn) {
		if poem, err := fetch(); err == nil {
			_, _ = c.Write(poem)
		}
	}
}

// netRelay fetches the poem for each client.
func netRelay(origin string) func(c *net.TCPConn) {
	spare := sync.Pool{New: func() any { return new(bytes.Buffer) }}
	return func(c *net.TCPConn) {
		poem := spare.Get().(*bytes.Buffer)
		defer spare.Put(poem)
		poem.Reset()
		if netFetch(poem, origin) == nil {
			_, _ = c.Write(poem.Bytes())
		}
	}
}

// netFetch fetches the poem.
func netFetch(poem *bytes.Buffer, origin string) error {
	dialer := net.Dialer{KeepAlive: -1}
	c, err := dialer.Dial("tcp", origin)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }() // nothing was written
	_, err = poem.ReadFrom(c)
	return err
}
