package runner

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"skein/apps/skein/internal/pidfile"
)

// lookPause is how often stop looks whether the server has ended.
const lookPause = 10 * time.Millisecond

// stopOptions is the options of the entry that stops a server.
type stopOptions struct {
	Timeout Duration `default:"20s" placeholder:"TIME" help:"How long the server may take to end (default: ${default})."`
}

// statusOptions is the options of the entry that tells how a server is.
type statusOptions struct{}

// Help is what the entry's help says besides its options.
func (*statusOptions) Help() string {
	return "Exit status: 0 if it runs, 3 if it does not, 1 if that cannot be found out."
}

// controls returns the entries that are about a server that runs, by its pid
// file.
func (p *Program) controls() []entry {
	stop := new(stopOptions)
	return []entry{
		{"stop", "Stop the server that holds the pid file, and wait for its end.", forController, stop, func(l *line) int { return l.stopServer(stop) }},
		{"status", "Tell whether a server holds the pid file.", forController, new(statusOptions), (*line).serverStatus},
	}
}

// pidPath returns the path of the pid file to look at.
func (l *line) pidPath() string {
	if l.options.Pidfile != "" {
		return l.options.Pidfile
	}
	return l.program.Name + ".pid"
}

// look reads the pid file. A pid of 0 is that of a server that has only begun.
func (l *line) look() (pid int, running bool, err error) {
	pid, running, err = pidfile.Read(l.pidPath())
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return pid, running, err
}

// serverStatus says whether a server runs.
func (l *line) serverStatus() int {
	pid, running, err := l.look()
	switch {
	case err != nil:
		return l.failed(err)
	case !running:
		l.print("%s is not running: nobody holds the pid file %s.", l.program.Name, l.pidPath())
		return statusStopped
	case pid == 0:
		l.print("%s is starting.", l.program.Name)
	default:
		l.print("%s is running, with pid %d%s.", l.program.Name, pid, l.since())
	}
	return statusOK
}

// since says when the server wrote its pid.
func (l *line) since() string {
	info, err := os.Stat(l.pidPath())
	if err != nil {
		return "" // it has just ended
	}
	return ", since " + info.ModTime().Format(time.DateTime)
}

// stopServer stops the server, and waits until it has given the pid file back.
func (l *line) stopServer(o *stopOptions) int {
	pid, running, err := l.look()
	switch {
	case err != nil:
		return l.failed(err)
	case !running:
		return l.failed(fmt.Errorf("%s is not running: nobody holds the pid file %s", l.program.Name, l.pidPath()))
	case pid == 0:
		return l.failed(fmt.Errorf("%s is only starting: try again", l.program.Name))
	}
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
		return l.failed(fmt.Errorf("can't stop %s, with pid %d: %w (try as the user who started it)", l.program.Name, pid, err))
	}
	if !l.gone(pid, time.Duration(o.Timeout)) {
		return l.failed(fmt.Errorf("%s, with pid %d, has not ended within %v: its log should say why", l.program.Name, pid, o.Timeout))
	}
	l.print("%s has ended, with pid %d.", l.program.Name, pid)
	return statusOK
}

// gone waits until the pid file is nobody's, or another's, and reports whether
// that came in time.
func (l *line) gone(pid int, patience time.Duration) bool {
	deadline := time.After(patience)
	again := time.NewTicker(lookPause)
	defer again.Stop()
	for {
		if now, running, err := l.look(); err == nil && (!running || now != 0 && now != pid) {
			return true
		}
		select {
		case <-again.C:
		case <-deadline:
			return false
		}
	}
}

// print says what was asked for.
func (l *line) print(format string, args ...any) {
	_, _ = fmt.Fprintf(l.stdout, format+"\n", args...) // the exit status says it, too
}
