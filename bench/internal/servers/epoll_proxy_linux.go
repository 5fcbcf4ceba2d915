package servers

import "golang.org/x/sys/unix"

// epollOrigin fetches poems.
type epollOrigin struct {
	epollBase
	family int
	addr   unix.Sockaddr
}

// fetch begins to fetch the poem; nil if that cannot be.
func (w *epollOrigin) fetch() *epollConn {
	fd, err := unix.Socket(w.family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	if err := unix.Connect(fd, w.addr); err != nil && err != unix.EINPROGRESS {
		_ = unix.Close(fd)
		return nil
	}
	return w.s.attach(fd)
}

// epollProxy sends a poem that it has fetched once. A client that waits for it
// is not closed before that, whatever becomes of it, so that its struct stays
// its own.
type epollProxy struct {
	epollOrigin
	poem    []byte
	fetched bool
	origin  *epollConn // while it is being fetched
	waiting []*epollConn
}

// opened sends the poem, or has the client wait for it.
func (w *epollProxy) opened(c *epollConn) {
	if w.fetched {
		w.s.send(c, w.poem, true)
		w.s.finish(c)
		return
	}
	w.waiting = append(w.waiting, c)
	if w.origin == nil {
		if w.origin = w.fetch(); w.origin == nil {
			w.deliver()
			return
		}
		if !w.s.watch(w.origin) {
			w.ended(w.origin, false)
		}
	}
}

// received collects the poem.
func (w *epollProxy) received(c *epollConn, data []byte) {
	if c == w.origin {
		w.poem = append(w.poem, data...)
	}
}

// ended delivers the poem, if it is the origin's end.
func (w *epollProxy) ended(c *epollConn, orderly bool) {
	if c != w.origin {
		return
	}
	w.fetched = orderly
	w.origin = nil
	w.s.end(c)
	w.deliver()
}

// deliver sends the poem to those who wait, or closes them without it.
func (w *epollProxy) deliver() {
	if !w.fetched {
		w.poem = nil
	}
	waiting := w.waiting
	w.waiting = nil
	for _, c := range waiting {
		if w.fetched {
			w.s.send(c, w.poem, true)
		}
		w.s.finish(c)
	}
}

// epollRelay fetches the poem for each client, which is not closed before it has
// come.
type epollRelay struct {
	epollOrigin
	spare [][]byte // of poems that have been sent
}

// opened begins to fetch.
func (w *epollRelay) opened(c *epollConn) {
	origin := w.fetch()
	if origin == nil {
		w.s.end(c)
		return
	}
	origin.peer = c
	if n := len(w.spare); n > 0 {
		origin.in = w.spare[n-1][:0]
		w.spare = w.spare[:n-1]
	}
	if !w.s.watch(origin) {
		w.ended(origin, false)
	}
}

// received collects the poem.
func (w *epollRelay) received(c *epollConn, data []byte) {
	if c.peer != nil {
		c.in = append(c.in, data...)
	}
}

// ended sends the poem to its client, if it is an origin's end.
func (w *epollRelay) ended(c *epollConn, orderly bool) {
	client, poem := c.peer, c.in
	if client == nil {
		return
	}
	w.s.end(c)
	if orderly {
		w.s.send(client, poem, true)
	}
	if len(client.out) == 0 { // else it is sent from there
		w.spare = append(w.spare, poem)
	}
	w.s.finish(client)
}
