package pidfile

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// What is wrong with a path, beside what the system says. An [Error] has it.
var (
	ErrSymlink    = errors.New("it is a symbolic link, which is not followed")
	ErrNotRegular = errors.New("it is not a regular file")
	ErrForeign    = errors.New("it is not a pid file: it is too long, or has a second name")
	ErrBusy       = errors.New("others look at it or replace it all the time")
)

// RunningError says that somebody holds the pid file.
type RunningError struct {
	Path string
	PID  int // 0 if the holder has not written it yet
	// Program is what the caller calls itself, which this package does not know.
	Program string
}

// Error names the program, the pid and the file.
func (e *RunningError) Error() string {
	program := cmp.Or(e.Program, "server")
	if e.PID == 0 {
		return fmt.Sprintf("another %s is running, or starting (pid file %s)", program, e.Path)
	}
	return fmt.Sprintf("another %s is running, with pid %d (pid file %s)", program, e.PID, e.Path)
}

// Error says why a pid file cannot be used, and what would help.
type Error struct {
	Path   string
	Err    error
	Remedy string
}

// Error names the path, the reason and the remedy.
func (e *Error) Error() string {
	return fmt.Sprintf("the pid file %s cannot be used: %v: %s", e.Path, e.Err, e.Remedy)
}

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }

// folderProblem explains an error about the folder of a path.
func folderProblem(path string, err error) error {
	folder := filepath.Dir(path)
	remedy := "name a file in another folder"
	switch {
	case errors.Is(err, unix.ENOENT):
		remedy = "create the folder " + folder + " first"
	case errors.Is(err, unix.ENOTDIR):
		remedy = folder + " is not a folder"
	case errors.Is(err, unix.EACCES):
		remedy = "let this user into the folder " + folder
	}
	return &Error{Path: path, Err: err, Remedy: remedy}
}

// problem explains an error about the file itself.
func (p *place) problem(err error) error {
	err = errno(err)
	remedy := "name another one"
	switch {
	case errors.Is(err, unix.ELOOP), errors.Is(err, unix.EMLINK): // FreeBSD's word for it
		err, remedy = ErrSymlink, "name the file itself"
	case errors.Is(err, unix.EISDIR):
		remedy = "name a file in it"
	case errors.Is(err, unix.ENOENT):
		remedy = "nothing runs with it now"
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		remedy = "let this user write the file, and in the folder " + filepath.Dir(p.path)
	case errors.Is(err, unix.ENOLCK), errors.Is(err, unix.ENOTSUP), errors.Is(err, unix.ENOSYS):
		remedy = "its file system has no locks: name one on a local disk"
	}
	return &Error{Path: p.path, Err: err, Remedy: remedy}
}

// errno takes the operation and the path off an error of package os: the
// message has them.
func errno(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
