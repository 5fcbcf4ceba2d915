package reactor_test

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

// TestOutOfDescriptors runs a server with 64 descriptors against 300 clients:
// it serves as many as it can, waits for nothing busily, and serves the others
// as the first ones leave.
func TestOutOfDescriptors(t *testing.T) {
	cmd, addr, stop := startChild(t, "starved")
	const clients = 300
	conns := make([]net.Conn, clients)
	greeted := make(chan int, clients)
	for i := range conns {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatalf("client %d: %v", i, err)
		}
		defer c.Close()
		conns[i] = c
		go func() {
			if _, err := io.ReadFull(c, make([]byte, len("hello"))); err == nil {
				greeted <- i
			} else if !errors.Is(err, net.ErrClosed) {
				greeted <- -1
			}
		}()
	}
	first := []int{receive(t, greeted)}
	full := time.After(time.Second) // sleeps: how much the server works while full is what is tested
	for waiting := true; waiting; {
		select {
		case i := <-greeted:
			first = append(first, i)
		case <-full:
			waiting = false
		}
	}
	if len(first) < 40 || len(first) > 63 {
		t.Errorf("with 64 descriptors the server served %d clients at once", len(first))
	}
	served := 0
	for queue := first; served < clients; served++ {
		if len(queue) == 0 {
			queue = append(queue, receive(t, greeted))
		}
		_ = conns[queue[0]].Close() // makes room for a newcomer
		queue = queue[1:]
	}
	if err := stop(); err != nil {
		t.Errorf("the server ended with %v", err)
	}
	used := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if limit := time.Second / 4; used > limit {
		t.Errorf("the server used %v of CPU in a second of being full, and a moment before and after; at most %v is allowed", used, limit)
	}
	t.Logf("%d served at once, %v of CPU", len(first), used)
}

// receive returns the next number, and fails the test if none comes or it says
// that a client got no greeting.
func receive(t *testing.T, from <-chan int) int {
	t.Helper()
	select {
	case i := <-from:
		if i < 0 {
			t.Fatal("a client was cut off")
		}
		return i
	case <-time.After(30 * time.Second):
		t.Fatal("no client is served any more")
	}
	return 0
}
