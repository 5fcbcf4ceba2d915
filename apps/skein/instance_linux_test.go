package main_test

import (
	"bytes"
	"encoding/json"
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
)

// instance is a server that a test has started, with all its generations and
// workers: the processes whose folder is this test's.
type instance struct {
	t        *testing.T
	dir      string
	program  string
	original string   // if the program is the instance's own
	ended    chan int // the status of the first process, unless it has detached

	read    int64   // of the log file
	entries []entry // of it
}

// entry is a line of the log.
type entry struct {
	Message, Level, Addr, Service, Peer, Error string
	PID, Worker, Successor, Dropped            int
}

// The names in the folder of an instance.
const (
	pidName = "skein.pid"
	logName = "skein.log"
)

// newInstance makes the folder of an instance, with these files in it.
func newInstance(t *testing.T, files map[string][]byte) *instance {
	t.Helper()
	program, err := exec.LookPath("skein")
	must(t, err)
	in := &instance{t: t, dir: t.TempDir(), program: program, ended: make(chan int, 1)}
	for name, text := range files {
		must(t, os.WriteFile(in.path(name), text, 0o600))
	}
	return in
}

// path returns the path of one of its files.
func (in *instance) path(name string) string { return filepath.Join(in.dir, name) }

// command returns the command of one process.
func (in *instance) command(args ...string) *exec.Cmd {
	c := exec.Command(in.program, args...)
	c.Dir = in.dir
	// As the program has it; and the race detector would make each process wait
	// for a second at its end.
	c.Env = append(os.Environ(), "PWD="+in.dir, "GOMAXPROCS=1", "GORACE=atexit_sleep_ms=0")
	return c
}

// begin starts the server: in the foreground, or with --daemon among the
// arguments.
func (in *instance) begin(args ...string) {
	in.t.Helper()
	c := in.command(append([]string{"--log-format", "json", "--pidfile", pidName}, args...)...)
	in.t.Cleanup(in.clear)
	for _, arg := range args {
		if arg == "--daemon" {
			if said, err := c.CombinedOutput(); err != nil || len(said) > 0 {
				in.t.Fatalf("%v: %s", err, said)
			}
			return
		}
	}
	log, err := os.OpenFile(in.path(logName), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	must(in.t, err)
	defer func() { _ = log.Close() }() // it is the server's
	c.Stderr = log
	must(in.t, c.Start())
	go func() {
		_ = c.Wait() // the status says it, too
		in.ended <- c.ProcessState.ExitCode()
	}()
}

// clear kills what is left, after a test that has failed.
func (in *instance) clear() {
	for _, pid := range in.processes() {
		in.t.Errorf("process %d is left", pid)
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	if in.t.Failed() {
		text, _ := os.ReadFile(in.path(logName)) // there may be none
		text = withoutPoems(text)
		in.t.Logf("the end of the log:\n%s", text[max(0, len(text)-20_000):])
	}
}

// processes returns all that live in the folder.
func (in *instance) processes() (pids []int) {
	all, err := os.ReadDir("/proc")
	must(in.t, err)
	for _, one := range all {
		pid, err := strconv.Atoi(one.Name())
		if err != nil {
			continue
		}
		if dir, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid)); err == nil && dir == in.dir {
			pids = append(pids, pid)
		}
	}
	return pids
}

// over waits until no process is left, and the pid file is gone.
func (in *instance) over() {
	in.t.Helper()
	eventually(in.t, "all processes have ended", func() bool { return len(in.processes()) == 0 })
	if _, err := os.Lstat(in.path(pidName)); err == nil {
		in.t.Error("the pid file is left")
	}
}

// pid returns what is in the pid file.
func (in *instance) pid() int {
	in.t.Helper()
	text, err := os.ReadFile(in.path(pidName))
	must(in.t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	must(in.t, err)
	return pid
}

// signal sends the process of the pid file a signal, and returns which it was.
func (in *instance) signal(s syscall.Signal) (pid int) {
	in.t.Helper()
	pid = in.pid()
	must(in.t, syscall.Kill(pid, s))
	return pid
}

// mark is a place in the log.
type mark int

// mark returns the end of the log.
func (in *instance) mark() mark {
	in.t.Helper()
	in.readOn()
	return mark(len(in.entries))
}

// logged returns the entries behind a place that match.
func (in *instance) logged(from mark, match func(entry) bool) (found []entry) {
	in.t.Helper()
	in.readOn()
	for _, e := range in.entries[from:] {
		if match(e) {
			found = append(found, e)
		}
	}
	return found
}

// await waits for the first entry behind a place that matches.
func (in *instance) await(from mark, what string, match func(entry) bool) (found entry) {
	in.t.Helper()
	eventually(in.t, what, func() bool {
		all := in.logged(from, match)
		if len(all) > 0 {
			found = all[0]
		}
		return len(all) > 0
	})
	return found
}

// said waits for an entry with this text in its message.
func (in *instance) said(from mark, text string) entry {
	in.t.Helper()
	return in.await(from, "it says "+text, says(text))
}

// says matches entries with a text in their message.
func says(text string) func(entry) bool {
	return func(e entry) bool { return strings.Contains(e.Message, text) }
}

// readOn reads the whole lines that have come.
func (in *instance) readOn() {
	in.t.Helper()
	f, err := os.Open(in.path(logName))
	if errors.Is(err, os.ErrNotExist) {
		return
	}
	must(in.t, err)
	defer func() { _ = f.Close() }() // it was only read
	text, err := io.ReadAll(io.NewSectionReader(f, in.read, 1<<30))
	must(in.t, err)
	text = text[:bytes.LastIndexByte(text, '\n')+1]
	in.read += int64(len(text))
	in.entries = append(in.entries, entriesOf(text)...)
}

// entriesOf reads a log. What is not JSON is a message.
func entriesOf(text []byte) (all []entry) {
	for line := range bytes.Lines(text) {
		var e entry
		if err := json.Unmarshal(line, &e); err != nil {
			e = entry{Message: string(line)}
		}
		all = append(all, e)
	}
	return all
}

// withoutPoems returns the lines of a log that are not about single clients.
func withoutPoems(text []byte) (rest []byte) {
	for line := range bytes.Lines(text) {
		if !bytes.Contains(line, []byte("Served a poem.")) {
			rest = append(rest, line...)
		}
	}
	return rest
}
