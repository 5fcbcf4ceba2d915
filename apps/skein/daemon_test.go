package main_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// patience is how long a script waits for a line or an exit before it fails.
const patience = time.Minute

// daemon is a skein command that runs while its script goes on.
type daemon struct {
	cmd    *exec.Cmd
	stdout bytes.Buffer // to be read after the exit
	exited chan struct{}

	mu      sync.Mutex
	changed sync.Cond
	log     strings.Builder
	seen    int // how much of the log earlier expects have used up
	over    bool
}

// daemons are those of one script, by name.
type daemons map[string]*daemon

// daemonsKey is where a script's environment has them.
type daemonsKey struct{}

// setup gives a script a place for its daemons, and EXAMPLES.
func setup(e *testscript.Env) error {
	e.Values[daemonsKey{}] = make(daemons)
	examples, err := filepath.Abs("examples")
	e.Setenv("EXAMPLES", examples)
	return err
}

// find returns the daemon that a script calls by name.
func find(ts *testscript.TestScript, name string) *daemon {
	d := ts.Value(daemonsKey{}).(daemons)[name]
	if d == nil {
		ts.Fatalf("nothing was started under the name %s", name)
	}
	return d
}

// start NAME ARG... runs skein with the arguments. The script goes on at once.
func start(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: start NAME ARG...")
	}
	d := &daemon{cmd: exec.Command("skein", args[1:]...), exited: make(chan struct{})}
	d.changed.L = &d.mu
	d.cmd.Dir = ts.Getenv("WORK")
	d.cmd.Stdout, d.cmd.Stderr = &d.stdout, d
	ts.Check(d.cmd.Start())
	ts.Value(daemonsKey{}).(daemons)[args[0]] = d
	go func() {
		defer close(d.exited)
		_ = d.cmd.Wait() // finish looks at the state
		d.mu.Lock()
		defer d.mu.Unlock()
		d.over = true
		d.changed.Broadcast()
	}()
	ts.Defer(func() {
		_ = d.cmd.Process.Kill() // it has ended, unless the script has failed
		<-d.exited
	})
}

// Write takes the daemon's log.
func (d *daemon) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.log.Write(p)
	d.changed.Broadcast()
	return len(p), nil
}

// expect NAME REGEXP [VAR] waits for a line of the daemon's log behind those of
// earlier expects; VAR is set to its first group.
func expect(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: expect NAME REGEXP [VAR]")
	}
	found, ok := find(ts, args[0]).await(regexp.MustCompile("(?m)" + args[1] + ".*\n"))
	if !ok {
		ts.Fatalf("%s did not log %s; it logged:\n%s", args[0], args[1], found)
	}
	if len(args) > 2 {
		ts.Setenv(args[2], found)
	}
}

// await waits for re to match and returns its first group; or, if the daemon
// ends or takes too long, its log.
func (d *daemon) await(re *regexp.Regexp) (found string, ok bool) {
	late := false
	timer := time.AfterFunc(patience, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		late = true
		d.changed.Broadcast()
	})
	defer timer.Stop()
	d.mu.Lock()
	defer d.mu.Unlock()
	for {
		log := d.log.String()
		if m := re.FindStringSubmatchIndex(log[d.seen:]); m != nil {
			if len(m) > 2 {
				found = log[d.seen:][m[2]:m[3]]
			}
			d.seen += m[1]
			return found, true
		}
		if d.over || late {
			return log, false
		}
		d.changed.Wait()
	}
}

// signals are those that scripts send.
var signals = map[string]syscall.Signal{
	"INT": syscall.SIGINT, "TERM": syscall.SIGTERM, "KILL": syscall.SIGKILL, "STOP": syscall.SIGSTOP,
	"HUP": syscall.SIGHUP, "USR1": syscall.SIGUSR1, "USR2": syscall.SIGUSR2,
}

// signal NAME SIGNAL sends the daemon a signal.
func signal(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 || signals[args[1]] == 0 {
		ts.Fatalf("usage: signal NAME SIGNAL")
	}
	ts.Check(find(ts, args[0]).cmd.Process.Signal(signals[args[1]]))
}

// clock is what a log line begins with.
var clock = regexp.MustCompile(`(?m)^\d\d:\d\d:\d\d `)

// finish NAME STATUS waits for the daemon's exit with this status, or "killed",
// and writes what it has said to the files NAME.stdout and NAME.stderr, the
// latter without the time of each line.
func finish(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: finish NAME STATUS")
	}
	d := find(ts, args[0])
	select {
	case <-d.exited:
	case <-time.After(patience):
		ts.Fatalf("%s does not end", args[0])
	}
	log := d.log.String()
	ts.Check(errors.Join(
		os.WriteFile(ts.MkAbs(args[0]+".stdout"), d.stdout.Bytes(), 0o600),
		os.WriteFile(ts.MkAbs(args[0]+".stderr"), []byte(clock.ReplaceAllString(log, "")), 0o600),
	))
	status := "killed"
	if code := d.cmd.ProcessState.ExitCode(); code >= 0 {
		status = strconv.Itoa(code)
	}
	if status != args[1] {
		ts.Fatalf("%s ended with status %s, want %s; it logged:\n%s", args[0], status, args[1], log)
	}
}
