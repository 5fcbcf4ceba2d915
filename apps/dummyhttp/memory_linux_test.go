package dummyhttp_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// A body of 300 MiB, to a server in a process of its own, which may not grow by
// 16 MiB.
func TestALongBodyTakesNoMemory(t *testing.T) {
	const length, most = 300 << 20, 16 << 10 // bytes, KiB
	server, addr := startServer(t)
	// The first requests bring in what every request needs.
	for range 10 {
		if got := postZeros(t, addr, 1<<20); got != 1<<20 {
			t.Fatalf("it counted %d bytes", got)
		}
	}
	before := peak(t, server)
	if got := postZeros(t, addr, length); got != length {
		t.Errorf("it counted %d bytes of %d", got, length)
	}
	grown := peak(t, server) - before
	t.Logf("the peak was %d KiB, and grew by %d KiB", before, grown)
	if grown >= most {
		t.Errorf("the process grew by %d KiB", grown)
	}
}

// startServer starts this test's binary as a server, and returns its number and
// address.
func startServer(t *testing.T) (pid int, addr string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childKey+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	})
	addr, err = bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return cmd.Process.Pid, strings.TrimSpace(addr)
}

// postZeros posts n zeros and returns how many the server counted.
func postZeros(t *testing.T, addr string, n int64) (counted int64) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if _, err := fmt.Fprintf(c, "POST / HTTP/1.0\r\nContent-Length: %d\r\n\r\n", n); err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(c, zeros{}, n); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(answer), "\r\n\r\n")
	if _, err := fmt.Sscan(body, &counted); err != nil {
		t.Fatalf("the answer is %q: %v", answer, err)
	}
	return counted
}

// zeros has no end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// peak returns the most memory that a process has had so far, in KiB.
func peak(t *testing.T, pid int) (kib int) {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, line, _ := strings.Cut(string(status), "VmHWM:")
	if _, err := fmt.Sscan(line, &kib); err != nil {
		t.Fatal(err)
	}
	return kib
}
