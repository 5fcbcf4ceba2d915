//go:build linux || darwin || freebsd

package process_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"skein/apps/skein/internal/process"
)

// detaching is a process that calls Detach.
type detaching struct {
	cmd    *exec.Cmd
	stderr bytes.Buffer
}

// startDetacher starts a process that detaches, as what does says, and gets some
// files besides.
func startDetacher(t *testing.T, h *home, does string, files ...*os.File) *detaching {
	t.Helper()
	command := h.child("detacher", does)
	exe, err := os.Executable()
	must(t, err)
	d := &detaching{cmd: &exec.Cmd{Path: exe, Args: []string{exe}, Env: command.Env, Dir: t.TempDir(), ExtraFiles: files}}
	d.cmd.Stderr = &d.stderr
	d.cmd.WaitDelay = patience // a daemon that kept standard error would keep Wait
	must(t, d.cmd.Start())
	return d
}

// status waits for the first process's exit.
func (d *detaching) status(t *testing.T) int {
	t.Helper()
	timer := time.AfterFunc(patience, func() { _ = d.cmd.Process.Kill() })
	defer timer.Stop()
	_ = d.cmd.Wait()
	return d.cmd.ProcessState.ExitCode()
}

func TestDetach(t *testing.T) {
	h := newHome(t)
	d := startDetacher(t, h, "ready")
	daemon := h.next()
	want(t, "the status", d.status(t), 0)
	want(t, "what was said", d.stderr.String(), "")
	want(t, "the role", daemon.Role, process.Detached)
	want(t, "the session", daemon.Session, daemon.PID)
	want(t, "the directory", daemon.Dir, d.cmd.Dir)
	for fd := range 3 {
		if daemon.Descriptors != nil {
			want(t, fmt.Sprintf("descriptor %d", fd), daemon.Descriptors[fd], os.DevNull)
		}
	}
	must(t, syscall.Kill(daemon.PID, 0)) // it lives, and the first process is gone
	must(t, syscall.Kill(daemon.PID, syscall.SIGTERM))
	daemon.ended(t)
}

// TestDetachKeepsTheRest holds a lock by a descriptor of the first process: that
// must not be the daemon's, too.
func TestDetachKeepsTheRest(t *testing.T) {
	h := newHome(t)
	path := filepath.Join(t.TempDir(), "lock")
	lock, err := os.Create(path)
	must(t, err)
	must(t, unix.Flock(int(lock.Fd()), unix.LOCK_EX))
	d := startDetacher(t, h, "ready", lock, lock) // the number of the first is taken by the status pipe
	must(t, lock.Close())
	daemon := h.next()
	want(t, "the status", d.status(t), 0)
	again, err := os.Open(path)
	must(t, err)
	defer again.Close()
	if err := unix.Flock(int(again.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		t.Errorf("the first process is gone, and its lock is held: %v", err)
	}
	must(t, syscall.Kill(daemon.PID, syscall.SIGTERM))
	daemon.ended(t)
}

func TestDetachFails(t *testing.T) {
	cases := []struct {
		name, does string
		status     int
		said       string // PID stands for the daemon's number
	}{
		{"says why", "fail:skein: port 1: permission denied", 3, "skein: port 1: permission denied\n"},
		{"says why on two lines", "fail:one\ntwo\n", 3, "one\ntwo\n"},
		{"ends", "exit", 1, "the daemon (pid PID) ended with status 7 before it was ready: look at its log\n"},
		{"ends well, without a word", "write:x", 1, "the daemon (pid PID) ended with status 0 before it was ready: look at its log\n"},
		{"is killed", "die", 1, "the daemon (pid PID) was killed by SIGKILL before it was ready: look at its log\n"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			h := newHome(t)
			d := startDetacher(t, h, tc.does)
			daemon := h.next()
			want(t, "the status", d.status(t), tc.status)
			want(t, "what was said", d.stderr.String(), strings.ReplaceAll(tc.said, "PID", fmt.Sprint(daemon.PID)))
			daemon.ended(t)
		})
	}
}

// TestDetachInterrupted presses Ctrl-C while the daemon is not ready.
func TestDetachInterrupted(t *testing.T) {
	cases := []struct {
		name, does string
		signal     syscall.Signal
		status     int
	}{
		{"SIGINT", "mute", unix.SIGINT, 130},
		{"SIGTERM", "mute", unix.SIGTERM, 143},
		{"a daemon that is ready all the same", "late", unix.SIGTERM, 143},
		{"a daemon that does not listen", "stubborn", unix.SIGINT, 130},
		{"a daemon that has said why, and stays", "failAndStay:no", unix.SIGINT, 130},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			h := newHome(t)
			d := startDetacher(t, h, tc.does)
			daemon := h.next()
			must(t, d.cmd.Process.Signal(tc.signal))
			want(t, "the status", d.status(t), tc.status)
			if !strings.HasSuffix(d.stderr.String(), "interrupted: the daemon has not been started\n") {
				t.Errorf("it said %q", d.stderr.String())
			}
			daemon.ended(t)
		})
	}
}
