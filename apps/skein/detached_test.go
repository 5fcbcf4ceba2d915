package main_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// lookPause is how often a test looks whether a file is as it should be.
const lookPause = 5 * time.Millisecond

// eventually calls look until it returns true. A test and a script can be told
// that it takes too long.
func eventually(t interface{ Fatalf(string, ...any) }, what string, look func() bool) {
	deadline := time.After(patience)
	again := time.NewTicker(lookPause)
	defer again.Stop()
	for !look() {
		select {
		case <-again.C:
		case <-deadline:
			t.Fatalf("it took too long: %s", what)
		}
	}
}

// detach PIDFILE ARG... runs skein with the arguments, and --daemon. It must
// succeed and say nothing. The daemon is killed at the end of a script that has
// failed.
func detach(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: detach PIDFILE ARG...")
	}
	ts.Defer(func() {
		text, err := os.ReadFile(ts.MkAbs(args[0]))
		if pid, bad := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && bad == nil && pid > 1 {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	})
	ts.Check(ts.Exec("skein", append(args[1:], "--daemon")...))
	if said := ts.ReadFile("stdout") + ts.ReadFile("stderr"); said != "" {
		ts.Fatalf("it said %q", said)
	}
}

// logged FILE REGEXP [VAR] waits for a file to have a match; VAR is set to its first
// group.
func logged(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: logged FILE REGEXP [VAR]")
	}
	re := regexp.MustCompile("(?m)" + args[1])
	var text []byte
	eventually(ts, args[0]+" has "+args[1], func() bool {
		text, _ = os.ReadFile(ts.MkAbs(args[0])) // it may come yet
		return re.Match(text)
	})
	if len(args) > 2 {
		ts.Setenv(args[2], string(re.FindSubmatch(text)[1]))
	}
}

// gone FILE waits until there is no such file.
func gone(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: gone FILE")
	}
	eventually(ts, args[0]+" is gone", func() bool {
		_, err := os.Lstat(ts.MkAbs(args[0]))
		return errors.Is(err, fs.ErrNotExist)
	})
}

// tell FILE SIGNAL sends a signal to the process whose pid is in a file.
func tell(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 || signals[args[1]] == 0 {
		ts.Fatalf("usage: tell PIDFILE SIGNAL")
	}
	pid, err := strconv.Atoi(strings.TrimSpace(ts.ReadFile(args[0])))
	ts.Check(err)
	ts.Check(syscall.Kill(pid, signals[args[1]]))
}

// badStart STATUS ARG... starts a server in the foreground, and with --daemon:
// both must fail with this status and the same one line, and leave no pid file.
func badStart(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: badstart STATUS ARG...")
	}
	var said [2]string
	for i, more := range [][]string{nil, {"--daemon"}} {
		fails(ts, false, append(append([]string{}, args...), more...))
		said[i] = clock.ReplaceAllString(ts.ReadFile("stderr"), "")
		if _, err := os.Lstat(ts.MkAbs("skein.pid")); err == nil {
			ts.Fatalf("it left a pid file")
		}
	}
	if said[0] != said[1] {
		ts.Fatalf("in the foreground it says %q, and detached %q", said[0], said[1])
	}
}

// status STATUS ARG... runs a command, which must end with this status.
func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status STATUS ARG...")
	}
	var exit *exec.ExitError
	got := 0
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("%v ended with status %d, want %s", args[1:], got, args[0])
	}
}
