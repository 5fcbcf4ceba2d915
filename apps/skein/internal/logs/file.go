package logs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

const (
	defaultMaxBytes = 1_000_000 // twistd's
	defaultKeep     = 10
)

// fileSink is a log file: a regular one, which is rotated, or a FIFO or a
// device, which is not.
type fileSink struct {
	path     string // absolute: the program will change its folder
	name     string // in the folder
	folder   *os.File
	root     unix.Stat_t // what "/" was when it was opened: a chroot changes that
	complain func(error)
	crashes  bool

	// rotate.go has what these are for.
	most  int64 // the size from which on it is rotated; below 1: never
	keep  int
	limit int64 // most, or more if the last rotation has failed
	told  bool  // and that has been said

	file    atomic.Pointer[os.File] // unblock's, too
	regular bool
	size    int64 // of a regular one, as far as this process knows
}

// openFile opens or creates the log file.
func openFile(o Options, complain func(error)) (*fileSink, error) {
	path, err := filepath.Abs(o.File)
	if err != nil {
		return nil, openError(o.File, err)
	}
	s := &fileSink{path: path, name: filepath.Base(path), complain: complain, crashes: o.Crashes, most: o.MaxBytes, keep: o.Keep}
	if s.most == 0 {
		s.most = defaultMaxBytes
	}
	if s.keep <= 0 {
		s.keep = defaultKeep
	}
	if err := unix.Stat("/", &s.root); err != nil {
		return nil, openError(path, err)
	}
	if s.folder, err = openFolder(path); err != nil {
		return nil, openError(path, err)
	}
	if _, err := s.begin(0o666); err != nil {
		_ = s.folder.Close() // it was only read
		return nil, openError(path, err)
	}
	return s, nil
}

func (s *fileSink) write(text []byte, records []record) (upTo int, err error) {
	f := s.file.Load()
	if !s.regular {
		return pour(f, text, records, atOnce)
	}
	upTo = records[0].start
	for len(records) > 0 {
		s.rotateIfLarge()
		n := s.fitting(records)
		was := upTo
		upTo, err = pour(s.file.Load(), text, records[:n], enough)
		s.size += int64(upTo - was)
		if err != nil {
			return upTo, err
		}
		records = records[n:]
	}
	return upTo, nil
}

// fitting returns how many records there are up to the one after which the file
// is rotated.
func (s *fileSink) fitting(records []record) int {
	if s.limit <= 0 {
		return len(records)
	}
	for i, r := range records {
		if s.size+int64(r.end-records[0].start) >= s.limit {
			return i + 1
		}
	}
	return len(records)
}

func (s *fileSink) finish(rest []byte) (n int, err error) {
	n, err = pour(s.file.Load(), rest, []record{{end: len(rest)}}, enough)
	s.size += int64(n)
	return n, err
}

func (s *fileSink) unblock() { expire(s.file.Load()) }

func (s *fileSink) close() error {
	s.catchCrashes(nil)
	return errors.Join(s.file.Load().Close(), s.folder.Close())
}

// reopen opens what the path names now.
func (s *fileSink) reopen() (fresh bool, err error) {
	s.findFolder()
	if fresh, err = s.begin(0o666); err != nil {
		return false, openError(s.path, err)
	}
	return fresh, nil
}

// findFolder looks the folder up again, since somebody may have put another one
// in its place. After a chroot the path means something else: there the old one
// stays.
func (s *fileSink) findFolder() {
	var root unix.Stat_t
	if unix.Stat("/", &root) != nil || root.Dev != s.root.Dev || root.Ino != s.root.Ino {
		return
	}
	folder, err := openFolder(s.path)
	if err != nil {
		return // the old one may still do
	}
	_ = s.folder.Close() // it was only read
	s.folder = folder
}

// begin opens the file, which it creates if there is none, and goes on in it; if
// that fails, in the old one. fresh says that it is another file.
func (s *fileSink) begin(mode uint32) (fresh bool, err error) {
	f, st, err := s.open(mode)
	if err != nil {
		return false, err
	}
	if old := s.file.Swap(f); old != nil {
		fresh = !same(old, f)
		_ = old.Close() // what the system has taken of the lines, it has
	}
	s.regular = st.Mode&unix.S_IFMT == unix.S_IFREG
	s.size = st.Size
	if s.regular {
		s.catchCrashes(f)
	} else {
		s.catchCrashes(nil) // it would make a FIFO one that blocks
	}
	if fresh || s.limit == 0 {
		s.limit, s.told = s.most, false
	}
	return fresh, nil
}

// catchCrashes says where the runtime writes of a crash, besides standard error. It
// keeps a duplicate.
func (s *fileSink) catchCrashes(f *os.File) {
	if !s.crashes {
		return
	}
	if err := debug.SetCrashOutput(f, debug.CrashOptions{}); err != nil {
		s.complain(fmt.Errorf("why the program crashes, if it does, will not be in the log file %s: %w", s.path, err))
	}
}

// same reports whether both are the same file.
func same(a, b *os.File) bool {
	x, err := a.Stat()
	if err != nil {
		return false
	}
	y, err := b.Stat()
	return err == nil && os.SameFile(x, y)
}

// open opens the file without waiting for anybody.
func (s *fileSink) open(mode uint32) (*os.File, *unix.Stat_t, error) {
	folder := int(s.folder.Fd())
	flags := unix.O_WRONLY | unix.O_CREAT
	var st unix.Stat_t
	if unix.Fstatat(folder, s.name, &st, 0) == nil && st.Mode&unix.S_IFMT == unix.S_IFIFO {
		flags = unix.O_RDWR // its reader may come later, and go
	}
	flags |= unix.O_APPEND | unix.O_NONBLOCK | unix.O_NOCTTY | unix.O_CLOEXEC
	fd, err := unix.Openat(folder, s.name, flags, mode)
	for errors.Is(err, unix.EINTR) {
		fd, err = unix.Openat(folder, s.name, flags, mode)
	}
	if err != nil {
		return nil, nil, err
	}
	err = unix.Fstat(fd, &st)
	if err == nil && st.Mode&unix.S_IFMT == unix.S_IFREG {
		err = unix.SetNonblock(fd, false) // or os.File would try to poll it
	}
	if err != nil {
		_ = unix.Close(fd) // nothing was written
		return nil, nil, err
	}
	return os.NewFile(uintptr(fd), s.path), &st, nil
}

// openFolder opens the folder of a path.
func openFolder(path string) (*os.File, error) {
	folder := filepath.Dir(path)
	flags := unix.O_RDONLY | unix.O_DIRECTORY | unix.O_CLOEXEC
	fd, err := unix.Open(folder, flags, 0)
	for errors.Is(err, unix.EINTR) {
		fd, err = unix.Open(folder, flags, 0)
	}
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), folder), nil
}
