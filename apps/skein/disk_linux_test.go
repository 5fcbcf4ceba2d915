package main_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// On a full disk, or one that cannot be written, a server that needs a file does
// not start, and leaves none.
func TestDisksThatTakeNothing(t *testing.T) {
	asRoot(t)
	dir := t.TempDir()
	if err := syscall.Mount("skein", dir, "tmpfs", 0, "size=4k,nr_inodes=50"); errors.Is(err, syscall.EPERM) {
		t.Skip("this container may not mount")
	} else {
		must(t, err)
	}
	t.Cleanup(func() { must(t, syscall.Unmount(dir, syscall.MNT_DETACH)) })
	_ = os.WriteFile(filepath.Join(dir, "full"), make([]byte, 1<<20), 0o600) // as far as it goes
	away := filepath.Join(t.TempDir(), "away.log")

	for name, step := range map[string]struct {
		args []string
		says string
	}{
		"pid file": {[]string{"--pidfile", "skein.pid", "--logfile", away}, "the pid file .* cannot be used: no space left on device: "},
		"both":     {[]string{"--pidfile", "skein.pid", "--logfile", "skein.log"}, "the pid file .* cannot be used: no space left on device: "},
		"workers":  {[]string{"--pidfile", "skein.pid", "--logfile", away, "--workers", "2"}, "the pid file .* cannot be used: no space left on device: "},
	} {
		t.Run("full, "+name, func(t *testing.T) {
			refused(t, dir, 1, "^ERR "+step.says, append([]string{"fastpoetry", "--port", "0"}, step.args...)...)
		})
	}

	t.Run("full, only the log", func(t *testing.T) {
		m := newManager(t) // the log cannot tell, and the pid file is there before all has begun
		d := launch(t, m.unit(time.Hour), "fastpoetry", "--port", "0", "--logfile", filepath.Join(dir, "x.log"))
		m.await(t, "READY=1", d.cmd.Process.Pid)
		d.tell(t, syscall.SIGTERM)
		d.end(t, 0)
		d.expect(t, `^skein: 5 log lines were lost: no space left on device$`)
	})

	must(t, syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
	for name, step := range map[string]struct {
		args []string
		says string
	}{
		"pid file": {[]string{"--pidfile", "other.pid", "--logfile", away}, "the pid file .* cannot be used: read-only file system: "},
		"log":      {[]string{"--logfile", "other.log"}, "the log file .* cannot be opened: read-only file system: "},
	} {
		t.Run("read-only, "+name, func(t *testing.T) {
			refused(t, dir, 1, "^ERR "+step.says, append([]string{"fastpoetry", "--port", "0"}, step.args...)...)
		})
	}
	logged, err := os.ReadFile(away)
	must(t, err)
	if n := strings.Count(string(logged), "cannot be used"); n != 6 {
		t.Errorf("a log that is elsewhere tells %d of 6 failures:\n%s", n, logged)
	}
}
