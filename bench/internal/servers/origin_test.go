package servers_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"time"
)

// origin is a server of a poem that takes its time: it sends one half, and the
// other when it is released.
type origin struct {
	addr    string
	fetches atomic.Int32
	begun   chan struct{} // one for each first half
	release chan struct{}
}

// newOrigin starts one, until the test's end.
func newOrigin(t *testing.T, poem []byte) *origin {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o := &origin{addr: l.Addr().String(), begun: make(chan struct{}, 10_000), release: make(chan struct{})}
	over := make(chan struct{})
	t.Cleanup(func() {
		close(over)
		_ = l.Close()
	})
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			o.fetches.Add(1)
			go func() {
				defer func() { _ = c.Close() }()
				half := len(poem) / 2
				_, _ = c.Write(poem[:half])
				o.begun <- struct{}{}
				select {
				case <-o.release:
					_, _ = c.Write(poem[half:])
				case <-over:
				}
			}()
		}
	}()
	return o
}

// await waits for n fetches to begin.
func (o *origin) await(n int) error {
	for i := range n {
		select {
		case <-o.begun:
		case <-time.After(patience):
			return fmt.Errorf("%d fetches have begun, want %d", i, n)
		}
	}
	return nil
}

// fetchesOnce has a hundred clients wait for one fetch, and another come later.
func fetchesOnce(s *scene) error {
	clients := make([]*net.TCPConn, 100)
	for i := range clients {
		clients[i] = s.dial()
	}
	return served(s, clients, 1)
}

// fetchesEach has a few clients wait for their fetches, and another come later.
func fetchesEach(s *scene) error {
	clients := make([]*net.TCPConn, 20)
	for i := range clients {
		clients[i] = s.dial()
	}
	return served(s, clients, len(clients))
}

// served wants all clients to get the poem by so many fetches, and one more
// client to get it, too.
func served(s *scene, clients []*net.TCPConn, fetches int) error {
	if err := s.origin.await(fetches); err != nil {
		return err
	}
	close(s.origin.release)
	for _, c := range clients {
		if err := wants(c, poem(3072), 4096); err != nil {
			return err
		}
	}
	if fetches > 1 {
		fetches++ // for the one that is to come
	}
	if err := wants(s.dial(), poem(3072), 4096); err != nil {
		return err
	}
	if got := int(s.origin.fetches.Load()); got != fetches {
		return fmt.Errorf("%d fetches, want %d", got, fetches)
	}
	return nil
}

// waitsWhole has a client half-close, and wants it to get nothing before the
// poem is there whole, and then the poem.
func waitsWhole(s *scene) error {
	c := s.dial()
	if err := c.CloseWrite(); err != nil {
		return err
	}
	if err := s.origin.await(1); err != nil {
		return err
	}
	_ = c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if n, err := c.Read(make([]byte, 1)); n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("read %d bytes, %w, before the poem was whole", n, err)
	}
	_ = c.SetReadDeadline(time.Now().Add(patience))
	close(s.origin.release)
	return wants(c, poem(3072), 4096)
}
