package main_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// generations is how often a server is succeeded under load.
const generations = 20

// poets is a deployment of both poetry servers.
func poets(iface string) map[string][]byte {
	return map[string][]byte{
		"fast.txt": longPoem(100_000),
		"slow.txt": longPoem(40),
		"poets.yaml": fmt.Appendf(nil, `services:
  - {plugin: fastpoetry, name: fast, options: {iface: "%[1]s", port: 0, poem: fast.txt}}
  - {plugin: slowpoetry, name: slow, options: {iface: "%[1]s", port: 0, poem: slow.txt, num-bytes: 1, delay: 10ms}}
`, iface),
	}
}

// audience lets a crowd come to one of the poets.
func (in *instance) audience(service string, perSecond int) *crowd {
	in.t.Helper()
	poem, err := os.ReadFile(in.path(service + ".txt"))
	must(in.t, err)
	at := in.await(0, service+" serves", func(e entry) bool {
		return e.Message == "Serving a poem." && e.Service == service
	})
	return gather(in.t, at.Addr, poem, perSecond)
}

// succeed restarts the server, and waits until the new one is the one.
func (in *instance) succeed() {
	in.t.Helper()
	from := in.mark()
	old := in.signal(syscall.SIGUSR2)
	successor := in.said(from, "The successor accepts, shutting down.").Successor
	if pid := in.pid(); pid != successor || pid == old {
		in.t.Errorf("the pid file of %d has %d, and the successor is %d", old, pid, successor)
	}
}

// Twenty restarts, one behind the other, and no client notices: whether the server
// runs in the foreground or not, alone or with workers. All lines of the log are
// there, too.
func TestRestartsUnderLoad(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds of both cores")
	}
	for _, test := range []struct {
		name, iface string
		args        []string
	}{
		{"foreground", "127.0.0.1", nil},
		{"daemon", "::1", []string{"--daemon", "--logfile", logName}},
		{"workers", "::1", []string{"--workers", "2"}},
		{"daemon with workers", "127.0.0.1", []string{"--daemon", "--logfile", logName, "--workers", "2"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := newInstance(t, poets(test.iface))
			in.begin(append(test.args, "--log-max-bytes", "0", "run", "poets.yaml")...)
			fast, slow := in.audience("fast", 200), in.audience("slow", 20)
			begin := time.Now()
			for n := range generations {
				slow.guest() // it is in the middle of its poem
				var refused chan error
				if n%5 == 0 {
					refused = in.second()
				}
				in.succeed()
				fast.served(10)
				if refused != nil {
					must(t, <-refused)
				}
			}
			took := time.Since(begin)
			served := fast.unharmed() + slow.unharmed()
			in.signal(syscall.SIGTERM)
			in.over()
			t.Logf("%d restarts in %v, %d poems", generations, took.Round(time.Millisecond), served)
			if lines := len(in.logged(0, says("Served a poem."))); lines != served {
				t.Errorf("the log has %d poems, of %d", lines, served)
			}
			if lines := len(in.logged(0, says("The successor accepts"))); lines != generations {
				t.Errorf("the log has %d successors", lines)
			}
		})
	}
}

// second starts other instances, which must be refused: the pid file is held
// without a gap. The channel has an error if one was not.
func (in *instance) second() (refused chan error) {
	refused = make(chan error, 1)
	program := in.program
	if in.original != "" {
		program = in.original
	}
	var seconds []*exec.Cmd
	for range 3 {
		c := in.command("--pidfile", pidName, "fastpoetry", "--port", "0")
		c.Path = program
		seconds = append(seconds, c)
	}
	go func() {
		for _, c := range seconds {
			timer := time.AfterFunc(patience, func() { _ = c.Process.Kill() })
			said, err := c.CombinedOutput()
			timer.Stop()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(string(said), "another skein is running, with pid") {
				refused <- fmt.Errorf("a second instance ended with %v, and %q", err, said)
				return
			}
		}
		refused <- nil
	}()
	return refused
}

// A successor that does not come up is no harm: the old process goes on, says why,
// and can try again.
func TestSuccessorsThatFail(t *testing.T) {
	const script = "#!/bin/sh\n"
	for _, test := range []struct {
		name  string
		spoil func(t *testing.T, in *instance)
		says  string
		long  bool
	}{
		{"the poem is gone", func(t *testing.T, in *instance) {
			must(t, os.Rename(in.path("slow.txt"), in.path("gone.txt")))
		}, `slow: can't serve "slow.txt": no such file or directory`, false},
		{"the deployment is wrong", func(t *testing.T, in *instance) {
			must(t, os.WriteFile(in.path("poets.yaml"), []byte("services:\n  - {plugin: fastpoetry, wrong: 1}\n"), 0o600))
		}, "poets.yaml:2: wrong", false},
		{"the program is gone", func(t *testing.T, in *instance) {
			must(t, os.Remove(in.program))
		}, "cannot start the successor: ", false},
		{"the program exits 1", func(t *testing.T, in *instance) {
			in.replace(script + "exit 1\n")
		}, "ended with status 1 before it was ready: look at its log", false},
		{"the program exits 0", func(t *testing.T, in *instance) {
			in.replace(script + "exit 0\n")
		}, "ended with status 0 before it was ready: look at its log", false},
		{"the program is killed", func(t *testing.T, in *instance) {
			in.replace(script + "kill -9 $$\n")
		}, "was killed by SIGKILL before it was ready: look at its log", false},
		{"the program is another", func(t *testing.T, in *instance) {
			in.replace("this is no program")
		}, "cannot start the successor: ", false},
		{"the program hangs", func(t *testing.T, in *instance) {
			in.replace(script + "exec sleep 1000\n")
		}, "was not ready within 30s, and was killed: look at its log", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.long && testing.Short() {
				t.Skip("takes half a minute")
			}
			t.Parallel()
			in := newInstance(t, poets("127.0.0.1"))
			in.ownProgram()
			in.begin("--daemon", "--logfile", logName, "--log-max-bytes", "0", "run", "poets.yaml")
			fast, slow := in.audience("fast", 20), in.audience("slow", 5)
			kept := in.keepFiles()
			test.spoil(t, in)
			from := in.mark()
			pid := in.signal(syscall.SIGUSR2)
			slow.guest()
			if got := in.said(from, "There is no successor, this process goes on: "); !strings.Contains(got.Message, test.says) {
				t.Errorf("it says %q, and not %q", got.Message, test.says)
			}
			fast.served(5)
			if now := in.pid(); now != pid {
				t.Errorf("the pid was %d, and is %d", pid, now)
			}
			must(t, <-in.second())
			kept()
			in.succeed()
			fast.served(5)
			fast.unharmed()
			slow.unharmed()
			in.signal(syscall.SIGTERM)
			in.over()
		})
	}
}

// ownProgram gives the instance a program of its own, which can be replaced. It is
// a link, since a file that was just written may be busy.
func (in *instance) ownProgram() {
	in.t.Helper()
	own := in.path("skein")
	must(in.t, os.Link(in.program, own))
	in.original, in.program = in.program, own
}

// replace puts another file in the place of the program.
func (in *instance) replace(text string) {
	in.t.Helper()
	next := in.path("next")
	// Nobody who is being started meanwhile may get the file as one that is open for
	// writing: then it is busy.
	syscall.ForkLock.RLock()
	err := os.WriteFile(next, []byte(text), 0o700)
	syscall.ForkLock.RUnlock()
	must(in.t, err)
	must(in.t, os.Rename(next, in.program))
}

// keepFiles returns a function that puts all files back as they are now.
func (in *instance) keepFiles() (restore func()) {
	in.t.Helper()
	shelf := in.t.TempDir()
	names := []string{filepath.Base(in.program), "fast.txt", "slow.txt", "poets.yaml"}
	for _, name := range names {
		must(in.t, os.Link(in.path(name), filepath.Join(shelf, name)))
	}
	texts := map[string][]byte{}
	for _, name := range names[1:] {
		text, err := os.ReadFile(in.path(name))
		must(in.t, err)
		texts[name] = text
	}
	return func() {
		for name, text := range texts {
			must(in.t, os.WriteFile(in.path(name), text, 0o600))
		}
		if err := os.Remove(in.program); !errors.Is(err, os.ErrNotExist) {
			must(in.t, err)
		}
		must(in.t, os.Link(filepath.Join(shelf, names[0]), in.program))
	}
}

// Who is told to end while a successor is being started ends, and leaves none.
func TestAnEndWhileASuccessorStarts(t *testing.T) {
	t.Parallel()
	in := newInstance(t, poets("127.0.0.1"))
	in.ownProgram()
	in.begin("--daemon", "--logfile", logName, "run", "poets.yaml")
	slow := in.audience("slow", 5)
	in.replace("#!/bin/sh\ntouch here\nexec sleep 1000\n")
	in.signal(syscall.SIGUSR2)
	eventually(t, "the successor is there", func() bool {
		_, err := os.Lstat(in.path("here"))
		return err == nil
	})
	in.signal(syscall.SIGUSR2)
	in.said(0, "Received SIGUSR2, but a successor is being started already.")
	slow.guest()
	slow.unharmed()
	in.signal(syscall.SIGTERM)
	in.over()
	in.said(0, "The successor that was being started is killed.")
	if lines := in.logged(0, says("goes on")); len(lines) > 0 {
		t.Errorf("it says %v", lines)
	}
}

// A process that is ending starts no successor, and does not take the pid file back
// from the one that it has.
func TestNoSuccessorAtTheEnd(t *testing.T) {
	t.Parallel()
	in := newInstance(t, poets("127.0.0.1"))
	in.begin("--daemon", "--logfile", logName, "run", "poets.yaml")
	slow := in.audience("slow", 1)
	old := in.pid()
	whole := slow.guest()
	in.succeed()
	must(t, syscall.Kill(old, syscall.SIGUSR2)) // it has a guest still
	in.said(0, "Received SIGUSR2, but this process is ending already.")
	if pid := in.pid(); pid == old {
		t.Errorf("the pid file is that of %d again", old)
	}
	<-whole
	slow.unharmed()
	in.signal(syscall.SIGTERM)
	in.over()
}

// A SIGUSR2 that comes before all workers are ready is heard when they are.
func TestASuccessorFromTheStart(t *testing.T) {
	t.Parallel()
	in := newInstance(t, poets("127.0.0.1"))
	in.begin("--workers", strconv.Itoa(crew), "run", "poets.yaml")
	var workers []int
	eventually(t, "the first worker runs", func() bool {
		workers = slices.DeleteFunc(in.processes(), func(pid int) bool {
			// What has it only after its exec, for which the supervisor waits.
			environ, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
			return !bytes.Contains(environ, []byte(`"role":"worker"`))
		})
		return len(workers) > 0
	})
	for _, worker := range workers {
		must(t, syscall.Kill(worker, syscall.SIGSTOP)) // it has hardly begun
	}
	pid := in.signal(syscall.SIGUSR2)
	in.said(0, "Received SIGUSR2, starting a successor")
	for _, worker := range workers {
		must(t, syscall.Kill(worker, syscall.SIGCONT))
	}
	in.said(0, "The successor accepts, shutting down.")
	if in.pid() == pid {
		t.Errorf("the pid file is that of %d still", pid)
	}
	slow := in.audience("slow", 1)
	slow.guest()
	slow.unharmed()
	in.signal(syscall.SIGTERM)
	in.over()
}
