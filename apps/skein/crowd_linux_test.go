package main_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// crowd is clients of one poetry server: so many begin in a second, whatever has
// become of those before.
type crowd struct {
	t    *testing.T
	addr string
	poem []byte
	home chan struct{} // closed: nobody is to begin any more
	last chan struct{} // closed: nobody does
	once sync.Once
	out  sync.WaitGroup // who begins, and all who have begun

	mu      sync.Mutex
	begun   int
	outside int // they have got nothing yet
	whole   int
	mishaps []mishap
}

// mishap is what has become of a client that did not get the whole poem.
type mishap struct {
	port int // the client's, or 0 if it was never connected
	err  error
}

// String is for the test's log.
func (m mishap) String() string { return fmt.Sprintf("from port %d: %v", m.port, m.err) }

// gather lets a crowd begin.
func gather(t *testing.T, addr string, poem []byte, perSecond int) *crowd {
	t.Helper()
	c := &crowd{t: t, addr: addr, poem: poem, home: make(chan struct{}), last: make(chan struct{})}
	c.out.Go(func() {
		defer close(c.last)
		c.keepComing(perSecond)
	})
	t.Cleanup(c.disperse)
	return c
}

// keepComing begins as many as are due, also when the machine was busy with other
// things meanwhile.
func (c *crowd) keepComing(perSecond int) {
	again := time.NewTicker(time.Second / time.Duration(perSecond))
	defer again.Stop()
	start, begun := time.Now(), 0
	for {
		select {
		case <-c.home:
			return
		case now := <-again.C:
			due := int(now.Sub(start).Seconds() * float64(perSecond))
			for ; begun < due; begun++ {
				c.visit(func() {}, func() {})
			}
		}
	}
}

// guest begins a client and returns when it has got the first of its poem. whole
// is closed when it has got the rest, or not.
func (c *crowd) guest() (whole chan struct{}) {
	c.t.Helper()
	first, whole := make(chan struct{}), make(chan struct{})
	c.visit(func() { close(first) }, func() { close(whole) })
	select {
	case <-first:
	case <-time.After(patience):
		c.t.Fatal("a guest is not served")
	}
	return whole
}

// visit begins a client. first is called when it has got something, or never will,
// and then over.
func (c *crowd) visit(first, over func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.begun++
	c.outside++
	c.out.Go(func() {
		defer over()
		in := sync.OnceFunc(func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.outside--
			first()
		})
		port, err := c.fetch(in)
		in()
		c.mu.Lock()
		defer c.mu.Unlock()
		if err != nil {
			c.mishaps = append(c.mishaps, mishap{port, err})
			return
		}
		c.whole++
	})
}

// fetch fetches a poem, and calls first when the first of it is there. It is
// patient: what is slow is not wrong.
func (c *crowd) fetch(first func()) (port int, err error) {
	conn, err := net.DialTimeout("tcp", c.addr, patience)
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close() }() // it was only read
	port = conn.LocalAddr().(*net.TCPAddr).Port
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return port, err
	}
	got := make([]byte, 1, len(c.poem)+1)
	if _, err := io.ReadFull(conn, got); err != nil {
		return port, fmt.Errorf("before the first byte: %w", err)
	}
	first()
	rest, err := io.ReadAll(conn)
	got = append(got, rest...)
	switch {
	case err != nil:
		return port, fmt.Errorf("behind %d bytes: %w", len(got), err)
	case !bytes.Equal(got, c.poem):
		return port, fmt.Errorf("the poem has %d bytes, of %d", len(got), len(c.poem))
	}
	return port, nil
}

// served waits until so many that begin from now on have got their poem.
func (c *crowd) served(n int) {
	c.t.Helper()
	c.mu.Lock()
	enough := c.begun + n
	c.mu.Unlock()
	eventually(c.t, fmt.Sprintf("%d clients are served", n), func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.whole >= enough-len(c.mishaps)
	})
}

// stop lets nobody begin any more. All who have begun have been let in.
func (c *crowd) stop() {
	c.t.Helper()
	c.once.Do(func() { close(c.home) })
	<-c.last
	eventually(c.t, "all are let in", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.outside == 0
	})
}

// disperse ends the crowd, when all who have begun are served.
func (c *crowd) disperse() {
	c.once.Do(func() { close(c.home) })
	c.out.Wait()
}

// counts are those of a crowd that has dispersed.
func (c *crowd) counts() (begun, whole int, mishaps []mishap) {
	c.disperse()
	return c.begun, c.whole, c.mishaps
}

// unharmed fails the test if anybody was refused, reset or cut short, and returns
// how many were served.
func (c *crowd) unharmed() int {
	c.t.Helper()
	begun, whole, mishaps := c.counts()
	for i, m := range mishaps {
		if i == 10 {
			c.t.Errorf("and %d more", len(mishaps)-i)
			break
		}
		c.t.Error(m)
	}
	if whole != begun-len(mishaps) {
		c.t.Errorf("of %d clients, %d were served, and %d not", begun, whole, len(mishaps))
	}
	return whole
}

// longPoem returns a poem that does not fit into one packet, or the socket's
// buffers.
func longPoem(bytes int) []byte {
	const line = "Tyger Tyger, burning bright, In the forests of the night; line %d\n"
	var b strings.Builder
	for i := 0; b.Len() < bytes; i++ {
		_, _ = fmt.Fprintf(&b, line, i) // it cannot fail
	}
	return []byte(b.String()[:bytes])
}
