package logs

import (
	"errors"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// rotateIfLarge rotates the file if it has reached its limit. If that fails, a
// line says so, once, and the file grows by as much again before the next try.
func (s *fileSink) rotateIfLarge() {
	if s.limit <= 0 || s.size < s.limit {
		return
	}
	// Others write to it as well, or cut it short.
	if info, err := s.file.Load().Stat(); err == nil {
		s.size = info.Size()
	}
	if s.size < s.limit {
		return
	}
	if _, err := s.rotate(); err != nil {
		s.limit = s.size + s.most
		if !s.told {
			s.complain(err)
		}
		s.told = true
	}
}

// rotate moves the file to .1 and begins a new one.
func (s *fileSink) rotate() (fresh bool, err error) {
	if !s.regular {
		return false, s.rotateError(ErrNotRegular, "let its reader take care of it")
	}
	defer s.lock()()
	var there, here unix.Stat_t
	folder := int(s.folder.Fd())
	err = unix.Fstatat(folder, s.name, &there, unix.AT_SYMLINK_NOFOLLOW)
	if err == nil && there.Mode&unix.S_IFMT == unix.S_IFLNK {
		return false, s.rotateError(ErrSymlink, "name the file itself")
	}
	if err == nil {
		err = unix.Fstat(int(s.file.Load().Fd()), &here)
	}
	if errors.Is(err, unix.ENOENT) || err == nil && (there.Dev != here.Dev || there.Ino != here.Ino) {
		return s.reopen() // somebody else has moved it away: logrotate, or a successor
	}
	if err == nil {
		err = s.shift()
	}
	if err == nil {
		err = unix.Renameat(folder, s.name, folder, s.backup(1))
	}
	if errors.Is(err, unix.ENOENT) { // just now
		return s.reopen()
	}
	if err != nil {
		remedy := "it goes on as it is"
		if errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM) {
			remedy = "let this user write in the folder " + filepath.Dir(s.path)
		}
		return false, s.rotateError(err, remedy)
	}
	mode := uint32(here.Mode & 0o777) //nolint:unconvert // 16 bits elsewhere
	if _, err := s.begin(mode); err != nil {
		// It is open still, and gets its name back, if that works.
		_ = unix.Renameat(folder, s.backup(1), folder, s.name)
		return false, s.rotateError(err, "it goes on as it is")
	}
	// The new one is like the old one; only its size matters.
	fd := int(s.file.Load().Fd())
	_ = unix.Fchmod(fd, mode)
	_ = unix.Fchown(fd, int(here.Uid), int(here.Gid))
	return true, nil
}

// lockPatience is how long a rotation waits for that of another process, which
// takes a millisecond.
const lockPatience = time.Second

// lock keeps other processes that write to the same file, such as a successor,
// from rotating it meanwhile: each would move the other's file over the first. The
// function that it returns ends that. Where a folder cannot be locked, or somebody
// has locked it for something else, it goes on without.
func (s *fileSink) lock() (unlock func()) {
	folder := s.folder // a rotation that opens another one has closed this, and so unlocked it
	for end := time.Now().Add(lockPatience); ; {
		err := unix.Flock(int(folder.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { _ = unix.Flock(int(folder.Fd()), unix.LOCK_UN) } // see above
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) || time.Now().After(end) {
			return func() {}
		}
		time.Sleep(time.Millisecond) // sleeps: flock has no deadline; this is the log's own goroutine
	}
}

// shift makes room for a new .1: up to the first number that is free, or over
// the oldest file.
func (s *fileSink) shift() error {
	folder := int(s.folder.Fd())
	free := 1
	for ; free < s.keep; free++ {
		var st unix.Stat_t
		err := unix.Fstatat(folder, s.backup(free), &st, unix.AT_SYMLINK_NOFOLLOW)
		if errors.Is(err, unix.ENOENT) {
			break
		}
	}
	for ; free > 1; free-- {
		if err := unix.Renameat(folder, s.backup(free-1), folder, s.backup(free)); err != nil {
			return err
		}
	}
	return nil
}

// backup returns the name of the nth youngest of the older files.
func (s *fileSink) backup(n int) string { return s.name + "." + strconv.Itoa(n) }

// rotateError explains why the file is not rotated.
func (s *fileSink) rotateError(err error, remedy string) error {
	return &FileError{Path: s.path, Did: "rotated", Err: err, Remedy: remedy}
}
