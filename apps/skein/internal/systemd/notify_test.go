package systemd_test

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"skein/apps/skein/internal/systemd"
	"skein/deferred/clock"
)

func TestMessages(t *testing.T) {
	names := map[string]string{"path": path(t)}
	if runtime.GOOS == "linux" {
		names["abstract"] = "@skein/test/" + strconv.Itoa(os.Getpid())
	}
	for kind, name := range names {
		t.Run(kind, func(t *testing.T) {
			m := manage(t, name)
			n := open(t)
			environment(t, "NOTIFY_SOCKET")
			n.Ready()
			n.Status("serving 3 clients")
			n.MainPID(4711)
			n.Alive()
			m.wants("READY=1", "STATUS=serving 3 clients", "MAINPID=4711", "WATCHDOG=1")
			n.Reloading()
			if got := m.next(); !regexp.MustCompile(`^RELOADING=1 MONOTONIC_USEC=[1-9][0-9]*$`).MatchString(got) {
				t.Errorf("got %q", got)
			}
			n.Ready()
			n.Stopping()
			m.wants("READY=1", "STOPPING=1")
			if err := n.Close(); err != nil {
				t.Error(err)
			}
			n.Ready()
			m.silent()
		})
	}
}

// A line more in a status would be another message.
func TestStatusIsOneLine(t *testing.T) {
	m := manage(t, path(t))
	n := open(t)
	for text, want := range map[string]string{
		"":                        "STATUS=",
		"a\nMAINPID=1\r\nREADY=1": "STATUS=a MAINPID=1 READY=1",
		"\x00bell\a":              "STATUS=bell",
		"bad \xff":                "STATUS=bad ?",
	} {
		n.Status(text)
		m.wants(want)
	}
	n.Status(strings.Repeat("ä", 1000))
	if got := m.next(); len(got) > 520 || len(got) < 490 || !utf8.ValidString(got) {
		t.Errorf("%d bytes: %q", len(got), got)
	}
}

// Where systemd is not, nothing happens, and nobody has to ask.
func TestNobodyListens(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	t.Setenv("WATCHDOG_USEC", "1000000")
	n, err := systemd.Open()
	if n != nil || err != nil {
		t.Fatalf("got %v, %v", n, err)
	}
	n.Ready()
	n.Reloading()
	n.Stopping()
	n.Status("x")
	n.MainPID(1)
	n.Alive()
	n.Watch(clock.NewFake())()
	if n.Watchdog() != 0 || n.Environ() != nil || n.Close() != nil {
		t.Error("a notifier that is none does something")
	}
	environment(t, "NOTIFY_SOCKET", "WATCHDOG_USEC")
}

func TestSocketsThatCannotBe(t *testing.T) {
	for name, want := range map[string]error{
		path(t):                          syscall.ENOENT,
		"notify":                         systemd.ErrVariable,
		"vsock:2:1234":                   systemd.ErrVariable,
		"/" + strings.Repeat("long", 50): syscall.EINVAL,
	} {
		t.Setenv("NOTIFY_SOCKET", name)
		n, err := systemd.Open()
		if !errors.Is(err, want) || n != nil || !strings.Contains(err.Error(), strconv.Quote(name)) {
			t.Errorf("%s: got %v, %v, want %v", name, n, err, want)
		}
		environment(t, "NOTIFY_SOCKET")
	}
}

func TestWatchdog(t *testing.T) {
	own, other := strconv.Itoa(os.Getpid()), strconv.Itoa(os.Getpid()+1)
	for _, test := range []struct {
		usec, pid string
		want      time.Duration
		env       string // the second of Environ
		err       error
	}{
		{"", "", 0, "", nil},
		{"", own, 0, "", nil},
		{"10000000", own, 10 * time.Second, "WATCHDOG_USEC=10000000", nil},
		{"10000000", "", 10 * time.Second, "WATCHDOG_USEC=10000000", nil},
		{"10000000", other, 0, "", nil},
		{"10000000", "x", 0, "", nil},
		{"x", own, 0, "", systemd.ErrVariable},
		{"0", own, 0, "", systemd.ErrVariable},
		{"-1", own, 0, "", systemd.ErrVariable},
		{"9223372036854775807", own, 0, "", systemd.ErrVariable},
	} {
		t.Run(fmt.Sprintf("%s for %s", test.usec, test.pid), func(t *testing.T) {
			name := path(t)
			manage(t, name)
			t.Setenv("WATCHDOG_USEC", test.usec)
			t.Setenv("WATCHDOG_PID", test.pid)
			n, err := systemd.Open()
			defer func() { _ = n.Close() }()
			if !errors.Is(err, test.err) || n.Watchdog() != test.want {
				t.Errorf("got %v, %v", n.Watchdog(), err)
			}
			environment(t, "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")
			want := strings.TrimSpace("NOTIFY_SOCKET=" + name + " " + test.env)
			if got := strings.Join(n.Environ(), " "); err == nil && got != want {
				t.Errorf("a successor gets %q, want %q", got, want)
			}
		})
	}
}
