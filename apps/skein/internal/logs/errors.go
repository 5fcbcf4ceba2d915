package logs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Why a file is not rotated. A [FileError] has it.
var (
	ErrNotRegular = errors.New("it is not a regular file")
	ErrSymlink    = errors.New("it is a symbolic link")
)

// ErrFull says that lines came faster than they could be written.
var ErrFull = errors.New("they came faster than they could be written")

// ErrBusy says that so many reopenings and rotations wait already that another
// one would change nothing.
var ErrBusy = errors.New("the log is stuck: it is not reopened or rotated")

// ErrClosed says that the log is closed.
var ErrClosed = fmt.Errorf("the log is closed: %w", os.ErrClosed)

// OptionError says that an option has a value that means nothing.
type OptionError struct{ Option, Value, Remedy string }

// Error names the value and what would be right.
func (e *OptionError) Error() string {
	return fmt.Sprintf("%q is not a log %s: %s", e.Value, e.Option, e.Remedy)
}

// FileError says what cannot be done with a log file, and what would help.
type FileError struct {
	Path   string
	Did    string // "opened" or "rotated"
	Err    error
	Remedy string
}

// Error names the file, the reason and the remedy.
func (e *FileError) Error() string {
	return fmt.Sprintf("the log file %s cannot be %s: %v: %s", e.Path, e.Did, e.Err, e.Remedy)
}

// Unwrap returns the reason.
func (e *FileError) Unwrap() error { return e.Err }

// openError explains why a log file cannot be opened.
func openError(path string, err error) error {
	folder := filepath.Dir(path)
	remedy := "name another one"
	switch {
	case errors.Is(err, unix.ENOENT):
		remedy = "create the folder " + folder + " first"
	case errors.Is(err, unix.ENOTDIR):
		remedy = folder + " is not a folder"
	case errors.Is(err, unix.EISDIR):
		remedy = "name a file in it"
	case errors.Is(err, unix.ENXIO):
		remedy = "it is a socket: log to standard error if that is what it is"
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		remedy = "let this user write the file, and in the folder " + folder
	}
	return &FileError{Path: path, Did: "opened", Err: err, Remedy: remedy}
}

// SyslogError says that the syslog daemon cannot be reached.
type SyslogError struct {
	Addr string
	Err  error
}

// Error names the socket and the remedy.
func (e *SyslogError) Error() string {
	return fmt.Sprintf("the syslog daemon cannot be reached at %s: %v: start it, or log to a file", e.Addr, e.Err)
}

// Unwrap returns the reason.
func (e *SyslogError) Unwrap() error { return e.Err }

// LostError says how many lines were lost without a line in the log that says
// so.
type LostError struct {
	Lines uint64
	Err   error // the last reason; [os.ErrDeadlineExceeded] if the time was over
}

// Error names the number and the reason.
func (e *LostError) Error() string {
	reason := e.Err
	if errors.Is(reason, os.ErrDeadlineExceeded) {
		reason = errors.New("whoever should have taken them was too slow")
	}
	return fmt.Sprintf("%s lost: %v", lines(e.Lines), reason)
}

// Unwrap returns the reason.
func (e *LostError) Unwrap() error { return e.Err }

// lines begins a sentence about a number of lines.
func lines(n uint64) string {
	if n == 1 {
		return "1 log line was"
	}
	return fmt.Sprintf("%d log lines were", n)
}
