package reactor_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

// TestMemoryOfSlowReaders lets 1,500 clients connect to a server of a poem of
// 1 MiB and read nothing.
func TestMemoryOfSlowReaders(t *testing.T) {
	cmd, addr, _ := startChild(t, "poem")
	const clients, limit = 1500, 24 << 10
	// A small window keeps most of the poem out of the kernel, where it would not
	// count.
	dialer := net.Dialer{Control: func(_, _ string, c syscall.RawConn) (err error) {
		failed := c.Control(func(fd uintptr) {
			err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4<<10)
		})
		return errors.Join(failed, err)
	}}
	connect := func(n int) {
		for i := range n {
			c, err := dialer.Dial("tcp", addr)
			if err != nil {
				t.Fatalf("client %d: %v", i, err)
			}
			// One byte shows that the connection has been served.
			_ = c.SetDeadline(time.Now().Add(30 * time.Second))
			if _, err := c.Read(make([]byte, 1)); err != nil {
				t.Fatalf("client %d: %v", i, err)
			}
			t.Cleanup(func() { _ = c.Close() })
		}
	}
	connect(1) // what the first one takes, all share
	before := residentBytes(t, cmd.Process.Pid)
	connect(clients)
	each := (residentBytes(t, cmd.Process.Pid) - before) / clients
	t.Logf("%d bytes of process memory for each of %d clients", each, clients)
	if each > limit {
		t.Errorf("each client takes %d bytes, at most %d are allowed", each, limit)
	}
}

// residentBytes returns the resident memory of a process.
func residentBytes(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		t.Fatal(err)
	}
	var size, resident int
	if _, err := fmt.Sscan(string(text), &size, &resident); err != nil {
		t.Fatal(err)
	}
	return resident * os.Getpagesize()
}
