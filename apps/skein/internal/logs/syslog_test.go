package logs_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"skein/apps/skein/internal/logs"
)

// daemon is a syslog daemon that keeps its messages.
type daemon struct{ conn *net.UnixConn }

func newDaemon(t *testing.T, addr string) *daemon {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: addr, Net: "unixgram"})
	must(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return &daemon{conn}
}

// expect fails unless the next message matches.
func (d *daemon) expect(t *testing.T, pattern string) {
	t.Helper()
	message := make([]byte, 64<<10)
	n, err := d.conn.Read(message)
	must(t, err)
	if !regexp.MustCompile(`\A` + pattern + `\n?\z`).Match(message[:n]) {
		t.Errorf("got %q, want %q", message[:n], pattern)
	}
}

// stamp is what a message has between its priority and its text.
const stamp = `[A-Z][a-z][a-z] [ \d]\d \d\d:\d\d:\d\d`

func TestSyslog(t *testing.T) {
	addr := filepath.Join(t.TempDir(), "log")
	d := newDaemon(t, addr)
	l := open(t, logs.Options{Syslog: true, SyslogAddr: addr, Level: "debug", Tag: "poems", File: filepath.Join(t.TempDir(), "none", "at all")})
	log := l.Logger()
	log.Debug().Msg("one")
	log.Info().Str("peer", "127.0.0.1:1").Msg("two")
	log.Warn().Msg("three")
	log.Error().Str("stack", "frame 1\nframe 2\n").Msg("four")
	log.Log().Msg("five")
	_, _ = l.Write([]byte(`{"level":"fatal","message":"six"}` + "\n" + `{"level":"panic","message":"seven"}` + "\n" + "fatal error: eight\n"))
	who := stamp + ` poems\[` + itoa(os.Getpid()) + `\]: `
	for _, want := range []string{
		`<31>` + who + "one",
		`<30>` + who + `two peer=127\.0\.0\.1:1`,
		`<28>` + who + "three",
		`<27>` + who + "four",
		`<27>` + who + "    frame 1",
		`<27>` + who + "    frame 2",
		`<30>` + who + "five",
		`<26>` + who + "six",
		`<24>` + who + "seven",
		`<27>` + who + "fatal error: eight",
	} {
		d.expect(t, want)
	}
	must(t, <-l.Reopen())
	must(t, <-l.Rotate())
	must(t, l.Close())
}

func TestSyslogWithJSON(t *testing.T) {
	addr := filepath.Join(t.TempDir(), "log")
	d := newDaemon(t, addr)
	l := open(t, logs.Options{Syslog: true, SyslogAddr: addr, Format: "json"})
	numbered(l, 1, 1)
	d.expect(t, `<30>`+stamp+` skein\[\d+\]: {"level":"info","n":1,"time":"[^"]+","message":"line"}`)
	must(t, l.Close())
}

func TestSyslogIsAbsent(t *testing.T) {
	addr := filepath.Join(t.TempDir(), "log")
	_, err := logs.Open(logs.Options{Syslog: true, SyslogAddr: addr})
	var absent *logs.SyslogError
	if !errors.As(err, &absent) || !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("got %v", err)
	}
	if !strings.Contains(err.Error(), "cannot be reached at "+addr) || !strings.Contains(err.Error(), "start it, or log to a file") {
		t.Errorf("it says %q", err)
	}
}

// TestSyslogGoesAndComes restarts the daemon.
func TestSyslogGoesAndComes(t *testing.T) {
	addr := filepath.Join(t.TempDir(), "log")
	first := newDaemon(t, addr)
	l := open(t, logs.Options{Syslog: true, SyslogAddr: addr})
	numbered(l, 1, 1)
	first.expect(t, `<30>.* line n=1`)
	must(t, first.conn.Close())
	_ = os.Remove(addr) // closing has
	numbered(l, 2, 4)
	flush(t, l)
	expectDropped(t, l, 3)
	second := newDaemon(t, addr)
	numbered(l, 5, 5)
	second.expect(t, `<28>.* 3 log lines were dropped`)
	second.expect(t, `<30>.* line n=5`)
	must(t, l.Close())
	expectDropped(t, l, 3)
}
