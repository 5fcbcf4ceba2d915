package pidfile

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// Check looks whether a start would find the pid file held, without changing
// anything: the error is a [*RunningError] then, and an [*Error] if the path
// cannot be that of a pid file.
//
// Twisted: checkPID.
func Check(path string) error {
	p, err := find(path)
	if err != nil {
		return err
	}
	defer p.folder.Close()
	pid, running, err := p.read()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case running:
		return &RunningError{Path: p.path, PID: pid}
	}
	return err
}

// Read returns the pid in the file, and whether somebody holds it. The pid is 0
// if there is none; of a file that nobody holds, it means nothing. An error that
// is [fs.ErrNotExist] says that there is no such file.
//
// It waits for a holder that has not written its pid yet, for 100 ms at most.
func Read(path string) (pid int, running bool, err error) {
	p, err := find(path)
	if err != nil {
		return 0, false, err
	}
	defer p.folder.Close()
	return p.read()
}

// read believes a pid that it has seen twice: who takes a file over has locked
// it for an instant before the old pid is gone, and that may be anybody's.
func (p *place) read() (pid int, running bool, err error) {
	previous := 0
	for start := time.Now(); ; {
		pid, running, err = p.look()
		seen := pid != 0 && pid == previous
		if err != nil || !running || seen || time.Since(start) > patience {
			return pid, running, err
		}
		previous = pid
		time.Sleep(pause) // sleeps: nothing tells when the holder has written; there is no loop yet
	}
}

// look reads the file once.
func (p *place) look() (pid int, running bool, err error) {
	f, err := p.open(unix.O_RDONLY)
	if err != nil {
		return 0, false, err
	}
	defer f.Close()
	// Shared, so that those who only look never take each other for a holder, and
	// are not taken for one: see onlyLooked.
	running, err = lock(f, unix.LOCK_SH)
	if err != nil {
		return 0, false, p.problem(err)
	}
	if !running {
		_, _ = lock(f, unix.LOCK_UN) // no longer than it takes: closing would do it, too
	}
	return pidIn(f), running, nil
}

// pidIn returns the pid in an open file, 0 if there is none.
func pidIn(f *os.File) int {
	var text [longest]byte
	n, _ := f.ReadAt(text[:], 0) // what cannot be read is no pid
	return parse(text[:n])
}

// parse returns the number on the first line, 0 if it is not a pid, or if the
// line has no end: then it is not written whole.
func parse(text []byte) int {
	line, _, whole := bytes.Cut(text, []byte("\n"))
	pid, err := strconv.ParseUint(string(line), 10, 31)
	if err != nil || !whole {
		return 0
	}
	return int(pid)
}
