package logs_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"skein/apps/skein/internal/logs"
)

// line is a line of text of a length, with its newline.
func line(letter string, length int) []byte {
	return []byte(strings.Repeat(letter, length-1) + "\n")
}

// files lists the folder of a log file: each name's end and size.
func files(t *testing.T, path string) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	must(t, err)
	var list []string
	for _, e := range entries {
		info, err := e.Info()
		must(t, err)
		list = append(list, strings.TrimPrefix(e.Name(), "skein.log")+" "+itoa(int(info.Size())))
	}
	return list
}

func expectFiles(t *testing.T, path string, want ...string) {
	t.Helper()
	if got := files(t, path); !slices.Equal(got, want) {
		t.Errorf("there are %q, want %q", got, want)
	}
}

func TestAFileIsAppendedTo(t *testing.T) {
	path := newPath(t)
	old := syscall.Umask(0o027)
	defer syscall.Umask(old)
	for n := 1; n <= 2; n++ {
		l := open(t, logs.Options{Format: "json", File: path})
		numbered(l, n, n)
		must(t, l.Close())
	}
	expectComplete(t, read(t, path), 2)
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o640 {
		t.Errorf("the mode is %v, %v", info.Mode(), err)
	}
}

// TestAFileForPeopleHasTheDay, since it is read later.
func TestAFileForPeopleHasTheDay(t *testing.T) {
	path := newPath(t)
	l := open(t, logs.Options{File: path})
	numbered(l, 1, 1)
	must(t, l.Close())
	if got := read(t, path); !regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d INF line n=1\n$`).MatchString(got) {
		t.Errorf("got %q", got)
	}
}

// TestRotationAtTheSize has lines one at a time, and all in one batch.
func TestRotationAtTheSize(t *testing.T) {
	for name, pause := range map[string]bool{"one by one": true, "together": false} {
		t.Run(name, func(t *testing.T) {
			path := newPath(t)
			l := open(t, logs.Options{File: path, MaxBytes: 100, Keep: 2})
			put := func(letter string, length int) {
				_, _ = l.Write(line(letter, length))
				if pause {
					flush(t, l)
				}
			}
			put("a", 50)
			put("a", 49)
			put("a", 1) // 100: full
			put("b", 99)
			put("b", 200) // which may go beyond
			put("c", 100)
			flush(t, l)
			expectFiles(t, path, " 100", ".1 299", ".2 100")
			put("d", 1)
			put("d", 10)
			must(t, l.Close())
			expectFiles(t, path, " 11", ".1 100", ".2 299")
			for end, letter := range map[string]string{"": "d", ".1": "c", ".2": "b"} {
				if got := strings.Trim(read(t, path+end), letter+"\n"); got != "" {
					t.Errorf("%s has %q", end, got)
				}
			}
		})
	}
}

func TestTheDefaultSize(t *testing.T) {
	path := newPath(t)
	l := open(t, logs.Options{File: path})
	_, _ = l.Write(line("a", 999_999))
	flush(t, l)
	_, _ = l.Write(line("b", 10))
	flush(t, l)
	expectFiles(t, path, " 1000009")
	_, _ = l.Write(line("c", 10))
	must(t, l.Close())
	expectFiles(t, path, " 10", ".1 1000009")
}

func TestAFileThatIsFullAlready(t *testing.T) {
	path := newPath(t)
	must(t, os.WriteFile(path, line("a", 100), 0o600))
	must(t, os.Chmod(path, 0o662))
	must(t, os.WriteFile(path+".old", nil, 0o600)) // nothing of ours
	l := open(t, logs.Options{File: path, MaxBytes: 100})
	_, _ = l.Write(line("b", 10))
	must(t, l.Close())
	expectFiles(t, path, " 10", ".1 100", ".old 0")
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o662 {
		t.Errorf("the mode is %v, %v", info.Mode(), err)
	}
}

func TestWithoutALimit(t *testing.T) {
	path := newPath(t)
	l := open(t, logs.Options{File: path, MaxBytes: -1})
	for range 3 {
		_, _ = l.Write(line("a", 700_000))
		flush(t, l)
	}
	must(t, <-l.Rotate())
	must(t, l.Close())
	expectFiles(t, path, " 0", ".1 2100000")
}

// TestRotationMovesNoMoreThanItMust leaves what is beyond a gap.
func TestRotationMovesNoMoreThanItMust(t *testing.T) {
	path := newPath(t)
	for end, size := range map[string]int{"": 5, ".1": 1, ".3": 3} {
		must(t, os.WriteFile(path+end, line("x", size), 0o600))
	}
	l := open(t, logs.Options{File: path})
	must(t, <-l.Rotate())
	must(t, l.Close())
	expectFiles(t, path, " 0", ".1 5", ".2 1", ".3 3")
}

// TestAFileThatCannotBeMoved has a folder in the way: root may do the rest.
func TestAFileThatCannotBeMoved(t *testing.T) {
	path := newPath(t)
	must(t, os.MkdirAll(filepath.Join(path+".1", "in the way"), 0o700))
	l := open(t, logs.Options{File: path, MaxBytes: 100, Keep: 1})
	for range 10 {
		_, _ = l.Write(line("a", 60))
		flush(t, l)
	}
	err := <-l.Rotate()
	var bad *logs.FileError
	if !errors.As(err, &bad) || bad.Did != "rotated" || bad.Path != path {
		t.Errorf("rotate: %v", err)
	}
	flush(t, l)
	text := read(t, path)
	if got := strings.Count(text, "a\n"); got != 10 {
		t.Errorf("%d lines are left of 10", got)
	}
	if got := strings.Count(text, "cannot be rotated: "); got != 2 {
		t.Errorf("it is said %d times, want once for the size and once for the order:\n%s", got, text)
	}
	must(t, os.RemoveAll(path+".1"))
	for range 20 {
		_, _ = l.Write(line("b", 60))
	}
	must(t, l.Close())
	if _, err := os.Stat(path + ".1"); err != nil {
		t.Errorf("it is not tried again: %v", err)
	}
	expectDropped(t, l, 0)
}

func TestASymbolicLinkIsNotRotated(t *testing.T) {
	path := newPath(t)
	must(t, os.Symlink("elsewhere", path))
	l := open(t, logs.Options{Format: "json", File: path, MaxBytes: 10})
	numbered(l, 1, 3)
	if err := <-l.Rotate(); !errors.Is(err, logs.ErrSymlink) {
		t.Errorf("rotate: %v", err)
	}
	must(t, l.Close())
	if info, err := os.Lstat(path); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is %v, %v", info, err)
	}
	if got := strings.Count(read(t, path), `"n":`); got != 3 {
		t.Errorf("there are %d lines", got)
	}
}

// TestReopenLosesNothing moves the file away, as logrotate does, between lines.
func TestReopenLosesNothing(t *testing.T) {
	path := newPath(t)
	l := open(t, logs.Options{Format: "json", File: path})
	numbered(l, 1, 10)
	flush(t, l)
	must(t, os.Rename(path, path+".moved"))
	numbered(l, 11, 20)
	reopened := l.Reopen()
	numbered(l, 21, 30) // they come after it, whenever it is done
	must(t, <-reopened)
	must(t, l.Close())
	expectComplete(t, read(t, path+".moved"), 20)
	expectComplete(t, read(t, path+".moved")+read(t, path), 30)
	expectDropped(t, l, 0)
}

// TestSomebodyElseHasMovedIt: then there is nothing to rotate.
func TestSomebodyElseHasMovedIt(t *testing.T) {
	for name, replace := range map[string]bool{"away": false, "and begun another": true} {
		t.Run(name, func(t *testing.T) {
			path := newPath(t)
			l := open(t, logs.Options{File: path, MaxBytes: 100})
			_, _ = l.Write(line("a", 100))
			flush(t, l)
			must(t, os.Rename(path, path+".9"))
			size := 0
			if replace {
				size = 30
				must(t, os.WriteFile(path, line("x", size), 0o600))
			}
			_, _ = l.Write(line("b", 10))
			must(t, l.Close())
			expectFiles(t, path, " "+itoa(size+10), ".9 100")
		})
	}
}

func TestACutFileIsNotRotatedEarly(t *testing.T) {
	path := newPath(t)
	l := open(t, logs.Options{File: path, MaxBytes: 100})
	_, _ = l.Write(line("a", 100))
	flush(t, l)
	must(t, os.Truncate(path, 0))
	_, _ = l.Write(line("b", 10))
	must(t, l.Close())
	expectFiles(t, path, " 10")
}

func TestReopenWhereItCannot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "folder", "skein.log")
	must(t, os.Mkdir(filepath.Dir(path), 0o700))
	l := open(t, logs.Options{Format: "json", File: path})
	numbered(l, 1, 1)
	flush(t, l)
	kept, err := os.Open(path)
	must(t, err)
	defer kept.Close()
	must(t, os.RemoveAll(filepath.Dir(path)))
	err = <-l.Reopen()
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "create the folder ") {
		t.Errorf("reopen: %v", err)
	}
	numbered(l, 2, 2)
	// A folder in its place is found.
	must(t, os.Mkdir(filepath.Dir(path), 0o700))
	must(t, <-l.Reopen())
	numbered(l, 3, 3)
	must(t, l.Close())
	text := make([]byte, 4096)
	n, _ := kept.Read(text)
	if got := string(text[:n]); strings.Count(got, `"n":`) != 2 || !strings.Contains(got, `"level":"error"`) {
		t.Errorf("the old file has %q", got)
	}
	if got := numbers(t, read(t, path)); !slices.Equal(got, []int{3}) {
		t.Errorf("the new file has %v", got)
	}
}

// TestThePathIsThatOfTheStart, whatever the folder is later.
func TestThePathIsThatOfTheStart(t *testing.T) {
	folder := t.TempDir()
	t.Chdir(folder)
	l := open(t, logs.Options{Format: "json", File: "skein.log"})
	t.Chdir(t.TempDir())
	numbered(l, 1, 1)
	must(t, <-l.Rotate())
	must(t, <-l.Reopen())
	numbered(l, 2, 2)
	must(t, l.Close())
	path := filepath.Join(folder, "skein.log")
	expectComplete(t, read(t, path+".1")+read(t, path), 2)
}

// TestAChrootAndDroppedPrivileges rotates in a chroot, which works, and as
// nobody, which does not, and goes on.
func TestAChrootAndDroppedPrivileges(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Log("only root may change its root")
		return
	}
	path, root := newPath(t), t.TempDir()
	decoy := filepath.Join(root, path) // what the path means in there
	must(t, os.MkdirAll(filepath.Dir(decoy), 0o777))
	want := "the log file " + path + " cannot be rotated: permission denied: let this user write in the folder " + filepath.Dir(path) + "\n"
	expectText(t, "what it says", act(t, "jail", os.Stderr, path, root), want)
	expectComplete(t, read(t, path+".1"), 1)
	text := read(t, path)
	if got := numbers(t, text); !slices.Equal(got, []int{2, 0, 3}) || !strings.Contains(text, "permission denied") {
		t.Errorf("the file has %q", text)
	}
	if _, err := os.Stat(decoy); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there is a file in the chroot: %v", err)
	}
}
