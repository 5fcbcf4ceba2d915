package pidfile

import (
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// longest is the size above which a file is not taken over: nobody's pid file is
// that long, and a document that was named by mistake often is.
const longest = 4096

// place is where a pid file is: a name in a folder that is held open.
type place struct {
	path   string // absolute, for messages
	folder *os.File
	name   string
}

// find opens the folder of a path.
func find(path string) (*place, error) {
	full, err := filepath.Abs(path)
	if err != nil {
		return nil, &Error{Path: path, Err: err, Remedy: "name it by its whole path"}
	}
	fd, err := retried(func() (int, error) {
		return unix.Open(filepath.Dir(full), unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	})
	if err != nil {
		return nil, folderProblem(full, err)
	}
	folder := os.NewFile(uintptr(fd), filepath.Dir(full))
	return &place{path: full, folder: folder, name: filepath.Base(full)}, nil
}

// open opens the file, if it is one that may be a pid file.
func (p *place) open(flags int) (*os.File, error) {
	// Without O_NONBLOCK a FIFO would keep us waiting for its other end.
	flags |= unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_NOCTTY | unix.O_CLOEXEC
	fd, err := retried(func() (int, error) {
		return unix.Openat(int(p.folder.Fd()), p.name, flags, 0o644)
	})
	if errors.Is(err, unix.ENOENT) && flags&unix.O_CREAT != 0 {
		return nil, folderProblem(p.path, err) // it is gone meanwhile
	}
	if err != nil {
		return nil, p.problem(err)
	}
	var s unix.Stat_t
	err = unix.Fstat(fd, &s)
	switch {
	case err != nil:
	case s.Mode&unix.S_IFMT == unix.S_IFDIR: // which can be opened for reading
		err = unix.EISDIR
	case s.Mode&unix.S_IFMT != unix.S_IFREG:
		err = ErrNotRegular
	case s.Nlink > 1 || s.Size > longest:
		err = ErrForeign
	default:
		err = unix.SetNonblock(fd, false) // or os.File would try to poll it
	}
	if err != nil {
		_ = unix.Close(fd) // nothing was written
		return nil, p.problem(err)
	}
	return os.NewFile(uintptr(fd), p.path), nil
}

// names reports whether the path still names the open file.
func (p *place) names(f *os.File) bool {
	var there, here unix.Stat_t
	_, err := retried(func() (int, error) {
		return 0, unix.Fstatat(int(p.folder.Fd()), p.name, &there, unix.AT_SYMLINK_NOFOLLOW)
	})
	if err != nil || unix.Fstat(int(f.Fd()), &here) != nil {
		return false
	}
	return there.Dev == here.Dev && there.Ino == here.Ino
}

// remove removes the name.
func (p *place) remove() error {
	_, err := retried(func() (int, error) { return 0, unix.Unlinkat(int(p.folder.Fd()), p.name, 0) })
	return err
}

// lock takes a lock without waiting. held says that somebody else has one that
// excludes it.
func lock(f *os.File, how int) (held bool, err error) {
	_, err = retried(func() (int, error) { return 0, unix.Flock(int(f.Fd()), how|unix.LOCK_NB) })
	if errors.Is(err, unix.EWOULDBLOCK) {
		return true, nil
	}
	return false, err
}

// retried repeats a call that a signal interrupts.
func retried(call func() (int, error)) (n int, err error) {
	for {
		if n, err = call(); !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}
