package systemd_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"skein/apps/skein/internal/systemd"
)

// childKey is set in the environment of a process that plays a service.
const childKey = "SKEIN_SYSTEMD_CHILD"

func TestMain(m *testing.M) {
	switch os.Getenv(childKey) {
	case "":
		goleak.VerifyTestMain(m)
	case "describe":
		describe()
	case "serve":
		serve()
	}
}

// manager is systemd's end of the socket.
type manager struct {
	*net.UnixConn
	t testing.TB
}

// manage opens systemd's socket and names it in the environment.
func manage(t testing.TB, name string) *manager {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	t.Setenv("NOTIFY_SOCKET", name)
	return &manager{conn, t}
}

// path returns a path for a socket.
func path(t testing.TB) string { return filepath.Join(t.TempDir(), "notify") }

// open returns a notifier for the environment.
func open(t testing.TB) *systemd.Notifier {
	t.Helper()
	n, err := systemd.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	return n
}

// next returns the next message, as one line.
func (m *manager) next() string {
	m.t.Helper()
	_ = m.SetReadDeadline(time.Now().Add(10 * time.Second))
	buf := make([]byte, 8192)
	n, err := m.Read(buf)
	if err != nil {
		m.t.Fatalf("no message: %v", err)
	}
	return strings.ReplaceAll(strings.TrimSuffix(string(buf[:n]), "\n"), "\n", " ")
}

// wants checks the next messages.
func (m *manager) wants(texts ...string) {
	m.t.Helper()
	for _, want := range texts {
		if got := m.next(); got != want {
			m.t.Errorf("got %q, want %q", got, want)
		}
	}
}

// silent checks that there is no message: what was sent is here already. It asks
// the system: a read with a deadline that has passed does not look.
func (m *manager) silent() {
	m.t.Helper()
	raw, err := m.SyscallConn()
	if err != nil {
		m.t.Fatal(err)
	}
	var (
		buf     [8192]byte
		n       int
		nothing error
	)
	err = raw.Control(func(fd uintptr) { n, _, nothing = syscall.Recvfrom(int(fd), buf[:], syscall.MSG_DONTWAIT) })
	if err != nil || !errors.Is(nothing, syscall.EAGAIN) {
		m.t.Errorf("a message: %q, with the errors %v, %v", buf[:max(n, 0)], err, nothing)
	}
}

// environment fails the test if a variable is still set.
func environment(t testing.TB, names ...string) {
	t.Helper()
	for _, name := range names {
		if value, ok := os.LookupEnv(name); ok {
			t.Errorf("children would inherit %s=%s", name, value)
		}
	}
}

// fail ends a child that cannot do what it should.
func fail(err error) {
	fmt.Println("error:", err)
	os.Exit(1)
}
