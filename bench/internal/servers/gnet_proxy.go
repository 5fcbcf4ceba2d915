package servers

import (
	"bytes"
	"context"

	"github.com/panjf2000/gnet/v2"
)

// gnetProxy sends a poem that it has fetched once. It fetches on a goroutine of
// its own, by Go's net package: that is what a program on gnet would do.
type gnetProxy struct {
	gnetBase
	origin  string
	poem    []byte // nil until it is fetched
	waiting []gnet.Conn
}

// opened sends the poem, or has the client wait for it.
func (w *gnetProxy) opened(c gnet.Conn) gnet.Action {
	if w.poem != nil {
		return gnetSend(c, w.poem)
	}
	c.SetContext(&gnetConn{waiting: true})
	w.waiting = append(w.waiting, c)
	if len(w.waiting) == 1 {
		go w.fetch(c.EventLoop())
	}
	return gnet.None
}

// fetch fetches the poem, and delivers it on the loop.
func (w *gnetProxy) fetch(loop gnet.EventLoop) {
	var poem bytes.Buffer
	err := netFetch(&poem, w.origin)
	_ = loop.Execute(context.Background(), gnet.RunnableFunc(func(context.Context) error {
		if err == nil {
			w.poem = poem.Bytes()
		}
		waiting := w.waiting
		w.waiting = nil
		for _, c := range waiting {
			if g, open := c.Context().(*gnetConn); open { // gnet drops it with the connection
				g.waiting = false
				if err != nil || gnetSend(c, w.poem) == gnet.Close {
					_ = loop.Close(c)
				}
			}
		}
		return nil
	}))
}

// traffic does not matter before the poem is there.
func (w *gnetProxy) traffic(c gnet.Conn) gnet.Action {
	if g, ok := c.Context().(*gnetConn); ok && !g.waiting {
		return w.gnetBase.traffic(c)
	}
	_, _ = c.Discard(-1)
	return gnet.None
}
