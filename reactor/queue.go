package reactor

// queue is the output of one connection that the kernel has not taken: a list
// of chunks. It is attached only while there is some, so an idle connection
// pays three words.
type queue struct {
	head, tail *chunk
	n          int // bytes
}

// chunk is a run of bytes: a buffer of the pool with copies of what was
// written, or, in class shared, the caller's own slice.
type chunk struct {
	next  *chunk
	data  []byte // what is left to send
	room  []byte // the whole buffer; nil in class shared
	class int8
}

// The classes of chunks by size. The first write takes the smallest that fits
// and each further chunk a larger one, so ten thousand slow readers of a line
// each take little, and a bulk stream takes few system calls. Those of class
// shared have no buffer.
const (
	smallest = iota
	_
	largest
	shared
	classes
)

var chunkSizes = [shared]int{1 << 10, 8 << 10, 64 << 10}

// chunksKept bounds what the pool keeps of each class: 1 MiB at most.
var chunksKept = [classes]int{256, 32, 8, 256}

// chunkPool keeps chunks that are not in use. It belongs to one reactor, so it
// needs no lock, and the chunk that it gives out is the one last used, which
// the processor still has in its cache.
type chunkPool struct {
	kept [classes]struct {
		first *chunk
		count int
	}
}

// append copies p to the end of the queue: most often a message, to an empty one.
func (cp *chunkPool) append(q *queue, p []byte) {
	if q.tail != nil || len(p) > chunkSizes[smallest] {
		cp.appendMore(q, p)
		return
	}
	c := cp.get(smallest)
	c.data = c.room[:len(p)]
	copy(c.data, p)
	q.head, q.tail, q.n = c, c, len(p)
}

// appendMore copies p to the end of any queue.
func (cp *chunkPool) appendMore(q *queue, p []byte) {
	q.n += len(p)
	class := smallest
	if t := q.tail; t != nil && t.class != shared {
		used := cap(t.room) - cap(t.data) + len(t.data)
		n := copy(t.room[used:cap(t.room)], p)
		t.data = t.data[:len(t.data)+n]
		p = p[n:]
		class = min(int(t.class)+1, largest)
	}
	for ; len(p) > 0; class = smallest {
		c := cp.get(fitting(class, len(p)))
		n := copy(c.room[:cap(c.room)], p)
		c.data = c.room[:n]
		p = p[n:]
		q.push(c)
	}
}

// appendShared puts p itself at the end of the queue.
func (cp *chunkPool) appendShared(q *queue, p []byte) {
	q.n += len(p)
	c := cp.get(shared)
	c.data = p
	q.push(c)
}

// push links a chunk to the end.
func (q *queue) push(c *chunk) {
	if q.tail == nil {
		q.head = c
	} else {
		q.tail.next = c
	}
	q.tail = c
}

// fitting returns the first class, from one on, whose chunks hold n bytes, or
// the largest: then it takes several.
func fitting(class, n int) int {
	for class < largest && chunkSizes[class] < n {
		class++
	}
	return class
}

// get returns an empty chunk.
func (cp *chunkPool) get(class int) *chunk {
	k := &cp.kept[class]
	c := k.first
	if c == nil {
		return newChunk(class)
	}
	k.first, c.next = c.next, nil
	k.count--
	return c
}

// newChunk makes one.
func newChunk(class int) *chunk {
	c := &chunk{class: int8(class)}
	if class != shared {
		c.room = make([]byte, 0, chunkSizes[class])
	}
	return c
}

// put takes a chunk back.
func (cp *chunkPool) put(c *chunk) {
	c.data, c.next = nil, nil
	if k := &cp.kept[c.class]; k.count < chunksKept[c.class] {
		c.next, k.first = k.first, c
		k.count++
	}
}

// peek appends to bufs the first bytes of the queue, limit at most.
func (q *queue) peek(bufs [][]byte, limit int) [][]byte {
	for c := q.head; c != nil && limit > 0 && len(bufs) < maxSlices; c = c.next {
		b := c.data[:min(len(c.data), limit)]
		bufs = append(bufs, b)
		limit -= len(b)
	}
	return bufs
}

// maxSlices is the most slices that one system call is given.
const maxSlices = 64

// consume removes the first n bytes of the queue.
func (cp *chunkPool) consume(q *queue, n int) {
	if c := q.head; n == q.n && c != nil && c.next == nil { // all of it was one piece, as most is
		*q = queue{}
		cp.put(c)
		return
	}
	q.n -= n
	for n > 0 {
		c := q.head
		if n < len(c.data) {
			c.data = c.data[n:]
			return
		}
		n -= len(c.data)
		q.head = c.next
		if q.head == nil {
			q.tail = nil
		}
		cp.put(c)
	}
}

// drop removes everything.
func (cp *chunkPool) drop(q *queue) { cp.consume(q, q.n) }
