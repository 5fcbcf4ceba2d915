package pidfile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"skein/apps/skein/internal/pidfile"
)

func TestPathsThatCannotBeUsed(t *testing.T) {
	cases := []struct {
		name    string
		prepare func(t *testing.T, folder string) (path string)
		want    error
		remedy  string // part of the message
	}{
		{"a missing folder", func(_ *testing.T, folder string) string {
			return filepath.Join(folder, "none", "skein.pid")
		}, fs.ErrNotExist, "create the folder "},
		{"a file for a folder", func(t *testing.T, folder string) string {
			write(t, filepath.Join(folder, "file"), "")
			return filepath.Join(folder, "file", "skein.pid")
		}, syscall.ENOTDIR, "is not a folder"},
		{"a folder", func(_ *testing.T, folder string) string {
			return folder
		}, syscall.EISDIR, "name a file in it"},
		{"a symbolic link", func(t *testing.T, folder string) string {
			path := filepath.Join(folder, "skein.pid")
			write(t, filepath.Join(folder, "precious"), "gold")
			must(t, os.Symlink("precious", path))
			return path
		}, pidfile.ErrSymlink, "name the file itself"},
		{"a second name of a file", func(t *testing.T, folder string) string {
			path := filepath.Join(folder, "skein.pid")
			write(t, filepath.Join(folder, "precious"), "gold")
			must(t, os.Link(filepath.Join(folder, "precious"), path))
			return path
		}, pidfile.ErrForeign, "name another"},
		{"a document", func(t *testing.T, folder string) string {
			path := filepath.Join(folder, "precious")
			write(t, path, strings.Repeat("gold", 2000))
			return path
		}, pidfile.ErrForeign, "name another"},
		{"a FIFO", func(t *testing.T, folder string) string {
			path := filepath.Join(folder, "skein.pid")
			must(t, syscall.Mkfifo(path, 0o600))
			return path
		}, pidfile.ErrNotRegular, "name another"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			folder := t.TempDir()
			path := tc.prepare(t, folder)
			_, err := pidfile.Acquire(path)
			for what, err := range map[string]error{"acquire": err, "check": pidfile.Check(path)} {
				var bad *pidfile.Error
				if !errors.As(err, &bad) || !errors.Is(err, tc.want) || bad.Path != path {
					t.Errorf("%s: got %v, want %v", what, err, tc.want)
					continue
				}
				if !strings.Contains(err.Error(), tc.remedy) || !strings.Contains(err.Error(), path) {
					t.Errorf("%s: %q lacks %q or the path", what, err, tc.remedy)
				}
			}
			if text, err := os.ReadFile(filepath.Join(folder, "precious")); err == nil && !strings.HasPrefix(string(text), "gold") {
				t.Errorf("what was precious is %q now", text)
			}
		})
	}
}

func TestNoPermission(t *testing.T) {
	path := newPath(t)
	if os.Geteuid() == 0 {
		must(t, os.Chmod(filepath.Dir(filepath.Dir(path)), 0o755))
		i := spawn(t, "intruder", path)
		if !strings.Contains(i.said, "permission denied: let this user write the file") {
			t.Errorf("it says %q", i.said)
		}
		return
	}
	must(t, os.Chmod(filepath.Dir(path), 0o555))
	_, err := pidfile.Acquire(path)
	if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "let this user write the file") {
		t.Errorf("got %v", err)
	}
}

func TestReadOfAFileThatIsNotThere(t *testing.T) {
	path := newPath(t)
	_, running, err := pidfile.Read(path)
	if running || !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "nothing runs with it") {
		t.Errorf("got %t, %v", running, err)
	}
	expectNoFile(t, path)
}

func TestTheHolderHasNotWrittenYet(t *testing.T) {
	path := newPath(t)
	acquire(t, path)
	_, err := pidfile.Acquire(path)
	if want := "another server is running, or starting (pid file " + path + ")"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// FuzzRead reads what anybody may have written, in a file that is held or not.
func FuzzRead(f *testing.F) {
	for _, text := range []string{"", "1\n", "1", "-1\n", "0\n", "99999999999999999999\n", "12\n34\n", "\n12\n", " 12\n", "1\x002\n"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		path := newPath(t)
		must(t, os.WriteFile(path, text, 0o644))
		pid, running, err := pidfile.Read(path)
		if running {
			t.Error("nobody holds it")
		}
		if err != nil && !errors.Is(err, pidfile.ErrForeign) {
			t.Errorf("got %v", err)
		}
		if pid < 0 || pid > 1<<31-1 {
			t.Errorf("the pid is %d", pid)
		}
	})
}
