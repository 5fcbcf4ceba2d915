package servers

import (
	"context"
	"net"

	"github.com/panjf2000/gnet/v2"
	"github.com/panjf2000/gnet/v2/pkg/pool/goroutine"
)

// gnetRelay fetches the poem for each client. It connects as gnet does it: by
// Go's net package, on a goroutine of gnet's pool, which hands a copy of the
// descriptor to the loop.
type gnetRelay struct {
	gnetBase
	origin net.Addr
}

// gnetOrigin is a connection to the origin.
type gnetOrigin struct {
	client gnet.Conn
	poem   []byte // so far
}

// newGnetRelay makes the work, for which the pool is needed again.
func newGnetRelay(origin string) (gnetWork, error) {
	addr, err := net.ResolveTCPAddr("tcp", origin)
	if err != nil {
		return nil, err
	}
	goroutine.DefaultWorkerPool.Reboot()
	return &gnetRelay{origin: addr}, nil
}

// opened begins to fetch, if it is a client that has come.
func (w *gnetRelay) opened(c gnet.Conn) gnet.Action {
	if _, ok := c.Context().(*gnetOrigin); ok {
		return gnet.None
	}
	c.SetContext(&gnetConn{waiting: true})
	to := &gnetOrigin{client: c}
	connected, err := c.EventLoop().Register(gnet.NewContext(context.Background(), to), w.origin)
	if err != nil {
		return gnet.Close
	}
	go func() {
		if r := <-connected; r.Err != nil {
			_ = c.EventLoop().Execute(context.Background(), gnet.RunnableFunc(func(context.Context) error {
				w.deliver(to, false)
				return nil
			}))
		}
	}()
	return gnet.None
}

// traffic collects the poem, or looks whether a client can end.
func (w *gnetRelay) traffic(c gnet.Conn) gnet.Action {
	switch state := c.Context().(type) {
	case *gnetOrigin:
		data, _ := c.Next(-1) // all there is
		state.poem = append(state.poem, data...)
		return gnet.None
	case *gnetConn:
		if !state.waiting {
			return w.gnetBase.traffic(c)
		}
	}
	_, _ = c.Discard(-1)
	return gnet.None
}

// closed delivers the poem, if it is the origin's end.
func (w *gnetRelay) closed(c gnet.Conn) {
	if to, ok := c.Context().(*gnetOrigin); ok {
		w.deliver(to, true)
		return
	}
	w.gnetBase.closed(c)
}

// deliver sends the poem to its client, or closes that without it.
func (w *gnetRelay) deliver(to *gnetOrigin, ok bool) {
	g, open := to.client.Context().(*gnetConn) // gnet drops it with the connection
	if !open {
		return
	}
	g.waiting = false
	if !ok || gnetSend(to.client, to.poem) == gnet.Close {
		_ = to.client.EventLoop().Close(to.client)
	}
}
