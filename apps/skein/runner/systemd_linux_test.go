package runner_test

import (
	"bytes"
	"fmt"
	"net"
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

// under prepares a command as systemd would: with a socket to notify, and with
// listening sockets from descriptor 3 on. A shell makes LISTEN_PID its own number
// before it becomes the program.
func under(t *testing.T, notify string, sockets ...*os.File) func(*exec.Cmd) {
	return func(c *exec.Cmd) {
		path, err := exec.LookPath(c.Path)
		must(t, err)
		script := `[ -z "$LISTEN_FDS" ] || export LISTEN_PID=$$; exec "$0" "$@"`
		c.Path, c.Args = "/bin/sh", append([]string{"sh", "-c", script, path}, c.Args[1:]...)
		c.Env = append(os.Environ(), "NOTIFY_SOCKET="+notify, "WATCHDOG_USEC=200000")
		if len(sockets) > 0 {
			c.Env = append(c.Env, fmt.Sprintf("LISTEN_FDS=%d", len(sockets)))
		}
		c.ExtraFiles = sockets
	}
}

// manager is the end of NOTIFY_SOCKET that systemd has.
type manager struct {
	*net.UnixConn
	path string
}

// newManager listens.
func newManager(t *testing.T) manager {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	must(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return manager{c, path}
}

// await reads messages until one has a line.
func (m manager) await(t *testing.T, line string) {
	t.Helper()
	m.awaitMatch(t, line, func(got string) bool { return got == line })
}

// awaitMatch reads messages until one has a line that is right, and returns it.
func (m manager) awaitMatch(t *testing.T, what string, right func(line string) bool) string {
	t.Helper()
	must(t, m.SetReadDeadline(time.Now().Add(patience)))
	var buf [4096]byte
	for {
		n, err := m.Read(buf[:])
		if err != nil {
			t.Fatalf("%s has not come: %v", what, err)
		}
		for line := range bytes.Lines(buf[:n]) {
			if got := strings.TrimSpace(string(line)); right(got) {
				return got
			}
		}
	}
}

func TestSystemdIsTold(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{"alone": nil, "workers": {"--workers", "2"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newManager(t)
			r := start(t, under(t, m.path), append(args, "door", "--port", "0", "--pidfile", "x.pid")...)
			m.await(t, "READY=1")
			m.await(t, "WATCHDOG=1")
			m.await(t, "WATCHDOG=1")

			// A successor speaks for the service from now on.
			r.signal(syscall.SIGUSR2)
			main := m.awaitMatch(t, "MAINPID", func(line string) bool { return strings.HasPrefix(line, "MAINPID=") })
			r.end(0)
			pid := readPID(t, r.file("x.pid"))
			if main != "MAINPID="+strconv.Itoa(pid) {
				t.Errorf("it is told %s, and the pid is %d", main, pid)
			}
			m.await(t, "WATCHDOG=1")
			must(t, syscall.Kill(pid, syscall.SIGTERM))
			m.await(t, "STOPPING=1")
			eventually(t, "the successor has ended", func() bool { return !exists(r.file("x.pid")) })
		})
	}
}

func TestSystemdHasTheSockets(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{"alone": nil, "workers": {"--workers", "2"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			must(t, err)
			defer func() { _ = l.Close() }()
			idle, err := net.Listen("tcp", "127.0.0.1:0")
			must(t, err)
			defer func() { _ = idle.Close() }()
			var files []*os.File
			for _, one := range []net.Listener{l, idle} {
				f, err := one.(*net.TCPListener).File()
				must(t, err)
				files = append(files, f)
			}
			_, port, _ := net.SplitHostPort(l.Addr().String())
			slices.Reverse(files) // the one that fits is found, wherever it is
			m := newManager(t)
			r := start(t, under(t, m.path, files...), append(args, "door", "--port", port)...)
			m.await(t, "READY=1")
			for range 4 {
				greeted(t, "tcp", l.Addr().String())
			}
			r.signal(syscall.SIGINT)
			m.await(t, "STOPPING=1")
			r.end(0)
			r.await("WRN No service listens on a socket that this process was given.")
			for _, f := range files {
				_ = f.Close()
			}
		})
	}
}

// The stats page takes the socket that is bound where it is asked for, if systemd
// has one, and none that is a service's.
func TestSystemdsSocketsAreNotForTheStats(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{"alone": nil, "workers": {"--workers", "2"}} {
		for kind, both := range map[string]bool{"a service's": false, "both": true} {
			t.Run(name+", "+kind, func(t *testing.T) {
				t.Parallel()
				files, ports := make([]*os.File, 2), make([]string, 2)
				for i := range files {
					l, err := net.Listen("tcp", "127.0.0.1:0")
					must(t, err)
					files[i], err = l.(*net.TCPListener).File()
					must(t, err)
					_, ports[i], _ = net.SplitHostPort(l.Addr().String())
					must(t, l.Close())
				}
				doors, page := ports[0], ports[1]
				if !both {
					must(t, files[1].Close())
					files = files[:1]
				}
				m := newManager(t)
				r := start(t, under(t, m.path, files...), append(args, "door", "--port", doors, "--stats", page)...)
				m.await(t, "READY=1")
				r.await("Showing statistics. addr=127.0.0.1:" + page)
				greeted(t, "tcp", "127.0.0.1:"+doors)
				if strings.Contains(r.logged(), "No service listens") {
					t.Errorf("a socket is left:\n%s", r.logged())
				}
				r.signal(syscall.SIGINT)
				r.end(0)
				for _, f := range files {
					_ = f.Close()
				}
			})
		}
	}
}

// The path of a UNIX socket that systemd has made is systemd's, through all
// generations: the next start would have no door else.
func TestSystemdsPathsStay(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{"alone": nil, "workers": {"--workers", "2"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "sock")
			l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
			must(t, err)
			l.SetUnlinkOnClose(false)
			f, err := l.File()
			must(t, err)
			must(t, l.Close())
			defer func() { _ = f.Close() }()
			m := newManager(t)
			r := start(t, under(t, m.path, f), append(args, "door", "--path", path, "--pidfile", "x.pid")...)
			m.await(t, "READY=1")
			for range 2 {
				pid := readPID(t, r.file("x.pid"))
				must(t, syscall.Kill(pid, syscall.SIGUSR2))
				eventually(t, "there is a successor", func() bool {
					text, _ := os.ReadFile(r.file("x.pid"))
					return string(text) != fmt.Sprintln(pid)
				})
				greeted(t, "unix", path)
			}
			must(t, syscall.Kill(readPID(t, r.file("x.pid")), syscall.SIGTERM))
			eventually(t, "the pid file is gone", func() bool { return !exists(r.file("x.pid")) })
			<-r.silent
			if !exists(path) {
				t.Error("the path is gone")
			}
		})
	}
}

// A loop that is stuck gives no sign of life.
func TestAStuckLoopIsSilent(t *testing.T) {
	t.Parallel()
	m := newManager(t)
	r := start(t, under(t, m.path), "door", "--port", "0")
	m.await(t, "WATCHDOG=1")
	r.signal(syscall.SIGSTOP)
	var buf [4096]byte
	must(t, m.SetReadDeadline(time.Now().Add(time.Second)))
	for n := 0; ; n++ {
		if _, err := m.Read(buf[:]); err != nil {
			break
		}
		if n > 3 {
			t.Fatal("it goes on")
		}
	}
	r.signal(syscall.SIGCONT)
	m.await(t, "WATCHDOG=1")
	r.signal(syscall.SIGINT)
	r.end(0)
}
