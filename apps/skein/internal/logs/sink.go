package logs

import (
	"errors"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// sink is where lines go. All but unblock belong to the writer's goroutine.
type sink interface {
	// write takes records, from the first on and in order, and returns up to where
	// in the text; if that is not the end of the last, also why.
	write(text []byte, records []record) (upTo int, err error)
	// finish takes the rest of a record that was taken in part.
	finish(rest []byte) (n int, err error)
	// reopen and rotate do what Log's do, and tell whether what comes next is in
	// another file. If they fail, all is as before.
	reopen() (fresh bool, err error)
	rotate() (fresh bool, err error)
	// unblock makes a write that waits fail, if it can. Any goroutine may call it.
	unblock()
	close() error
}

// atOnce is how many bytes are written at once to what is not a regular file: a
// pipe takes so many whole or not at all (on Linux), so that several writers, or
// an end in the middle, tear no line.
const atOnce = 4096

// stream is standard error, or whatever takes bytes.
type stream struct {
	out io.Writer
	own io.Closer // the descriptor made for it, if there is one
}

// openStream returns a sink for out.
func openStream(out io.Writer) (*stream, error) {
	f, ok := out.(*os.File)
	if !ok {
		return &stream{out: out}, nil
	}
	conn, err := f.SyscallConn()
	if err != nil {
		return nil, err
	}
	var fd int
	var failed error
	err = conn.Control(func(standard uintptr) {
		// Another descriptor, since Go ends a program that writes to standard output
		// or standard error when nobody reads it.
		fd, failed = unix.FcntlInt(standard, unix.F_DUPFD_CLOEXEC, 3)
	})
	if err = errors.Join(err, failed); err != nil {
		return nil, err
	}
	own := os.NewFile(uintptr(fd), f.Name())
	return &stream{out: own, own: own}, nil
}

func (s *stream) write(text []byte, records []record) (upTo int, err error) {
	return pour(s.out, text, records, atOnce)
}

func (s *stream) finish(rest []byte) (n int, err error) {
	return pour(s.out, rest, []record{{end: len(rest)}}, atOnce)
}

func (s *stream) reopen() (fresh bool, err error) { return false, nil }

func (s *stream) rotate() (fresh bool, err error) { return false, nil }

func (s *stream) unblock() { expire(s.out) }

func (s *stream) close() error {
	if s.own == nil {
		return nil
	}
	return s.own.Close()
}

// expire makes writes fail that wait for the other side.
func expire(w io.Writer) {
	if d, ok := w.(interface{ SetWriteDeadline(t time.Time) error }); ok {
		_ = d.SetWriteDeadline(time.Unix(1, 0)) // a regular file has none
	}
}
