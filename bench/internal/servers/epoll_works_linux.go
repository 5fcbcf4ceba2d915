package servers

// epollWorkOf returns the work of a server.
func epollWorkOf(s *epollServer, o options) (epollWork, error) {
	base := epollBase{s}
	switch o.work {
	case workEcho:
		return &epollEcho{base}, nil
	case workPoem:
		return &epollPoem{base, text(o.poem)}, nil
	case workTransform, workOnce:
		return &epollTransform{epollBase: base, once: o.work == workOnce}, nil
	case workStream:
		return &epollStream{base, o.stream, newPiece()}, nil
	}
	family, origin, err := epollAddress(o.origin)
	p := epollOrigin{epollBase: base, family: family, addr: origin}
	if o.work == workRelay {
		return &epollRelay{epollOrigin: p}, err
	}
	return &epollProxy{epollOrigin: p}, err
}

// epollBase is the works' answer to what they do not care for.
type epollBase struct{ s *epollServer }

// opened has nothing to do.
func (w *epollBase) opened(*epollConn) {}

// received drops what comes.
func (w *epollBase) received(*epollConn, []byte) {}

// writable has nothing to do.
func (w *epollBase) writable(*epollConn) {}

// ended closes, after what has been sent.
func (w *epollBase) ended(c *epollConn, orderly bool) {
	if orderly {
		w.s.finish(c)
	} else {
		w.s.end(c)
	}
}

// epollEcho sends back what comes.
type epollEcho struct{ epollBase }

// received sends it back.
func (w *epollEcho) received(c *epollConn, data []byte) { w.s.send(c, data, false) }

// epollPoem sends a poem.
type epollPoem struct {
	epollBase
	poem []byte
}

// opened sends it.
func (w *epollPoem) opened(c *epollConn) {
	w.s.send(c, w.poem, true)
	w.s.finish(c)
}

// epollTransform answers requests.
type epollTransform struct {
	epollBase
	once    bool
	answers []byte // the one buffer in which they are written
}

// received answers what is whole, and keeps the rest.
func (w *epollTransform) received(c *epollConn, data []byte) {
	if len(c.in) > 0 {
		c.in = append(c.in, data...)
		data = c.in
	}
	out, taken, n, err := answers(w.answers[:0], data, w.once)
	w.answers = out
	if len(out) > 0 {
		w.s.send(c, out, false)
	}
	switch {
	case !c.open:
	case err != nil || w.once && n > 0:
		w.s.finish(c)
	case taken == len(data):
		c.in = nil
	default:
		c.in = append(c.in[:0], data[taken:]...)
	}
}

// epollStream sends one buffer over and over.
type epollStream struct {
	epollBase
	size  int64
	piece []byte
}

// opened notes how much there is to send. The registration that follows tells
// that there is room.
func (w *epollStream) opened(c *epollConn) {
	c.left = w.size
	if c.left == 0 {
		w.s.finish(c)
	}
}

// writable sends until there is no room.
func (w *epollStream) writable(c *epollConn) {
	for range streamShare {
		piece := w.piece[:min(c.left, pieceSize)]
		n := w.s.write(c, piece)
		if !c.open {
			return
		}
		if c.left -= int64(n); c.left == 0 {
			w.s.finish(c)
			return
		}
		if n < len(piece) {
			return
		}
	}
	w.s.rearm(c)
}

// ended does not matter so long as there is something to send.
func (w *epollStream) ended(c *epollConn, orderly bool) {
	if !orderly {
		w.s.end(c)
	}
}
