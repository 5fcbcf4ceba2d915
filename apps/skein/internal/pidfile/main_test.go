package pidfile_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"skein/apps/skein/internal/pidfile"
)

// roleVariable makes the test program one of the processes that the tests are
// about, in place of the tests.
const roleVariable = "SKEIN_PIDFILE_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(roleVariable) {
	case "":
		goleak.VerifyTestMain(m)
	case "hold":
		play(pidfile.Acquire(os.Args[1]))
	case "adopt":
		play(pidfile.Adopt(os.NewFile(3, "inherited"), os.Args[1]))
	case "chroot":
		f, err := pidfile.Acquire(os.Args[1])
		play(f, errors.Join(err, syscall.Chroot("/proc/self"), os.Chdir("/")))
	case "intruder":
		_ = errors.Join(syscall.Setgid(65534), syscall.Setuid(65534)) // or it will say "held"
		play(pidfile.Acquire(os.Args[1]))
	case "nobody":
		f, err := pidfile.Acquire(os.Args[1])
		play(f, errors.Join(err, syscall.Setgid(65534), syscall.Setuid(65534)))
	}
}

// play is the life of an instance: it says "held", or "running PID", or what is
// wrong, and lives until its standard input ends; with a first line there, it
// leaves the file to others.
func play(f *pidfile.File, err error) {
	var running *pidfile.RunningError
	switch {
	case errors.As(err, &running):
		fmt.Println("running", running.PID)
		return
	case err != nil:
		fmt.Println(err)
		return
	}
	if err := f.WritePID(os.Getpid()); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("held")
	order, _ := io.ReadAll(os.Stdin)
	if len(order) > 0 {
		_ = f.Abandon()
		return
	}
	_ = f.Release()
}

// instance is a child process.
type instance struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	said  string // its line
}

// launch starts a process, and does not wait for its line.
func launch(t *testing.T, role, path string, inherited ...*os.File) (*instance, func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0], path)
	cmd.Env = append(os.Environ(), roleVariable+"="+role, "GORACE=atexit_sleep_ms=0")
	cmd.ExtraFiles = inherited
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	must(t, err)
	stdout, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // again, if the test has
	})
	i := &instance{cmd: cmd, stdin: stdin}
	return i, func() {
		line, _ := bufio.NewReader(stdout).ReadString('\n')
		i.said = strings.TrimSpace(line)
	}
}

// spawn starts a process and waits for its line.
func spawn(t *testing.T, role, path string, inherited ...*os.File) *instance {
	t.Helper()
	i, wait := launch(t, role, path, inherited...)
	wait()
	return i
}

// leave ends a process in good order.
func (i *instance) leave(t *testing.T) {
	t.Helper()
	must(t, i.stdin.Close())
	must(t, i.cmd.Wait())
}

// kill ends a process as kill -9 does.
func (i *instance) kill(t *testing.T) {
	t.Helper()
	must(t, i.cmd.Process.Kill())
	_ = i.cmd.Wait() // "signal: killed"
}

// newPath returns a path in a folder of its own.
func newPath(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "skein.pid")
}

func acquire(t *testing.T, path string) *pidfile.File {
	t.Helper()
	f, err := pidfile.Acquire(path)
	must(t, err)
	t.Cleanup(func() { _ = f.Release() })
	return f
}

// expectRunning fails unless the error names the pid and the path.
func expectRunning(t *testing.T, err error, pid int, path string) {
	t.Helper()
	var running *pidfile.RunningError
	if !errors.As(err, &running) || running.PID != pid || running.Path != path {
		t.Fatalf("got %v, want that %d holds %s", err, pid, path)
	}
	want := "another server is running, with pid " + strconv.Itoa(pid) + " (pid file " + path + ")"
	if err.Error() != want {
		t.Errorf("it says %q, want %q", err, want)
	}
}

// expectRead fails unless Read tells that.
func expectRead(t *testing.T, path string, pid int, running bool) {
	t.Helper()
	gotPID, gotRunning, err := pidfile.Read(path)
	if err != nil || gotPID != pid || gotRunning != running {
		t.Errorf("read: %d, %t, %v; want %d, %t", gotPID, gotRunning, err, pid, running)
	}
}

func expectNoFile(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("there still is %s (%v)", path, err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	must(t, os.WriteFile(path, []byte(text), 0o644))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
