//go:build linux || darwin || freebsd

package process_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"skein/apps/skein/internal/process"
)

// The environment variables of the children, which are this test binary again.
const (
	childVariable = "SKEIN_PROCESS_TEST_CHILD" // which of the children it is
	homeVariable  = "SKEIN_PROCESS_TEST_HOME"  // where it reports
	doesVariable  = "SKEIN_PROCESS_TEST_DOES"  // what it does
)

// TestMain runs the tests, or, in a process that a test has started, a child.
func TestMain(m *testing.M) {
	if name := os.Getenv(childVariable); name != "" {
		os.Exit(children[name]())
	}
	goleak.VerifyTestMain(m)
}

// patience is how long a test waits for a process before it fails.
const patience = time.Minute

// child returns the command of a child; does is its doesVariable. With the race
// detector, each process would wait for a second at its end.
func child(name, does string) process.Command {
	env := append(os.Environ(), "GORACE=atexit_sleep_ms=0", childVariable+"="+name, doesVariable+"="+does)
	return process.Command{Args: []string{}, Env: env}
}

// home is where children report: each connects, says on one line what it is, and
// keeps the connection for as long as it lives, so that its end is seen.
type home struct {
	t    testing.TB
	ln   net.Listener
	path string
}

// newHome opens a home for the children of a test.
func newHome(t testing.TB) *home {
	t.Helper()
	dir, err := os.MkdirTemp("", "skein") // t.TempDir is too long for a socket's path
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	h := &home{t: t, path: filepath.Join(dir, "home")}
	h.ln, err = net.Listen("unix", h.path)
	must(t, err)
	t.Cleanup(func() { _ = h.ln.Close() })
	return h
}

// child is the command of a child that reports here.
func (h *home) child(name, does string) process.Command {
	c := child(name, does)
	c.Env = append(c.Env, homeVariable+"="+h.path)
	return c
}

// report is what a child says of itself.
type report struct {
	Role            process.Role
	PID, Session    int
	Group           int
	Dir             string
	Sockets         []string
	PIDFile         string // its content
	Worker, Workers int
	Variable        string         // what is left of process.Variable
	Descriptors     map[int]string // Linux: what is open
}

// caller is a child that lives.
type caller struct {
	report
	conn net.Conn
	rest io.Reader // what it says behind the report
}

// next waits for the next child's report.
func (h *home) next() *caller {
	h.t.Helper()
	must(h.t, h.ln.(*net.UnixListener).SetDeadline(time.Now().Add(patience)))
	conn, err := h.ln.Accept()
	must(h.t, err)
	h.t.Cleanup(func() { _ = conn.Close() })
	c := &caller{conn: conn}
	d := json.NewDecoder(conn)
	must(h.t, d.Decode(&c.report))
	c.rest = io.MultiReader(d.Buffered(), conn)
	return c
}

// ended waits for the child's end, and returns what it has said before.
func (c *caller) ended(t testing.TB) string {
	t.Helper()
	must(t, c.conn.SetReadDeadline(time.Now().Add(patience)))
	text, err := io.ReadAll(c.rest)
	if err != nil && !isReset(err) {
		t.Fatalf("process %d does not end: %v", c.PID, err)
	}
	return strings.TrimSpace(string(text))
}

// reaped waits until a process is gone, and somebody has asked how it went.
func reaped(t testing.TB, pid int) {
	t.Helper()
	for late := time.Now().Add(patience); !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH); runtime.Gosched() {
		if time.Now().After(late) {
			t.Fatalf("nobody waits for process %d", pid)
		}
	}
}

// isReset reports whether a connection ended otherwise than by a close.
func isReset(err error) bool {
	var e net.Error
	return errors.As(err, &e) && !e.Timeout()
}

// must fails the test if a step that has to succeed does not.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// want fails the test if the two differ.
func want[T comparable](t testing.TB, what string, got, expected T) {
	t.Helper()
	if got != expected {
		t.Errorf("%s: got %v, want %v", what, got, expected)
	}
}

// notebook is a writer that keeps what it is given, and says when something
// stands in it.
type notebook struct {
	mu      sync.Mutex
	changed sync.Cond
	text    bytes.Buffer
	writes  [][]byte
}

func newNotebook() *notebook {
	n := &notebook{}
	n.changed.L = &n.mu
	return n
}

// Write adds to the notebook.
func (n *notebook) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.writes = append(n.writes, bytes.Clone(p))
	n.changed.Broadcast()
	return n.text.Write(p)
}

// String returns what stands in it.
func (n *notebook) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.String()
}

// await blocks until the text stands in it.
func (n *notebook) await(text string) error {
	late := false
	timer := time.AfterFunc(patience, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		late = true
		n.changed.Broadcast()
	})
	defer timer.Stop()
	n.mu.Lock()
	defer n.mu.Unlock()
	for !bytes.Contains(n.text.Bytes(), []byte(text)) {
		if late {
			return fmt.Errorf("%q has not been said, but:\n%s", text, n.text.String())
		}
		n.changed.Wait()
	}
	return nil
}
