package main_test

import (
	"fmt"
	"os"
	"os/exec"
	ossignal "os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// A server in the foreground ends in good order when its terminal is closed; one
// that nohup has started goes on. SIGHUP by itself is for the log.
func TestTheTerminalIsClosed(t *testing.T) {
	t.Parallel()
	heard := make(chan os.Signal, 1) // children of one that ignores SIGHUP, as under nohup, would ignore it, too
	ossignal.Notify(heard, syscall.SIGHUP)
	t.Cleanup(func() { ossignal.Stop(heard) })
	for name, c := range map[string]struct {
		shell string // what is between the terminal and the server
		args  []string
		ends  bool
	}{
		"alone":         {ends: true},
		"workers":       {args: []string{"--workers", "2"}, ends: true},
		"under a shell": {shell: `"$@"; true`, ends: true},
		"nohup":         {shell: `trap "" HUP; exec "$@"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			keyboard, screen := openPTY(t)
			shell := c.shell
			d := launch(t, func(c *exec.Cmd) {
				if shell != "" {
					c.Path, c.Args = "/bin/sh", append([]string{"sh", "-c", shell, "sh"}, c.Args...)
				}
				c.Stdin = screen
				c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
			}, append(c.args, "fastpoetry", "--port", "0", "--pidfile", "x.pid")...)
			if name == "workers" {
				d.expect(t, "worker is ready(.|\n)*worker is ready")
			} else {
				d.expect(t, "Serving a poem.")
			}
			pid := pidIn(t, filepath.Join(d.cmd.Dir, "x.pid"))
			must(t, screen.Close())
			must(t, syscall.Kill(pid, syscall.SIGHUP))
			d.expect(t, "Received SIGHUP, opening the log again.")
			must(t, keyboard.Close())
			if !c.ends {
				d.expect(t, "Received SIGHUP, opening the log again.")
				must(t, syscall.Kill(pid, syscall.SIGTERM))
			} else {
				d.expect(t, "Received SIGHUP, and the terminal is closed, shutting down.")
			}
			d.expect(t, `^\S+ INF Server Shut Down.$`)
			eventually(t, "the pid file is gone", func() bool { return !exists(filepath.Join(d.cmd.Dir, "x.pid")) })
		})
	}
}

// openPTY opens a terminal: the end of who sits at it, and that of its programs.
func openPTY(t *testing.T) (keyboard, screen *os.File) {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	must(t, err)
	t.Cleanup(func() { _ = keyboard.Close() }) // the test may have
	must(t, unix.IoctlSetPointerInt(int(keyboard.Fd()), unix.TIOCSPTLCK, 0))
	number, err := unix.IoctlGetInt(int(keyboard.Fd()), unix.TIOCGPTN)
	must(t, err)
	screen, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	must(t, err)
	t.Cleanup(func() { _ = screen.Close() })
	return keyboard, screen
}

// A server needs no standard files. One without a standard error ends with the
// right status all the same.
func TestClosedStandardFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	sh := func(script string) (string, error) {
		c := exec.Command("/bin/sh", "-c", script)
		c.Dir = dir
		said, err := c.CombinedOutput()
		return strings.TrimSpace(string(said)), err
	}
	for script, want := range map[string]string{
		`skein fastpoetry --port 0 --umask 9 2>&-; echo $?`:                 "1",
		`skein fastpoetry --port 0 --umask 9 --daemon 2>&-; echo $?`:        "1",
		`skein fastpoetry --port http 2>&-; echo $?`:                        "2",
		`(skein fastpoetry --port http --daemon <&- >&- 2>&-); echo $?`:     "2",
		`skein fastpoetry --port 0 --umask 9 2>/dev/full; echo $?`:          "1",
		`skein fastpoetry --port 0 --umask 9 --daemon 2>/dev/full; echo $?`: "1",
	} {
		if got, err := sh(script); err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", script, got, err, want)
		}
	}
	// It runs, the loop is fine, and its log is where it should be.
	if said, err := sh(`skein fastpoetry --port 0 --daemon <&- >&- 2>&- && skein status`); err != nil || !strings.Contains(said, "is running") {
		t.Errorf("detached, without standard files: %v: %s", err, said)
	}
	if said, err := sh(`skein stop && grep -c "Server Shut Down" skein.log`); err != nil || !strings.HasSuffix(said, "\n1") {
		t.Errorf("its end: %v: %s", err, said)
	}
	for _, closed := range []string{"<&-", "2>&-", "<&- >&- 2>&-", "2>/dev/full"} {
		script := `skein fastpoetry --port 0 --pidfile x.pid ` + closed + ` &
			until skein status --pidfile x.pid >/dev/null && [ -s x.pid ]; do :; done
			kill -TERM $!; wait $!`
		if said, err := sh(script); err != nil {
			t.Errorf("in the foreground, with %s: %v: %s", closed, err, said)
		}
	}
}
