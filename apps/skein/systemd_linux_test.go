package main_test

import (
	"errors"
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

	"golang.org/x/sys/unix"
)

// A program that runs under systemd says when it serves, that it lives, who takes
// over, and that it ends: each in its turn, and from the process that it is about.
func TestTheLifeOfAUnit(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{"alone": nil, "workers": {"--workers", "2"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newManager(t)
			port := strconv.Itoa(freeRow(t, 1))
			const watchdog = 400 * time.Millisecond
			d := launch(t, m.unit(watchdog), append(args, "fastpoetry", "--port", port, "--pidfile", "x.pid")...)
			first := d.cmd.Process.Pid
			if got := m.next(t); got.text != "READY=1" || got.pid != first {
				t.Errorf("the first message is %v, want READY=1 from %d", got, first)
			}
			fetch(t, port) // at once
			var gaps []time.Duration
			last := m.await(t, "WATCHDOG=1", first)
			for range 7 {
				at := m.await(t, "WATCHDOG=1", first)
				gaps = append(gaps, at.Sub(last))
				last = at
			}
			slices.Sort(gaps)
			if gap := gaps[len(gaps)/2]; gap < watchdog/2-50*time.Millisecond || gap > watchdog/2+100*time.Millisecond {
				t.Errorf("it gives a sign of life every %v, want %v", gap, watchdog/2)
			}

			d.tell(t, syscall.SIGUSR2)
			path := filepath.Join(d.cmd.Dir, "x.pid")
			eventually(t, "there is a successor", func() bool { return pidIn(t, path) != first })
			second := pidIn(t, path)
			m.await(t, fmt.Sprintf("MAINPID=%d", second), first)
			d.end(t, 0)
			m.await(t, "WATCHDOG=1", second)
			fetch(t, port)
			must(t, syscall.Kill(second, syscall.SIGTERM))
			m.await(t, "STOPPING=1", second)
			eventually(t, "it has ended", func() bool { return !exists(path) })
		})
	}
}

// Nobody hears of a start that fails.
func TestAUnitThatFails(t *testing.T) {
	t.Parallel()
	m := newManager(t)
	taken, err := net.Listen("tcp", "localhost:0")
	must(t, err)
	defer func() { _ = taken.Close() }()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	d := launch(t, m.unit(time.Second), "fastpoetry", "--port", port)
	d.end(t, 1)
	m.silent(t)
}

// A socket that systemd has is used where its port is asked for, and lives on; it
// is left alone if it is for another process.
func TestTheSocketOfAUnit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args []string
		whom string // LISTEN_PID
		used bool
	}{
		"alone":           {nil, "$$", true},
		"workers":         {[]string{"--workers", "2"}, "$$", true},
		"another process": {nil, "1", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			must(t, err)
			_, port, _ := net.SplitHostPort(l.Addr().String())
			theirs, err := l.(*net.TCPListener).File()
			must(t, err)
			must(t, l.Close()) // what is left is the unit's
			defer func() { _ = theirs.Close() }()
			m := newManager(t)
			unit := m.unit(time.Second)
			d := launch(t, func(cmd *exec.Cmd) {
				unit(cmd)
				script := fmt.Sprintf(`export LISTEN_PID=%s LISTEN_FDS=1 LISTEN_FDNAMES=poem.socket; exec "$@"`, c.whom)
				cmd.Path, cmd.Args = "/bin/sh", append([]string{"sh", "-c", script, "sh"}, cmd.Args...)
				cmd.ExtraFiles = []*os.File{theirs}
			}, append(c.args, "fastpoetry", "--port", port)...)
			if !c.used {
				d.end(t, 1)
				d.expect(t, "address already in use")
				return
			}
			m.await(t, "READY=1", d.cmd.Process.Pid)
			for range 4 {
				fetch(t, port)
			}
			d.tell(t, syscall.SIGTERM)
			d.end(t, 0)
			// Who comes now waits for the next start.
			waits, err := net.Dial("tcp", "127.0.0.1:"+port)
			must(t, err)
			must(t, waits.Close())
		})
	}
}

// The sign of life is the loop's: where that is stuck, and all else goes on, there
// is none. A worker that is stuck is started again by its supervisor.
func TestAStuckLoop(t *testing.T) {
	t.Parallel()
	t.Run("alone", func(t *testing.T) {
		t.Parallel()
		m := newManager(t)
		d := launchAs(t, "clot", m.unit(200*time.Millisecond), "stick", "--port", "0")
		port := d.expect(t, `addr=127\.0\.0\.1:(\d+)`)
		m.await(t, "WATCHDOG=1", d.cmd.Process.Pid)
		m.await(t, "WATCHDOG=1", d.cmd.Process.Pid)
		touch(t, port)
		must(t, m.SetReadDeadline(time.Now().Add(time.Second)))
		signs := 0
		for {
			if _, _, _, _, err := m.ReadMsgUnix(make([]byte, 4096), nil); err != nil {
				break
			}
			signs++
		}
		if signs > 2 {
			t.Errorf("a loop that is stuck gives %d signs of life in a second", signs)
		}
	})
	t.Run("workers", func(t *testing.T) {
		t.Parallel()
		m := newManager(t)
		d := launchAs(t, "clot", m.unit(2*time.Second), "stick", "--port", "0", "--workers", "2", "--grace", "0s")
		port := d.anywhere(t, `addr=127\.0\.0\.1:(\d+)`)
		m.await(t, "READY=1", d.cmd.Process.Pid)
		touch(t, port)
		d.anywhere(t, `worker has sent no heartbeat for 2s: it is stuck, and killed pid=(\d+)`)
		eventually(t, "it is started again", func() bool { return strings.Count(d.logged(), "worker is ready") == 3 })
		if !strings.Contains(d.logged(), "time.Sleep") {
			t.Errorf("the log does not show where it was stuck:\n%s", d.logged())
		}
		m.await(t, "WATCHDOG=1", d.cmd.Process.Pid) // the supervisor is well
		d.tell(t, syscall.SIGTERM)
		d.end(t, 0)
	})
}

// touch connects to a port.
func touch(t *testing.T, port string) {
	t.Helper()
	c, err := net.Dial("tcp", "127.0.0.1:"+port)
	must(t, err)
	t.Cleanup(func() { _ = c.Close() })
}

// manager is the end of NOTIFY_SOCKET that systemd has. It is told who sends.
type manager struct{ *net.UnixConn }

// message is what it gets.
type message struct {
	text string
	pid  int
}

// newManager listens at an address in the abstract namespace, as systemd does for
// its users' units.
func newManager(t *testing.T) manager {
	t.Helper()
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: "@skein-" + filepath.Base(filepath.Dir(t.TempDir())), Net: "unixgram"})
	must(t, err)
	t.Cleanup(func() { _ = c.Close() })
	raw, err := c.SyscallConn()
	must(t, err)
	must(t, raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_PASSCRED, 1) }))
	must(t, err)
	return manager{c}
}

// unit gives a command the environment of a unit.
func (m manager) unit(watchdog time.Duration) func(c *exec.Cmd) {
	return func(c *exec.Cmd) {
		c.Env = append(os.Environ(), "NOTIFY_SOCKET="+m.LocalAddr().String(), fmt.Sprintf("WATCHDOG_USEC=%d", watchdog.Microseconds()))
	}
}

// next returns the next message.
func (m manager) next(t *testing.T) message {
	t.Helper()
	must(t, m.SetReadDeadline(time.Now().Add(patience)))
	text, beside := make([]byte, 4096), make([]byte, unix.CmsgSpace(unix.SizeofUcred))
	n, more, _, _, err := m.ReadMsgUnix(text, beside)
	must(t, err)
	all, err := unix.ParseSocketControlMessage(beside[:more])
	must(t, err)
	who, err := unix.ParseUnixCredentials(&all[0])
	must(t, err)
	return message{strings.TrimSpace(string(text[:n])), int(who.Pid)}
}

// silent fails the test if there is a message. It asks the system: a read with a
// deadline that has passed does not look.
func (m manager) silent(t *testing.T) {
	t.Helper()
	raw, err := m.SyscallConn()
	must(t, err)
	var (
		message [4096]byte
		n       int
		nothing error
	)
	must(t, raw.Control(func(fd uintptr) { n, _, nothing = unix.Recvfrom(int(fd), message[:], unix.MSG_DONTWAIT) }))
	if !errors.Is(nothing, unix.EAGAIN) {
		t.Errorf("it says %q, with the error %v", message[:max(n, 0)], nothing)
	}
}

// await reads messages until a line comes, and returns when. It must come from
// that process.
func (m manager) await(t *testing.T, line string, pid int) time.Time {
	t.Helper()
	for {
		got := m.next(t)
		if !slices.Contains(strings.Split(got.text, "\n"), line) {
			continue
		}
		if got.pid != pid {
			if strings.HasPrefix(line, "WATCHDOG") {
				continue // a predecessor's last one
			}
			t.Errorf("%s comes from %d, want %d", line, got.pid, pid)
		}
		return time.Now()
	}
}
