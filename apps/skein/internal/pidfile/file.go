package pidfile

import (
	"errors"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// patience is how long a holder may take to go, or to write its pid.
	patience = 100 * time.Millisecond
	// endurance is how long others may look, one after another, or replace the
	// file, before an Acquire gives up.
	endurance = 5 * time.Second
	// pause is how often one tries meanwhile.
	pause = 5 * time.Millisecond
	// blink is how often one tries where others only look, which takes them
	// microseconds.
	blink = 200 * time.Microsecond
)

// File is a pid file that this process holds. One goroutine at a time may use it.
type File struct {
	place *place
	f     *os.File // nil: given back
}

// Acquire locks the pid file, which it creates if there is none, and empties it:
// whatever is in one that nobody holds has no meaning. If somebody holds it for
// 100 ms, the error is a [*RunningError]; if it cannot be used, an [*Error].
func Acquire(path string) (*File, error) {
	p, err := find(path)
	if err != nil {
		return nil, err
	}
	f, err := p.acquire()
	if err != nil {
		_ = p.folder.Close() // it was only read
		return nil, err
	}
	return &File{place: p, f: f}, nil
}

// acquire tries until it has locked the file that the path names.
func (p *place) acquire() (*os.File, error) {
	for start := time.Now(); ; {
		f, err := p.open(unix.O_RDWR | unix.O_CREAT)
		if err != nil {
			return nil, err
		}
		held, err := lock(f, unix.LOCK_EX)
		if err == nil && !held && p.names(f) {
			err = f.Truncate(0)
			if err == nil {
				return f, nil
			}
		}
		looked := held && onlyLooked(f)
		pid := pidIn(f)
		_ = f.Close() // nothing was written
		waited := time.Since(start)
		switch {
		case err != nil:
			return nil, p.problem(err)
		case held && !looked && waited > patience:
			return nil, &RunningError{Path: p.path, PID: pid}
		case waited > endurance:
			return nil, p.problem(ErrBusy)
		case held && !looked:
			time.Sleep(pause) // sleeps: flock has no deadline, and there is no loop yet
		default:
			time.Sleep(blink) // sleeps: as above
		}
	}
}

// onlyLooked reports whether those who have a lock have a shared one: they do
// not hold the file, they look at it. Closing gives our own back.
func onlyLooked(f *os.File) bool {
	held, err := lock(f, unix.LOCK_SH)
	return err == nil && !held
}

// Adopt takes the pid file that another process held, and whose descriptor this
// one has inherited: see [File.Descriptor]. f is the File's from now on, also if
// that fails. If the path names it no longer, because somebody removed it, the
// path is acquired anew.
func Adopt(f *os.File, path string) (*File, error) {
	unix.CloseOnExec(int(f.Fd()))
	p, err := find(path)
	if err != nil {
		_ = f.Close() // it is the error that counts
		return nil, err
	}
	if p.names(f) {
		held, err := lock(f, unix.LOCK_EX) // we have it, through the same open file
		if err == nil && !held {
			return &File{place: p, f: f}, nil
		}
		pid := pidIn(f)
		_, _ = f.Close(), p.folder.Close() // it is the error that counts
		if err != nil {
			return nil, p.problem(err)
		}
		return nil, &RunningError{Path: p.path, PID: pid}
	}
	_, _ = f.Close(), p.folder.Close() // nothing was written
	return Acquire(path)
}

// WritePID writes the pid, in place of another if there is one. [Read] never
// sees a part of it.
func (f *File) WritePID(pid int) error {
	text := []byte(strconv.Itoa(pid) + "\n")
	// Not truncated first: a reader takes the first line, whole or not at all.
	if _, err := f.f.WriteAt(text, 0); err != nil {
		return f.place.problem(err)
	}
	if err := f.f.Truncate(int64(len(text))); err != nil {
		return f.place.problem(err)
	}
	return nil
}

// Descriptor returns the open file, to be inherited by a successor, which calls
// [Adopt]. It stays the File's. Until both have closed it, it stays locked.
func (f *File) Descriptor() *os.File { return f.f }

// Release removes the file, if the path still names it, and gives the lock back.
// Where the folder does not allow that, as after privileges were dropped, the
// file is emptied instead. Releasing again, or what was abandoned, does nothing.
func (f *File) Release() error {
	if f.f == nil {
		return nil
	}
	var err error
	// Removed before it is unlocked: nobody else can have it in between.
	if f.place.names(f.f) && f.place.remove() != nil {
		if err = f.f.Truncate(0); err != nil {
			err = f.place.problem(err)
		}
	}
	return errors.Join(err, f.Abandon())
}

// Abandon leaves the file as it is, to those who have inherited its descriptor:
// for them it stays locked.
func (f *File) Abandon() error {
	if f.f == nil {
		return nil
	}
	// Closed, not unlocked: LOCK_UN would unlock it for all of them.
	err := errors.Join(f.f.Close(), f.place.folder.Close())
	f.f = nil
	return err
}
