package peers_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// limit bounds each step of a test, so that a server that hangs fails it.
const limit = 30 * time.Second

// process is a server that runs.
type process struct {
	addr   string
	stdin  io.Closer
	stdout *bufio.Reader
	input  io.Writer
}

// start runs a server until the test ends. It must then end by itself, with
// status 0, because its standard input does.
func start(t *testing.T, argv []string, work string, flags ...string) *process {
	t.Helper()
	// Not the test's context, which ends before its cleanups.
	ctx, cancel := context.WithTimeout(context.Background(), 4*limit)
	args := append(append(append([]string(nil), argv[1:]...), work), flags...)
	cmd := exec.CommandContext(ctx, argv[0], args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		defer cancel()
		_ = stdin.Close()
		late := time.AfterFunc(limit, cancel)
		defer late.Stop()
		if err := cmd.Wait(); err != nil {
			t.Errorf("when its input ended, the server ended with %v, want status 0", err)
		}
		if stderr.Len() > 0 {
			t.Errorf("the server said: %s", stderr.Bytes())
		}
	})
	p := &process{stdin: stdin, input: stdin, stdout: bufio.NewReader(stdout)}
	line, err := p.stdout.ReadString('\n')
	if err != nil {
		t.Fatalf("the server said %q, and then: %v", line, err)
	}
	addr, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "listening ")
	if !ok {
		t.Fatalf("the server's first line is %q, want listening HOST:PORT", line)
	}
	p.addr = addr
	return p
}

// dial connects to the server until the test ends.
func (p *process) dial(t *testing.T) *net.TCPConn {
	t.Helper()
	c, err := net.DialTimeout("tcp", p.addr, limit)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(limit)); err != nil {
		t.Fatal(err)
	}
	return c.(*net.TCPConn)
}

// send writes data from another goroutine, as the server may answer before it has
// all, and ends the output if asked to. The test waits for it.
func send(t *testing.T, c *net.TCPConn, data []byte, sizes []int, end bool) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; len(data) > 0; i++ {
			n := min(sizes[i%len(sizes)], len(data))
			if _, err := c.Write(data[:n]); err != nil {
				return // the reader's side knows better what is wrong
			}
			data = data[n:]
		}
		if end {
			_ = c.CloseWrite()
		}
	}()
	t.Cleanup(func() {
		c.Close()
		<-done
	})
}

// wantAll reads to the end, and fails the test if that is not want.
func wantAll(t *testing.T, c io.Reader, want []byte) {
	t.Helper()
	got, err := io.ReadAll(c)
	if err != nil {
		t.Fatalf("after %d bytes of %d: %v, want the end", len(got), len(want), err)
	}
	wantSame(t, got, want)
}

// wantNext reads as many bytes as want has.
func wantNext(t *testing.T, c io.Reader, want []byte) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(c, got); err != nil {
		t.Fatalf("after %d bytes of %d: %v", n, len(want), err)
	}
	wantSame(t, got, want)
}

func wantSame(t *testing.T, got, want []byte) {
	t.Helper()
	if bytes.Equal(got, want) {
		return
	}
	at := 0
	for at < min(len(got), len(want)) && got[at] == want[at] {
		at++
	}
	t.Fatalf("got %d bytes, want %d; they differ from byte %d", len(got), len(want), at)
}

// origin serves the poem, in two pieces, and counts who fetched it.
func origin(t *testing.T, poem []byte) (addr string, fetches *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	fetches = new(atomic.Int64)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			fetches.Add(1)
			_, _ = c.Write(poem[:len(poem)/2])
			_, _ = c.Write(poem[len(poem)/2:])
			c.Close()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return l.Addr().String(), fetches
}

// checkStats asks a server in Go for its figures.
func checkStats(t *testing.T, argv []string) {
	p := start(t, argv, "echo")
	figures := p.figures(t, "stats")
	for _, name := range []string{"mallocs", "total_alloc", "heap_inuse", "num_gc", "max_pause_ns", "pause_total_ns"} {
		if _, ok := figures[name]; !ok {
			t.Errorf("there is no %s in %v", name, figures)
		}
	}
	if figures["mallocs"] == 0 || figures["heap_inuse"] == 0 {
		t.Errorf("a program that runs has allocated something: %v", figures)
	}
	if after := p.figures(t, "collect"); after["num_gc"] <= figures["num_gc"] || after["max_pause_ns"] == 0 {
		t.Errorf("after a collection %v, before it %v", after, figures)
	}
}

// figures asks a server for them.
func (p *process) figures(t *testing.T, verb string) (figures map[string]uint64) {
	t.Helper()
	if _, err := io.WriteString(p.input, verb+"\n"); err != nil {
		t.Fatal(err)
	}
	line, err := p.stdout.ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(line, &figures); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	return figures
}

// refused runs a server that cannot start, and returns its status and what it
// said on standard error.
func refused(t *testing.T, argv []string, args ...string) (status int, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], append(append([]string(nil), argv[1:]...), args...)...)
	var said bytes.Buffer
	cmd.Stderr = &said
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), said.String()
}
