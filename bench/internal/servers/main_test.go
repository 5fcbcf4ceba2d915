package servers_test

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"skein/bench/internal/servers"
)

// What is there before the first test is gnet's: its package starts goroutines
// of its own.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.IgnoreCurrent()) }

// patience is for what should not take long.
const patience = 20 * time.Second

// program is a server that runs in this process.
type program struct {
	t      *testing.T
	addr   string
	stdin  *io.PipeWriter
	stdout *bufio.Reader
	stderr lockedBuffer
	status chan int
	ended  bool
}

// start runs a server, until the test's end at the latest.
func start(t *testing.T, args ...string) *program {
	t.Helper()
	in, stdin := io.Pipe()
	stdout, out := io.Pipe()
	p := &program{t: t, stdin: stdin, stdout: bufio.NewReader(stdout), status: make(chan int, 1)}
	go func() {
		p.status <- servers.Main(args, in, out, &p.stderr)
		_ = out.Close()
	}()
	t.Cleanup(func() {
		if !p.ended {
			p.stop()
		}
		_ = stdout.Close()
	})
	var ok bool
	if p.addr, ok = strings.CutPrefix(p.line(), "listening "); !ok {
		t.Fatalf("%q did not listen: %s", args, p.stderr.String())
	}
	return p
}

// line is the next line of output, without its end.
func (p *program) line() string {
	line, _ := p.stdout.ReadString('\n') // the program's end ends it
	return strings.TrimSuffix(line, "\n")
}

// stop ends the input, and wants the program to end well and without a word.
func (p *program) stop() {
	p.t.Helper()
	p.ended = true
	_ = p.stdin.Close()
	select {
	case status := <-p.status:
		if status != 0 || p.stderr.String() != "" {
			p.t.Errorf("status %d, and on standard error: %q", status, p.stderr.String())
		}
	case <-time.After(patience):
		p.t.Error("the server does not end when its input does")
	}
}

// lockedBuffer is a buffer that two goroutines use.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write appends.
func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

// String returns what has been written.
func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// dial connects to an address. The connection is closed at the test's end. Any
// goroutine may call it: a failure is what the first use of the connection finds.
func dial(t *testing.T, addr string) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Error(err)
		return new(net.TCPConn)
	}
	_ = c.SetDeadline(time.Now().Add(patience))
	t.Cleanup(func() { _ = c.Close() })
	return c.(*net.TCPConn)
}

// poem returns a poem of n bytes, as the contract defines it.
func poem(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = "abcdefghijklmnopqrstuvwxyz\n"[i%27]
	}
	return b
}
