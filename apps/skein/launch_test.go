package main_test

import (
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// launch runs skein with the arguments, for a test that is no script, in a folder
// of its own unless prepare sets another one.
func launch(t *testing.T, prepare func(c *exec.Cmd), args ...string) *daemon {
	t.Helper()
	return launchAs(t, "skein", prepare, args...)
}

// launchAs runs another program of TestMain's.
func launchAs(t *testing.T, program string, prepare func(c *exec.Cmd), args ...string) *daemon {
	t.Helper()
	d := &daemon{cmd: exec.Command(program, args...), exited: make(chan struct{})}
	d.changed.L = &d.mu
	d.cmd.Dir = t.TempDir()
	if prepare != nil {
		prepare(d.cmd)
	}
	// Not d itself: the end of the first process is not that of its successors.
	stderr, theirs, err := os.Pipe()
	must(t, err)
	d.cmd.Stderr = theirs
	must(t, d.cmd.Start())
	must(t, theirs.Close())
	read := make(chan struct{})
	go func() {
		defer close(read)
		_, _ = io.Copy(d, stderr) // until nobody can write any more
		_ = stderr.Close()        // it was only read
		d.mu.Lock()
		defer d.mu.Unlock()
		d.over = true
		d.changed.Broadcast()
	}()
	go func() {
		defer close(d.exited)
		_ = d.cmd.Wait() // end looks at the state
	}()
	t.Cleanup(func() {
		_ = d.cmd.Process.Kill() // it has ended, unless the test has failed
		<-d.exited
		<-read
	})
	return d
}

// detached runs skein with the arguments and --daemon in a folder, and returns the
// pid that is in its pid file. Whoever has that in the end is killed.
func detached(t *testing.T, dir string, args ...string) int {
	t.Helper()
	path := filepath.Join(dir, "skein.pid")
	c := exec.Command("skein", append(args, "--daemon")...)
	c.Dir = dir
	t.Cleanup(func() {
		if text, err := os.ReadFile(path); err == nil {
			if pid, _ := strconv.Atoi(strings.TrimSpace(string(text))); pid > 1 {
				_ = syscall.Kill(pid, syscall.SIGKILL) // the test has failed
			}
		}
	})
	if said, err := c.CombinedOutput(); err != nil || len(said) > 0 {
		t.Fatalf("skein %v --daemon: %v, and it said %q", args, err, said)
	}
	return pidIn(t, path)
}

// expect waits for a line of the log behind those of earlier calls, and returns
// its first group.
func (d *daemon) expect(t *testing.T, line string) string {
	t.Helper()
	found, ok := d.await(regexp.MustCompile("(?m)" + line + ".*\n"))
	if !ok {
		t.Fatalf("skein did not log %s; it logged:\n%s", line, found)
	}
	return found
}

// tell sends a signal.
func (d *daemon) tell(t *testing.T, s os.Signal) {
	t.Helper()
	must(t, d.cmd.Process.Signal(s))
}

// end waits for the end with this status.
func (d *daemon) end(t *testing.T, status int) {
	t.Helper()
	select {
	case <-d.exited:
	case <-time.After(patience):
		t.Fatalf("it does not end; it logged:\n%s", d.logged())
	}
	if got := d.cmd.ProcessState.ExitCode(); got != status {
		t.Fatalf("it ended with %v, want %d; it logged:\n%s", d.cmd.ProcessState, status, d.logged())
	}
}

// logged returns the log so far.
func (d *daemon) logged() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.log.String()
}

// pidIn returns the pid in a file.
func pidIn(t *testing.T, path string) int {
	t.Helper()
	text, err := os.ReadFile(path)
	must(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	must(t, err)
	return pid
}

// exists reports whether there is such a file.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// fetch returns the poem at a port.
func fetch(t *testing.T, port string) string {
	t.Helper()
	c, err := net.DialTimeout("tcp", net.JoinHostPort("127.0.0.1", port), patience)
	must(t, err)
	defer func() { _ = c.Close() }() // it was only read
	must(t, c.SetDeadline(time.Now().Add(patience)))
	poem, err := io.ReadAll(c)
	must(t, err)
	return string(poem)
}

// must fails the test if there is an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// asRoot skips a test that only root can run.
func asRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can become somebody else, or mount")
	}
}
