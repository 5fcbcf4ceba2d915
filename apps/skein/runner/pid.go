package runner

import (
	"errors"
	"os"
	"path/filepath"

	"skein/apps/skein/internal/pidfile"
	"skein/apps/skein/internal/process"
)

// pidPath returns the path of the pid file, or "" for none.
func (s *server) pidPath() string {
	switch {
	case s.in.Role == process.Worker:
		return "" // the supervisor has it
	case s.options.Pidfile == "" && s.options.Daemon:
		return s.program.Name + ".pid"
	}
	return s.options.Pidfile
}

// outside returns what a path will be when chroot and chdir are done, as it is
// seen by who has done neither, or only the latter.
func (s *server) outside(path string) string {
	if !filepath.IsAbs(path) {
		path = filepath.Join(string(s.options.Rundir), path)
	}
	if s.options.Chroot != "" {
		path = filepath.Join(string(s.options.Chroot), path)
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(s.dir, path)
	}
	return path
}

// holdPID locks the pid file, and writes the pid, but for a successor: its
// predecessor is still the one.
func (s *server) holdPID() (err error) {
	path := s.pidPath()
	if path == "" {
		return nil
	}
	if s.supervises() {
		path = s.outside(path) // it has stayed there
	}
	if s.in.PIDFile != nil {
		s.pid, err = pidfile.Adopt(s.in.PIDFile, path)
		return s.named(err)
	}
	if s.pid, err = pidfile.Acquire(path); err != nil {
		return s.named(err)
	}
	return s.pid.WritePID(os.Getpid())
}

// named says in the error of a pid file whose it is: the program that holds it is
// this one.
func (s *server) named(err error) error {
	var running *pidfile.RunningError
	if errors.As(err, &running) {
		running.Program = s.program.Name
	}
	return err
}

// releasePID gives the pid file back. A successor that has not been ready leaves
// it to its predecessor.
func (s *server) releasePID() error {
	if s.pid == nil {
		return nil
	}
	if s.moved || s.in.Role == process.Successor && !s.accepts {
		return s.pid.Abandon()
	}
	return s.pid.Release()
}
