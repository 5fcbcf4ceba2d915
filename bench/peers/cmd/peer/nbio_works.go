package main

import (
	"sync"

	"github.com/lesismal/nbio"
)

func (s *nbioServer) echo(c *nbio.Conn, data []byte) {
	_, _ = c.Write(data) // copies what it cannot send; after an error, c is closed
}

func (s *nbioServer) openReader(c *nbio.Conn) { c.SetSession(new(nbioConn)) }

// answer does transform and once. The answers share a buffer, as there is one
// poller.
func (s *nbioServer) answer(c *nbio.Conn, data []byte) {
	st := state(c)
	if st.done {
		return
	}
	if len(st.in) > 0 {
		st.in = append(st.in, data...)
		data = st.in
	}
	once := s.work == workOnce
	out, used, err := answer(s.out[:0], data, once)
	s.out = out[:0]
	if err != nil {
		_ = c.Close()
		return
	}
	st.keep(data[used:])
	switch {
	case len(out) == 0:
	case once:
		st.done = true
		sendLast(c, st, out)
	default:
		_, _ = c.Write(out)
	}
}

// keep remembers the beginning of a request whose rest has not come.
func (st *nbioConn) keep(rest []byte) {
	if len(rest) == 0 {
		st.in = nil
		return
	}
	st.in = append(st.in[:0], rest...)
}

func (s *nbioServer) openPoem(c *nbio.Conn) {
	st := new(nbioConn)
	c.SetSession(st)
	sendLast(c, st, s.text)
}

// openStream gives the client a goroutine, since Write takes all there is, and
// OnWrittenSize must not write.
func (s *nbioServer) openStream(c *nbio.Conn) {
	st := &nbioConn{wake: make(chan struct{}, 1), gone: make(chan struct{})}
	c.SetSession(st)
	go func() {
		for left := s.stream; left > 0; left -= pieceSize {
			b := s.zeros[:min(left, pieceSize)]
			st.unsent.Add(int64(len(b)))
			if _, err := c.Write(b); err != nil {
				return
			}
			for st.unsent.Load() > 0 {
				select {
				case <-st.wake:
				case <-st.gone:
					return
				}
			}
		}
		_ = c.Close()
	}()
}

// openRelay fetches the poem for one client.
func (s *nbioServer) openRelay(c *nbio.Conn) {
	st := new(nbioConn)
	c.SetSession(st)
	s.fetch(func(poem []byte, err error) {
		if err != nil {
			_ = c.Close()
			return
		}
		sendLast(c, st, poem)
	})
}

// fetch gets the origin's poem and calls fetched once.
func (s *nbioServer) fetch(fetched func(poem []byte, err error)) {
	st := &nbioConn{fetched: fetched}
	err := s.DialAsync("tcp", s.origin, func(c *nbio.Conn, err error) {
		if err != nil {
			fetched(nil, err)
			return
		}
		c.SetSession(st) // before its first data, as the poller calls both
	})
	if err != nil {
		fetched(nil, err)
	}
}

// receive collects an origin's poem; clients send nothing.
func (s *nbioServer) receive(c *nbio.Conn, data []byte) {
	if st := state(c); st != nil && st.fetched != nil {
		st.in = append(st.in, data...)
	}
}

// nbioCache is the proxy's poem. Clients open on the acceptor's goroutine, and
// the poem comes on another.
type nbioCache struct {
	mu       sync.Mutex
	fetching bool
	waiting  []*nbio.Conn
}

func (s *nbioServer) openProxy(c *nbio.Conn) {
	c.SetSession(new(nbioConn))
	s.cache.mu.Lock()
	poem, first := s.text, !s.cache.fetching
	if poem == nil {
		s.cache.waiting = append(s.cache.waiting, c)
		s.cache.fetching = true
	}
	s.cache.mu.Unlock()
	switch {
	case poem != nil:
		sendLast(c, state(c), poem)
	case first:
		s.fetch(s.fetched)
	}
}

// fetched serves those who wait for the proxy's poem.
func (s *nbioServer) fetched(poem []byte, err error) {
	s.cache.mu.Lock()
	waiting := s.cache.waiting
	s.cache.waiting, s.cache.fetching = nil, false
	if err == nil {
		s.text = poem
	}
	s.cache.mu.Unlock()
	for _, c := range waiting {
		if err != nil {
			_ = c.Close()
			continue
		}
		sendLast(c, state(c), poem)
	}
}
