//go:build linux || darwin || freebsd

package process

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"skein/reactor"
)

// Command is what a child runs: by default this program with the arguments that
// it was started with.
type Command struct {
	// Path is the program; "": this one, by the path that it was started from, so
	// that a successor is the new version if somebody has replaced the file.
	Path string
	// Args are the arguments without the program's name; nil: this process's.
	Args []string
	// Env is the environment; nil: this process's.
	Env []string
	// Dir is where it starts; "": where this process is now. One that has changed
	// to another directory since it read its arguments says where it came from.
	Dir string
}

// SpawnOptions say what to start and what it gets.
type SpawnOptions struct {
	Command

	// Reactor is the loop that watches the child, and on which its Deferreds fire.
	Reactor *reactor.Reactor
	// Role is what the child finds in [Inherited].
	Role Role
	// Name is what errors call it; "": "the successor", "worker 1".
	Name string

	// Sockets and PIDFile go to the child as duplicates; the caller keeps its own.
	Sockets []Socket
	PIDFile *os.File
	// Worker and Workers are those of [Inherited].
	Worker, Workers int

	// Log takes what the child writes to its standard error, one line of text with
	// its end in each Write, on the loop; a line longer than 64 KiB comes in
	// pieces, and one without an end gets it. It must not block. Nil: the child
	// has this process's standard error.
	Log io.Writer
	// Heartbeat is told, on the loop, of each that a [Worker] sends; nil: the
	// child gets no control socket.
	Heartbeat func(snapshot json.RawMessage)
}

// name is what errors call the child.
func (o *SpawnOptions) name() string {
	switch {
	case o.Name != "":
		return o.Name
	case o.Role == Worker:
		return fmt.Sprintf("worker %d", o.Worker)
	}
	return "the " + string(o.Role)
}

// Spawn starts a process that will call [Inherit]. It returns when the system
// has started the program, which takes a millisecond or two, and the error is
// that of starting it; how it goes on is for the Deferreds of [Child] to say. A
// worker gets a process group of its own, so that a Ctrl-C at the terminal
// reaches the supervisor alone, which tells its workers. Standard input is
// /dev/null for a worker, and this process's for others.
//
// Twisted: reactor.spawnProcess.
func Spawn(o SpawnOptions) (*Child, error) {
	l := &launch{command: o.Command, rec: record{Role: o.Role, Worker: o.Worker, Workers: o.Workers}, stdout: os.Stdout, stderr: os.Stderr}
	defer l.close()
	if o.Role == Worker {
		l.attr.Setpgid = true
	} else {
		l.stdin = os.Stdin
	}
	if err := l.passAll(o); err != nil {
		return nil, fmt.Errorf("cannot start %s: %w", o.name(), err)
	}
	c := &Child{r: o.Reactor, name: o.name()}
	if err := c.connect(l, o); err != nil {
		c.hangUp()
		return nil, fmt.Errorf("cannot start %s: %w", c.name, err)
	}
	p, err := l.start()
	if err != nil {
		c.hangUp()
		return nil, fmt.Errorf("cannot start %s: %w", c.name, err)
	}
	c.process = p
	return c, nil
}

// launch is a process that is about to start.
type launch struct {
	command Command
	rec     record
	attr    syscall.SysProcAttr

	// Nil is /dev/null.
	stdin, stdout, stderr *os.File

	files  []*os.File // what it gets, from firstPassed on
	closed []*os.File // what is ours no more once it runs
}

// pass gives the child a file, which is closed here when that is done, and
// returns the number that it will have there.
func (l *launch) pass(f *os.File) int {
	l.files = append(l.files, f)
	l.closed = append(l.closed, f)
	return firstPassed + len(l.files) - 1
}

// passAll gives the child duplicates of its sockets and of the pid file.
func (l *launch) passAll(o SpawnOptions) error {
	sockets, err := DuplicateSockets(o.Sockets)
	if err != nil {
		return err
	}
	for _, s := range sockets {
		l.rec.Sockets = append(l.rec.Sockets, socketRecord{Network: s.Network, Address: s.Address, Lent: s.Lent, Descriptor: l.pass(s.File)})
	}
	if o.PIDFile != nil {
		f, err := duplicate(o.PIDFile)
		if err != nil {
			return fmt.Errorf("the pid file: %w", err)
		}
		l.rec.PIDFile = l.pass(f)
	}
	return nil
}

// passStatus gives the child a status pipe and returns our end of it.
func (l *launch) passStatus() (ours int, err error) {
	r, w, err := newPipe()
	if err != nil {
		return -1, err
	}
	l.rec.Status = l.pass(os.NewFile(uintptr(w), "status"))
	return r, nil
}

// start starts the process.
func (l *launch) start() (*os.Process, error) {
	path := l.command.Path
	if path == "" {
		var err error
		if path, err = os.Executable(); err != nil {
			return nil, err
		}
	}
	args, env := l.command.Args, l.command.Env
	if args == nil {
		args = os.Args[1:]
	}
	if env == nil {
		env = os.Environ()
	}
	cmd := &exec.Cmd{
		Path: path, Args: append([]string{os.Args[0]}, args...), Env: append(without(env, Variable), l.rec.String()),
		Dir: l.command.Dir, ExtraFiles: l.files, SysProcAttr: &l.attr,
	}
	// A nil *os.File would not be a nil io.Writer.
	if l.stdin != nil {
		cmd.Stdin = l.stdin
	}
	if l.stdout != nil {
		cmd.Stdout = l.stdout
	}
	if l.stderr != nil {
		cmd.Stderr = l.stderr
	}
	if err := cmd.Start(); err != nil {
		return nil, bare(err, cmd.Dir)
	}
	return cmd.Process, nil
}

// close closes what is only the child's.
func (l *launch) close() {
	for _, f := range l.closed {
		_ = f.Close()
	}
}

// without returns an environment less one variable.
func without(env []string, variable string) []string {
	list := make([]string, 0, len(env)+1)
	for _, e := range env {
		if !strings.HasPrefix(e, variable+"=") {
			list = append(list, e)
		}
	}
	return list
}

// bare takes the name of the system call out of the error of a start. The
// system's word does not say whether it means the program or the directory.
func bare(err error, dir string) error {
	if dir != "" {
		if _, wrong := os.Stat(dir); wrong != nil {
			err = wrong
		}
	}
	var e *os.PathError
	if errors.As(err, &e) {
		return fmt.Errorf("%s: %w", e.Path, e.Err)
	}
	return err
}
