package reactor_test

import (
	"fmt"
	"net"
	"os"
	"testing"
)

// TestMemoryOfSlowReaders lets 1,500 clients connect to a server of a poem of
// 1 MiB and read nothing.
func TestMemoryOfSlowReaders(t *testing.T) {
	cmd, addr, _ := startChild(t, "poem")
	const clients, limit = 1500, 24 << 10
	connect := func(n int) {
		for range n {
			c, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			// One byte shows that the connection has been served.
			if _, err := c.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
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
