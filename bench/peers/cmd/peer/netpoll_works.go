package main

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/cloudwego/netpoll"
)

// dialLimit is how long an origin may take to accept; netpoll has to have one.
const dialLimit = 10 * time.Second

// echoNetpoll releases the input when it is sent, as long pieces of it are not
// copied.
func echoNetpoll(_ context.Context, c netpoll.Connection) error {
	reader := c.Reader()
	data, err := reader.Next(reader.Len())
	if err != nil {
		return err
	}
	if err := send(c, data); err != nil {
		return err
	}
	return reader.Release()
}

// ignore is for works whose clients send nothing.
func ignore(_ context.Context, c netpoll.Connection) error {
	return c.Reader().Skip(c.Reader().Len())
}

// netpollRequests is a connection's input that is not whole yet.
type netpollRequests struct {
	in   []byte
	out  []byte // kept for its memory
	done bool   // once has answered
}

type requestsKey struct{}

// prepareReader gives a connection its netpollRequests.
func prepareReader(netpoll.Connection) context.Context {
	return context.WithValue(context.Background(), requestsKey{}, new(netpollRequests))
}

// answer does transform and once.
func (s *netpollServer) answer(ctx context.Context, c netpoll.Connection) error {
	st := ctx.Value(requestsKey{}).(*netpollRequests)
	reader := c.Reader()
	data, err := reader.Next(reader.Len())
	if err != nil {
		return err
	}
	if st.done {
		return reader.Release()
	}
	if len(st.in) > 0 {
		st.in = append(st.in, data...)
		data = st.in
	}
	once := s.work == workOnce
	out, used, err := answer(st.out[:0], data, once)
	if err != nil {
		return c.Close()
	}
	st.out = out
	st.in = append(st.in[:0], data[used:]...)
	if err := reader.Release(); err != nil {
		return err
	}
	if len(out) == 0 {
		return nil
	}
	if err := send(c, out); err != nil || !once {
		return err
	}
	st.done = true
	return c.Close()
}

// send returns when b is sent.
func send(c netpoll.Connection, b []byte) error {
	if _, err := c.Writer().WriteBinary(b); err != nil { // refers to b if it is long
		return err
	}
	return c.Writer().Flush()
}

// sendLastNetpoll closes when b is sent, or if it cannot be.
func sendLastNetpoll(c netpoll.Connection, b []byte) {
	_ = send(c, b)
	_ = c.Close()
}

func (s *netpollServer) sendPoem(c netpoll.Connection) { sendLastNetpoll(c, s.text) }

func (s *netpollServer) sendStream(c netpoll.Connection) {
	for left := s.stream; left > 0; left -= pieceSize {
		if err := send(c, s.zeros[:min(left, pieceSize)]); err != nil {
			break
		}
	}
	_ = c.Close()
}

func (s *netpollServer) sendFetched(c netpoll.Connection) {
	poem, err := s.fetch()
	if err != nil {
		_ = c.Close()
		return
	}
	sendLastNetpoll(c, poem)
}

func (s *netpollServer) sendCached(c netpoll.Connection) {
	poem, err := s.cached()
	if err != nil {
		_ = c.Close()
		return
	}
	sendLastNetpoll(c, poem)
}

// cached returns the poem, and fetches it for the first who asks.
func (s *netpollServer) cached() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.text != nil {
		return s.text, nil
	}
	poem, err := s.fetch()
	if err == nil {
		s.text = poem
	}
	return poem, err
}

// fetch gets the origin's poem, in the calling goroutine.
func (s *netpollServer) fetch() ([]byte, error) {
	c, err := netpoll.DialConnection("tcp", s.origin, dialLimit)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	poem, err := io.ReadAll(c)
	if err != nil && !errors.Is(err, netpoll.ErrEOF) {
		return nil, err
	}
	return poem, nil
}
