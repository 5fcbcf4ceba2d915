package runner_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"skein/apps/skein/runner"
	"skein/reactor/service"
)

// A second instance is called what the program is.
func TestASecondInstanceIsNamed(t *testing.T) {
	t.Parallel()
	r := start(t, nil, "door", "--port", "0", "--pidfile", "x.pid")
	r.await("The door is open.")
	again := start(t, nil, "door", "--port", "0", "--pidfile", r.file("x.pid"))
	again.end(1)
	again.await(fmt.Sprintf("ERR another house is running, with pid %d (pid file %s)\n", r.cmd.Process.Pid, r.file("x.pid")))
	r.signal(syscall.SIGINT)
	r.end(0)
}

// A service that never stops is named, and does not keep the program.
func TestAServiceThatNeverStops(t *testing.T) {
	t.Parallel()
	r := start(t, nil, "stubborn", "--grace", "50ms", "--pidfile", "x.pid")
	eventually(t, "there is a pid file", func() bool { return exists(r.file("x.pid")) })
	r.signal(syscall.SIGTERM)
	r.end(1)
	r.await("ERR The service *runner_test.stubborn has not stopped within 1s.")
	if exists(r.file("x.pid")) {
		t.Error("the pid file is there")
	}
}

// The path of a UNIX socket is there from the beginning to the end, whoever
// serves it.
func TestTheSocketOfGenerations(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{"alone": nil, "workers": {"--workers", "2"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t, nil, append(args, "door", "--path", "sock", "--pidfile", "x.pid")...)
			r.await("The door is open.")
			eventually(t, "somebody is at the door", func() bool { return exists(r.file("sock")) })
			greeted(t, "unix", r.file("sock"))
			r.signal(syscall.SIGUSR2)
			r.end(0)
			greeted(t, "unix", r.file("sock"))
			pid := readPID(t, r.file("x.pid"))
			must(t, syscall.Kill(pid, syscall.SIGTERM))
			eventually(t, "the pid file is gone", func() bool { return !exists(r.file("x.pid")) })
			if exists(r.file("sock")) {
				t.Error("the socket's path is left")
			}
		})
	}
}

// A relative path is one in --rundir, whoever opens it.
func TestTheSocketInTheRunDirectory(t *testing.T) {
	t.Parallel()
	type place struct {
		args []string
		dir  string
	}
	tests := map[string]place{"rundir": {[]string{"--rundir", "run"}, "run"}}
	if os.Geteuid() == 0 {
		tests["chroot"] = place{[]string{"--chroot", "jail"}, "jail"}
		tests["both"] = place{[]string{"--chroot", "jail", "--rundir", "/run"}, "jail/run"}
	}
	for name, test := range tests {
		for _, workers := range []int{1, 2} {
			t.Run(fmt.Sprint(name, ", workers ", workers), func(t *testing.T) {
				t.Parallel()
				dirs := func(c *exec.Cmd) {
					must(t, os.Mkdir(filepath.Join(c.Dir, "run"), 0o755))
					must(t, os.MkdirAll(filepath.Join(c.Dir, "jail", "run"), 0o755))
				}
				r := start(t, dirs, append(test.args, "--workers", fmt.Sprint(workers), "door", "--path", "sock", "--pidfile", "x.pid")...)
				r.await("The door is open.")
				eventually(t, "all serve", func() bool { return strings.Count(r.logged(), "The door is open.") == workers })
				sock, pid := r.file(filepath.Join(test.dir, "sock")), r.file(filepath.Join(test.dir, "x.pid"))
				greeted(t, "unix", sock)
				if got := readPID(t, pid); got != r.cmd.Process.Pid {
					t.Errorf("the pid is %d, want %d", got, r.cmd.Process.Pid)
				}
				r.signal(syscall.SIGINT)
				r.end(0)
				if exists(sock) || exists(pid) {
					t.Error("the socket or the pid file is left")
				}
			})
		}
	}
}

// A signal that comes in the middle of a start is heard.
func TestASignalBeforeTheLoop(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{"alone": nil, "workers": {"--workers", "2"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range 10 {
				r := start(t, nil, append(args, "door", "--port", "0", "--pidfile", "x.pid")...)
				eventually(t, "there is a pid", func() bool {
					text, _ := os.ReadFile(r.file("x.pid"))
					return len(text) > 0
				})
				r.signal(syscall.SIGTERM) // the port may not be open yet
				r.end(0)
				r.await("Server Shut Down.")
			}
		})
	}
}

// A plugin that panics has a line like any other failure, and its stack in the log.
func TestAPluginThatPanics(t *testing.T) {
	t.Parallel()
	r := start(t, nil, "broken", "--pidfile", "x.pid")
	r.end(1)
	r.await("A plugin has panicked.")
	r.await("runner_test.house.func")
	r.await("ERR deferred: panic: at the disco\n")
	if exists(r.file("x.pid")) {
		t.Error("the pid file is there")
	}
}

// What a command returns is its status.
func TestStatusOfACommand(t *testing.T) {
	t.Parallel()
	for said, args := range map[string][]string{
		"ERR it has failed\n": {"fail"},
		"":                    {"fail", "--quietly"},
	} {
		r := start(t, nil, args...)
		r.end(1)
		r.await(said)
	}
}

// An option that is the runner's already cannot be a plugin's: it would never be
// known whose is meant.
func TestAPluginMustNotHaveTheRunnersOptions(t *testing.T) {
	defer func() {
		if v := recover(); v != "runner: the option --grace of thief is the runner's: call it something else" {
			t.Errorf("it panics with %v", v)
		}
	}()
	p := runner.Program{Name: "x", Plugins: []runner.Plugin{
		runner.NewPlugin("thief", "", func(*runner.Host, *struct{ Grace string }) (service.Service, error) { return nil, nil }),
	}}
	runner.Main(p, []string{"thief"}, io.Discard, io.Discard)
}

// eventually waits until look returns true.
func eventually(t *testing.T, what string, look func() bool) {
	t.Helper()
	deadline := time.After(patience)
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for !look() {
		select {
		case <-again.C:
		case <-deadline:
			t.Fatalf("it took too long: %s", what)
		}
	}
}

// exists reports whether there is such a file.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
