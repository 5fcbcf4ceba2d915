package logs_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"skein/apps/skein/internal/logs"
)

// roleVariable makes the test program one of the processes that the tests are
// about, in place of the tests.
const roleVariable = "SKEIN_LOGS_ROLE"

func TestMain(m *testing.M) {
	var err error
	switch os.Getenv(roleVariable) {
	case "":
		goleak.VerifyTestMain(m)
		return
	case "jail":
		err = jail(os.Args[1], os.Args[2])
	case "unheard":
		err = unheard()
	}
	if err != nil {
		fmt.Println(err)
	}
}

// act runs this program in a role, and returns what it says on standard output.
func act(t *testing.T, role string, stderr *os.File, args ...string) string {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), roleVariable+"="+role, "GORACE=atexit_sleep_ms=0")
	cmd.Stderr = stderr
	out, err := cmd.Output()
	must(t, err)
	return string(out)
}

// jail rotates and reopens its log file in a chroot, and then as nobody.
func jail(path, root string) error {
	l, err := logs.Open(logs.Options{Format: "json", File: path})
	if err != nil {
		return err
	}
	numbered(l, 1, 1)
	err = errors.Join(syscall.Chroot(root), os.Chdir("/"), <-l.Rotate(), <-l.Reopen())
	if err != nil {
		return err
	}
	numbered(l, 2, 2)
	err = errors.Join(syscall.Setgid(65534), syscall.Setuid(65534))
	if err != nil {
		return err
	}
	fmt.Println(<-l.Rotate())
	numbered(l, 3, 3)
	return l.Close()
}

// unheard logs to standard error.
func unheard() error {
	l, err := logs.Open(logs.Options{})
	if err != nil {
		return err
	}
	numbered(l, 1, 3)
	return l.Close()
}

// page is a sink that keeps what it is given, and may refuse or wait.
type page struct {
	mu     sync.Mutex
	text   bytes.Buffer
	refuse func(p []byte) (n int, err error) // instead, unless it returns nil
	gate   chan struct{}                     // each write waits for its end, if it is not nil
	came   chan struct{}                     // filled when a write waits
}

func (p *page) Write(b []byte) (int, error) {
	if p.gate != nil {
		select {
		case p.came <- struct{}{}:
		default: // nobody asks
		}
		<-p.gate
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refuse != nil {
		if n, err := p.refuse(b); err != nil {
			p.text.Write(b[:n])
			return n, err
		}
	}
	return p.text.Write(b)
}

func (p *page) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// open opens a log that the end of the test closes.
func open(t testing.TB, o logs.Options) *logs.Log {
	t.Helper()
	l, err := logs.Open(o)
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// flush waits until all lines so far are written.
func flush(t testing.TB, l *logs.Log) {
	t.Helper()
	// Where there is no file, nothing else comes of it.
	must(t, <-l.Reopen())
}

// numbered logs the lines from first to last.
func numbered(l *logs.Log, first, last int) {
	log := l.Logger()
	for n := first; n <= last; n++ {
		log.Info().Int("n", n).Msg("line")
	}
}

// numbers returns the n of each line of JSON; a line that tells of some that
// were dropped is their number, negative.
func numbers(t testing.TB, text string) []int {
	t.Helper()
	var all []int
	for line := range strings.Lines(text) {
		var fields struct {
			N       int
			Dropped int
			Message string
		}
		if err := json.Unmarshal([]byte(line), &fields); err != nil || !strings.HasSuffix(line, "\n") {
			t.Fatalf("%q is torn: %v", line, err)
		}
		n := fields.N
		if fields.Dropped > 0 {
			n = -fields.Dropped
			want := fmt.Sprintf("%d log lines were dropped", -n)
			if n == -1 {
				want = "1 log line was dropped"
			}
			if fields.Message != want {
				t.Errorf("it says %q, want %q", fields.Message, want)
			}
		}
		all = append(all, n)
	}
	return all
}

// expectComplete fails unless the lines count from 1 to last, those that were
// dropped being told of where they would have stood.
func expectComplete(t testing.TB, text string, last int) (dropped int) {
	t.Helper()
	at := 0
	for _, n := range numbers(t, text) {
		switch {
		case n < 0:
			at, dropped = at-n, dropped-n
		case n != at+1:
			t.Fatalf("the line %d follows %d", n, at)
		default:
			at = n
		}
	}
	if at != last {
		t.Errorf("the last line is %d, want %d", at, last)
	}
	return dropped
}

func expectText(t testing.TB, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %q, want %q", what, got, want)
	}
}

func expectDropped(t testing.TB, l *logs.Log, want uint64) {
	t.Helper()
	if got := l.Dropped(); got != want {
		t.Errorf("%d lines were dropped, want %d", got, want)
	}
}

func newPath(t testing.TB) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "skein.log")
}

func read(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	must(t, err)
	return string(text)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
