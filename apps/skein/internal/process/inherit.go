//go:build linux || darwin || freebsd

package process

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// Variable is the environment variable that says what a process was given.
const Variable = "SKEIN_INHERIT"

// Role says what a process is to the one that has started it.
type Role string

// The roles.
const (
	// Alone was started by a person, a shell or systemd.
	Alone Role = "alone"
	// Detached is the daemon that a first process with --daemon has started.
	Detached Role = "detached"
	// Successor takes over from a process that runs.
	Successor Role = "successor"
	// Worker is one of several that a supervisor has started.
	Worker Role = "worker"
)

// Inherited is what this process was given by the one that has started it. What
// was not given is nil, or 0.
type Inherited struct {
	Role Role
	// Sockets are for reactor.WithSockets.
	Sockets []Socket
	// PIDFile is the pid file, which the other process holds by its lock; it is
	// for pidfile.Adopt.
	PIDFile *os.File
	// Status is the way to say that the start has succeeded or failed. Its
	// methods do nothing where it is nil.
	Status *Status
	// Control is a worker's line to its supervisor.
	Control *Control
	// Worker is a worker's number, from 1 on, and Workers how many there are.
	Worker, Workers int
}

// Inherit returns what this process was given. It is called once, early: it
// takes [Variable] out of the environment and makes every descriptor close on
// exec, so that no child of this process gets them by accident. A process that
// was given nothing is [Alone]. In a worker it makes a closed standard error an
// error of Write, instead of the end of the process: a supervisor that is gone
// must not keep a worker from draining. The error is an [*InheritError].
func Inherit() (*Inherited, error) {
	text, ok := os.LookupEnv(Variable)
	if !ok {
		return &Inherited{Role: Alone}, nil
	}
	if err := os.Unsetenv(Variable); err != nil {
		return nil, &InheritError{Text: text, Err: err}
	}
	rec, err := parseRecord(text)
	if err == nil {
		err = rec.check()
	}
	if err != nil {
		return nil, &InheritError{Text: text, Err: err}
	}
	if rec.Role == Worker {
		signal.Ignore(syscall.SIGPIPE)
	}
	return rec.open(), nil
}

// check looks at each descriptor before any is touched: one that is not what it
// should be may be somebody else's.
func (rec *record) check() error {
	for _, s := range rec.Sockets {
		if err := checkSocket(s); err != nil {
			return err
		}
	}
	for _, d := range []struct {
		what string
		fd   int
		mode uint32
		kind string
	}{
		{"the pid file", rec.PIDFile, unix.S_IFREG, "a regular file"},
		{"the status pipe", rec.Status, unix.S_IFIFO, "a pipe"},
		{"the control socket", rec.Control, unix.S_IFSOCK, "a socket"},
	} {
		if d.fd == 0 {
			continue
		}
		if err := checkKind(d.what, d.fd, d.mode, d.kind); err != nil {
			return err
		}
	}
	return nil
}

// checkKind reports a descriptor that is not open, or not of its kind.
func checkKind(what string, fd int, mode uint32, kind string) error {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return fmt.Errorf("descriptor %d (%s): %w", fd, what, err)
	}
	if uint32(st.Mode)&unix.S_IFMT != mode { //nolint:unconvert // 16 bits elsewhere
		return fmt.Errorf("descriptor %d (%s) is not %s", fd, what, kind)
	}
	return nil
}

// checkSocket reports a descriptor that is not a socket of its network.
func checkSocket(s socketRecord) error {
	what := fmt.Sprintf("%s %s", s.Network, s.Address)
	if err := checkKind(what, s.Descriptor, unix.S_IFSOCK, "a socket"); err != nil {
		return err
	}
	kind, err := unix.GetsockoptInt(s.Descriptor, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil {
		return fmt.Errorf("descriptor %d (%s): %w", s.Descriptor, what, err)
	}
	name, err := unix.Getsockname(s.Descriptor)
	if err != nil {
		return fmt.Errorf("descriptor %d (%s): %w", s.Descriptor, what, err)
	}
	_, isUnix := name.(*unix.SockaddrUnix)
	if isUnix != (s.Network == "unix") || (kind == unix.SOCK_DGRAM) != (s.Network == "udp") {
		return fmt.Errorf("descriptor %d (%s) is a socket of another network", s.Descriptor, what)
	}
	return nil
}

// open makes files of the numbers.
func (rec *record) open() *Inherited {
	in := &Inherited{Role: rec.Role, Worker: rec.Worker, Workers: rec.Workers}
	for _, s := range rec.Sockets {
		in.Sockets = append(in.Sockets, Socket{
			Network: s.Network, Address: s.Address, Lent: s.Lent, File: openInherited(s.Descriptor, s.Network+" "+s.Address),
		})
	}
	in.PIDFile = openInherited(rec.PIDFile, "pid file")
	if f := openInherited(rec.Status, "status"); f != nil {
		in.Status = &Status{f: f}
	}
	if rec.Control != 0 {
		unix.CloseOnExec(rec.Control)
		in.Control = &Control{fd: rec.Control}
	}
	return in
}

// openInherited makes a file of one number, or nil of 0.
func openInherited(fd int, name string) *os.File {
	if fd == 0 {
		return nil
	}
	unix.CloseOnExec(fd)
	return os.NewFile(uintptr(fd), name)
}
