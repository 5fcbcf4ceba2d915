package servers

import (
	"time"

	"github.com/panjf2000/gnet/v2"
)

// gnetWorkOf returns the work of a server.
func gnetWorkOf(o options) (gnetWork, error) {
	switch o.work {
	case workEcho:
		return gnetEcho{}, nil
	case workPoem:
		return &gnetPoem{poem: text(o.poem)}, nil
	case workTransform, workOnce:
		return &gnetTransform{once: o.work == workOnce}, nil
	case workStream:
		return &gnetStream{size: o.stream, piece: newPiece()}, nil
	case workProxy:
		return &gnetProxy{origin: o.origin}, nil
	}
	return newGnetRelay(o.origin)
}

// gnetConn is a connection that has more to do than answer. Its looks are how it
// learns that there is room, or that all is sent: gnet does not tell, and a close
// drops what the system has not taken.
type gnetConn struct {
	left    int64 // stream: the bytes to send
	look    *time.Timer
	waiting bool // proxy, relay: there is no poem yet
}

// lookPause is the time between two looks: what a socket's buffer holds lasts
// longer, at all but the highest speed.
const lookPause = time.Millisecond

// later has traffic called in a moment.
func (g *gnetConn) later(c gnet.Conn) {
	if g.look == nil {
		g.look = time.AfterFunc(lookPause, func() { _ = c.Wake(nil) })
		return
	}
	g.look.Reset(lookPause)
}

// gnetBase is the works' answer to what they do not care for.
type gnetBase struct{}

// opened has nothing to do.
func (gnetBase) opened(gnet.Conn) gnet.Action { return gnet.None }

// traffic looks whether the connection can end.
func (gnetBase) traffic(c gnet.Conn) gnet.Action {
	_, _ = c.Discard(-1) // what it says does not matter
	if _, ok := c.Context().(*gnetConn); ok {
		return gnetFinish(c)
	}
	return gnet.None
}

// closed ends the looks.
func (gnetBase) closed(c gnet.Conn) {
	if g, ok := c.Context().(*gnetConn); ok && g.look != nil {
		g.look.Stop()
	}
}

// gnetFinish ends a connection when its peer has been sent all.
func gnetFinish(c gnet.Conn) gnet.Action {
	if c.OutboundBuffered() == 0 {
		return gnet.Close
	}
	g, ok := c.Context().(*gnetConn)
	if !ok {
		g = new(gnetConn)
		c.SetContext(g)
	}
	g.later(c)
	return gnet.None
}

// gnetEcho sends back what comes.
type gnetEcho struct{ gnetBase }

// traffic sends it back.
func (gnetEcho) traffic(c gnet.Conn) gnet.Action {
	data, _ := c.Next(-1) // all there is
	_, _ = c.Write(data)  // a failure closes it
	return gnet.None
}

// gnetPoem sends a poem.
type gnetPoem struct {
	gnetBase
	poem []byte
}

// opened sends it.
func (w *gnetPoem) opened(c gnet.Conn) gnet.Action { return gnetSend(c, w.poem) }

// gnetSend sends the last bytes of a connection.
func gnetSend(c gnet.Conn, data []byte) gnet.Action {
	if _, err := c.Write(data); err != nil {
		return gnet.None // it is closed
	}
	return gnetFinish(c)
}

// gnetTransform answers requests.
type gnetTransform struct {
	gnetBase
	once    bool
	answers []byte // the one buffer in which they are written
}

// traffic answers what is whole, and leaves the rest.
func (w *gnetTransform) traffic(c gnet.Conn) gnet.Action {
	if _, ending := c.Context().(*gnetConn); ending {
		return w.gnetBase.traffic(c)
	}
	data, _ := c.Peek(-1) // all there is
	out, taken, n, err := answers(w.answers[:0], data, w.once)
	w.answers = out
	if taken > 0 {
		_, _ = c.Discard(taken)
	}
	if len(out) > 0 {
		if _, err := c.Write(out); err != nil {
			return gnet.None // it is closed
		}
	}
	if err != nil || w.once && n > 0 {
		return gnetFinish(c)
	}
	return gnet.None
}

// gnetStream sends one buffer over and over.
type gnetStream struct {
	gnetBase
	size  int64
	piece []byte
}

// opened begins.
func (w *gnetStream) opened(c gnet.Conn) gnet.Action {
	g := &gnetConn{left: w.size}
	c.SetContext(g)
	return w.pump(c, g)
}

// traffic goes on.
func (w *gnetStream) traffic(c gnet.Conn) gnet.Action {
	_, _ = c.Discard(-1) // what it says does not matter
	return w.pump(c, c.Context().(*gnetConn))
}

// pump sends until there is no room, or the share of one client is used up.
func (w *gnetStream) pump(c gnet.Conn, g *gnetConn) gnet.Action {
	for range streamShare {
		switch {
		case c.OutboundBuffered() > 0:
			g.later(c)
			return gnet.None
		case g.left == 0:
			return gnet.Close
		}
		n, err := c.Write(w.piece[:min(g.left, pieceSize)])
		if err != nil {
			return gnet.None // it is closed
		}
		g.left -= int64(n)
	}
	_ = c.Wake(nil)
	return gnet.None
}
