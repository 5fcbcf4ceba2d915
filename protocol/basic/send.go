package basic

import "sync"

// maxHead is the length of the longest head: the digits of a length and a
// colon.
const maxHead = 20

// frame is a message on its way to the transport. The slices of one write
// escape to the heap; reusing them makes sending free of allocations without
// keeping anything for a connection that is idle.
type frame struct {
	head [maxHead]byte
	bufs [3][]byte
}

// frames are the frames that nobody uses.
var frames = sync.Pool{New: func() any { return new(frame) }}

// send writes the first n of the frame's slices as one write. The frame must
// not be used afterwards.
func (r *Receiver) send(f *frame, n int) error {
	err := r.Transport.WriteSequence(f.bufs[:n])
	clear(f.bufs[:])
	frames.Put(f)
	return err
}
