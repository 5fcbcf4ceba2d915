package main_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// Dropping to nobody really drops: all ids of all threads, the groups and the
// capabilities; the port below 1024 was bound before, by root.
func TestNobodyIsNobody(t *testing.T) {
	asRoot(t)
	nobody, err := user.Lookup("nobody")
	must(t, err)

	t.Run("in the foreground", func(t *testing.T) {
		port := privilegedPort(t)
		d := launch(t, openFolder(t), "fastpoetry", "--port", port, "--uid", "nobody", "--pidfile", "x.pid")
		d.expect(t, "Serving a poem.")
		isNobody(t, nobody, d.cmd.Process.Pid)
		boundByRoot(t, port)
		fetch(t, port)

		d.tell(t, syscall.SIGUSR2)
		d.end(t, 0)
		successor := pidIn(t, filepath.Join(d.cmd.Dir, "x.pid"))
		isNobody(t, nobody, successor)
		boundByRoot(t, port)
		fetch(t, port)
		must(t, syscall.Kill(successor, syscall.SIGTERM))
		d.expect(t, "Server Shut Down.(.|\n)*Server Shut Down.")
	})

	t.Run("as a daemon", func(t *testing.T) {
		port, dir := privilegedPort(t), t.TempDir()
		openToNobody(t, dir)
		pid := detached(t, dir, "fastpoetry", "--port", port, "--uid", "nobody")
		isNobody(t, nobody, pid)
		boundByRoot(t, port)
		fetch(t, port)

		must(t, syscall.Kill(pid, syscall.SIGUSR2))
		path := filepath.Join(dir, "skein.pid")
		eventually(t, "the predecessor is gone", func() bool { return ended(pid) && pidIn(t, path) != pid })
		successor := pidIn(t, path)
		isNobody(t, nobody, successor)
		fetch(t, port)
		must(t, syscall.Kill(successor, syscall.SIGTERM))
		eventually(t, "the pid file is gone", func() bool { return !exists(path) })
	})

	t.Run("with workers", func(t *testing.T) {
		port := privilegedPort(t)
		d := launch(t, openFolder(t), "fastpoetry", "--port", port, "--uid", "nobody", "--workers", "2", "--pidfile", "x.pid")
		ready := func() int {
			pid, err := strconv.Atoi(d.expect(t, `worker is ready pid=(\d+)`))
			must(t, err)
			return pid
		}
		first, second := ready(), ready()
		isNobody(t, nobody, first)
		isNobody(t, nobody, second)
		boundByRoot(t, port)
		for range 4 {
			fetch(t, port)
		}

		must(t, syscall.Kill(first, syscall.SIGKILL)) // the one that is started for it, too
		isNobody(t, nobody, ready())

		d.tell(t, syscall.SIGUSR2)
		isNobody(t, nobody, ready())
		isNobody(t, nobody, ready())
		d.end(t, 0)
		fetch(t, port)
		must(t, syscall.Kill(pidIn(t, filepath.Join(d.cmd.Dir, "x.pid")), syscall.SIGTERM))
		supervisor := regexp.MustCompile(`(?m)^\S+ INF Server Shut Down\.$`) // a worker's line names it
		eventually(t, "both supervisors have ended", func() bool { return len(supervisor.FindAllString(d.logged(), -1)) == 2 })
	})

	t.Run("in a chroot", func(t *testing.T) {
		port := privilegedPort(t)
		d := launch(t, openFolder(t), "fastpoetry", "--port", port, "--uid", "nobody", "--chroot", ".")
		d.expect(t, "Serving a poem.")
		isNobody(t, nobody, d.cmd.Process.Pid)
		root, err := os.Readlink(fmt.Sprintf("/proc/%d/root", d.cmd.Process.Pid))
		must(t, err)
		if want, _ := filepath.EvalSymlinks(d.cmd.Dir); root != want {
			t.Errorf("its root is %s, want %s", root, want)
		}
		d.tell(t, syscall.SIGUSR2)
		d.expect(t, "ERR Received SIGUSR2, but there is no way to the program from inside --chroot: stop and start it instead.")
		fetch(t, port)
		d.tell(t, syscall.SIGINT)
		d.end(t, 0)
	})
}

// Whoever cannot drop what he was told to drop does not start.
func TestPrivilegesThatStay(t *testing.T) {
	asRoot(t)
	setpriv, err := exec.LookPath("setpriv")
	if err != nil {
		t.Skip("setpriv (util-linux), which takes a capability away, is not installed")
	}
	for name, more := range map[string][]string{"alone": nil, "workers": {"--workers", "2"}} {
		t.Run(name, func(t *testing.T) {
			port := privilegedPort(t)
			d := launch(t, func(c *exec.Cmd) {
				openToNobody(t, c.Dir)
				c.Args = append([]string{"setpriv", "--bounding-set=-setuid", "--inh-caps=-setuid", c.Path}, c.Args[1:]...)
				c.Path = setpriv
			}, append(more, "fastpoetry", "--port", port, "--uid", "nobody", "--pidfile", "x.pid")...)
			d.end(t, 1)
			d.expect(t, "ERR .*--uid nobody: .*not permitted")
			if exists(filepath.Join(d.cmd.Dir, "x.pid")) {
				t.Error("it has left the pid file")
			}
			l, err := net.Listen("tcp", "localhost:"+port)
			must(t, err)
			must(t, l.Close())
		})
	}
}

// isNobody fails the test if a thread of a process is somebody, or can become so.
func isNobody(t *testing.T, nobody *user.User, pid int) {
	t.Helper()
	groups, err := nobody.GroupIds()
	must(t, err)
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	must(t, err)
	if len(threads) == 0 {
		t.Fatalf("there is no process %d", pid)
	}
	for _, thread := range threads {
		text, err := os.ReadFile(thread)
		if err != nil {
			continue // it has just ended
		}
		has := map[string]string{}
		for line := range strings.Lines(string(text)) {
			key, value, _ := strings.Cut(line, ":")
			has[key] = strings.Join(strings.Fields(value), " ")
		}
		for key, id := range map[string]string{"Uid": nobody.Uid, "Gid": nobody.Gid} {
			if want := strings.Join(slices.Repeat([]string{id}, 4), " "); has[key] != want {
				t.Errorf("%s: %s: %s, want %s", thread, key, has[key], want)
			}
		}
		for _, group := range strings.Fields(has["Groups"]) {
			if !slices.Contains(groups, group) {
				t.Errorf("%s: it is in the group %s", thread, group)
			}
		}
		for _, key := range []string{"CapEff", "CapPrm", "CapAmb"} {
			if strings.Trim(has[key], "0") != "" || has[key] == "" {
				t.Errorf("%s: %s: %s", thread, key, has[key])
			}
		}
	}
}

// ended reports whether a process is over, even if nobody has waited for it.
func ended(pid int) bool {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	return err != nil || strings.Contains(string(status), "State:\tZ")
}

// privilegedPort returns a port that only root can bind: 700, if that is free.
func privilegedPort(t *testing.T) string {
	t.Helper()
	for port := 700; port < 800; port++ {
		l, err := net.Listen("tcp", fmt.Sprintf("localhost:%d", port))
		if err == nil {
			must(t, l.Close())
			return strconv.Itoa(port)
		}
	}
	t.Fatal("no port from 700 to 799 is free")
	return ""
}

// openFolder lets nobody work in the folder of a command.
func openFolder(t *testing.T) func(c *exec.Cmd) {
	return func(c *exec.Cmd) { openToNobody(t, c.Dir) }
}

// openToNobody lets everybody write in a folder of a test, and find the program,
// which a successor is started from.
func openToNobody(t *testing.T, folder string) {
	t.Helper()
	program, err := exec.LookPath("skein")
	must(t, err)
	program, err = filepath.EvalSymlinks(program)
	must(t, err)
	must(t, os.Chmod(folder, 0o777))
	for _, path := range []string{program, folder} {
		for dir := filepath.Dir(path); dir != "/"; dir = filepath.Dir(dir) {
			info, err := os.Stat(dir)
			must(t, err)
			if info.Mode()&os.ModeSticky == 0 {
				must(t, os.Chmod(dir, info.Mode().Perm()|0o055))
			}
		}
	}
}
