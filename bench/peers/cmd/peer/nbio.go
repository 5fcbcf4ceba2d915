package main

import (
	"io"
	"sync/atomic"

	"github.com/lesismal/nbio"
	"github.com/lesismal/nbio/logging"
)

// nbioServer is a server on nbio: one poller, which reads and calls back on its
// own goroutine. It is edge-triggered, which registers a connection once; what
// is written before that, in OnOpen, would not be sent to its end otherwise.
type nbioServer struct {
	options
	*nbio.Engine

	text  []byte // the poem; of the proxy: nil until it is fetched
	out   []byte // answers, on their way out
	cache nbioCache
	zeros []byte // of streams
}

// nbioConn is what a connection needs beside nbio's own; its session.
type nbioConn struct {
	in   []byte // a request that is not whole yet; an origin's poem
	done bool   // once has answered

	fetched func(poem []byte, err error) // an origin's

	unsent atomic.Int64  // bytes that nbio still has
	last   atomic.Bool   // nothing follows what is unsent: close
	wake   chan struct{} // stream: nothing is unsent
	gone   chan struct{} // stream: closed with the connection
}

// startNbio makes a server on nbio.
func startNbio(o options) (string, error) {
	logging.SetLevel(logging.LevelNone)
	s := &nbioServer{options: o, Engine: nbio.NewEngine(nbio.Config{
		Network: "tcp", Addrs: []string{o.addr}, Listen: o.listen,
		NPoller: 1, EpollMod: nbio.EPOLLET,
	})}
	switch o.work {
	case workEcho:
		s.OnData(s.echo)
	case workTransform, workOnce:
		s.OnOpen(s.openReader)
		s.OnData(s.answer)
	case workPoem:
		s.text = compose(o.poem)
		s.OnOpen(s.openPoem)
	case workStream:
		s.zeros = newPiece()
		s.OnOpen(s.openStream)
	case workProxy:
		s.OnOpen(s.openProxy)
	case workRelay:
		s.OnOpen(s.openRelay)
	}
	if o.work == workProxy || o.work == workRelay {
		s.OnData(s.receive)
	}
	if o.work != workEcho && o.work != workTransform {
		s.OnWrittenSize(written) // nbio forgets what is unsent when it closes
	}
	s.OnClose(closed)
	if err := s.Start(); err != nil {
		return "", err
	}
	return s.Addrs[0], nil
}

// state is the session of a connection, if it has one.
func state(c *nbio.Conn) *nbioConn {
	st, _ := c.Session().(*nbioConn)
	return st
}

// sendLast writes b, and closes when all of it is sent.
func sendLast(c *nbio.Conn, st *nbioConn, b []byte) {
	st.unsent.Add(int64(len(b)))
	if _, err := c.Write(b); err != nil {
		return // nbio has closed it
	}
	if st.unsent.Load() > 0 {
		st.last.Store(true)
	}
	if st.unsent.Load() == 0 { // perhaps since
		_ = c.Close()
	}
}

// written counts what is sent. nbio holds the connection's lock here, so that
// another goroutine has to close.
func written(c *nbio.Conn, _ []byte, n int) {
	st := state(c)
	if st == nil || st.unsent.Add(-int64(n)) > 0 {
		return
	}
	if st.last.Load() {
		go c.Close()
	}
	if st.wake != nil {
		select {
		case st.wake <- struct{}{}:
		default:
		}
	}
}

// closed tells those who wait for something of the connection.
func closed(c *nbio.Conn, err error) {
	st := state(c)
	if st == nil {
		return
	}
	if st.gone != nil {
		close(st.gone)
	}
	if st.fetched != nil {
		if err == io.EOF {
			err = nil
		}
		st.fetched(st.in, err)
	}
}
