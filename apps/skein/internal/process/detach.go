//go:build linux || darwin || freebsd

package process

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// detachPatience is how long a child that was told to end, because somebody has
// interrupted its parent, has for it.
const detachPatience = 5 * time.Second

// Detach is what the first process of --daemon does: it starts this program again
// with the same arguments, environment and directory, as [Detached], in a session
// of its own and with /dev/null for standard input, output and error, and waits
// for its [Status]. It returns the status to exit with: 0 when the daemon is
// ready; else the daemon's own, when it has said why it did not start, or 1, when
// it has ended without a word. Both are told to stderr, the former in the
// daemon's own words. SIGINT, SIGTERM and SIGHUP end the daemon that is not one
// yet, too, and the status is the shell's, 130 for SIGINT. What else this process
// has open the daemon does not get.
//
// Twisted: UnixApplicationRunner.daemonize.
func Detach(args []string, stderr io.Writer) (status int) {
	return detach(Command{Args: args}, detachPatience, stderr)
}

// detach is Detach of any command.
func detach(command Command, patience time.Duration, stderr io.Writer) (status int) {
	interrupted := make(chan os.Signal, 1) // before the start: there is no gap
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(interrupted)
	if command.Args == nil {
		command.Args = []string{}
	}
	l := &launch{command: command, rec: record{Role: Detached}, attr: syscall.SysProcAttr{Setsid: true}}
	defer l.close()
	fd, err := l.passStatus()
	if err != nil {
		fmt.Fprintf(stderr, "cannot detach: %v\n", err)
		return 1
	}
	from := os.NewFile(uintptr(fd), "status")
	defer from.Close()
	keepRest()
	p, err := l.start()
	if err != nil {
		fmt.Fprintf(stderr, "cannot detach: %v\n", err)
		return 1
	}
	l.close() // else the end of the pipe would never come
	d := &detaching{
		process: p, patience: patience,
		word: make(chan verdict, 1), leave: make(chan bool, 1), end: make(chan Ending, 1),
	}
	go d.listen(from)
	return d.wait(interrupted, stderr)
}

// keepRest keeps from the daemon what this process was given for itself: the lock
// that a script holds for its own time would be held for the daemon's.
func keepRest() {
	open, err := os.ReadDir("/dev/fd")
	if err != nil {
		return // not every system tells
	}
	for _, f := range open {
		if fd, err := strconv.Atoi(f.Name()); err == nil && fd >= firstPassed {
			unix.CloseOnExec(fd) // what is passed on is opened again behind that
		}
	}
}

// detaching is a daemon that is not ready yet.
type detaching struct {
	process  *os.Process
	patience time.Duration
	word     chan verdict
	leave    chan bool // what to do with one that is ready: leave it alone, or wait for it
	end      chan Ending
}

// listen reads the one word, and waits for the process, but for one that is ready
// and left alone.
func (d *detaching) listen(from io.Reader) {
	line, _ := bufio.NewReaderSize(io.LimitReader(from, maxVerdict), maxVerdict).ReadSlice('\n')
	v, _ := parseVerdict(line)
	d.word <- v
	if v.Ready && <-d.leave {
		_ = d.process.Release()
		return
	}
	ending := Ending{Status: -1}
	if state, err := d.process.Wait(); err == nil {
		ending = endingOf(state)
	}
	d.end <- ending
}

// wait returns what Detach returns.
func (d *detaching) wait(interrupted <-chan os.Signal, stderr io.Writer) (status int) {
	select {
	case v := <-d.word:
		if v.Ready {
			d.leave <- true
			return 0
		}
		return d.failed(v, interrupted, stderr)
	case s := <-interrupted:
		return d.interrupt(s, stderr)
	}
}

// failed waits for the end of a daemon that did not start, so that what it has to
// remove is removed, and tells why.
func (d *detaching) failed(v verdict, interrupted <-chan os.Signal, stderr io.Writer) (status int) {
	pid := d.process.Pid
	if v.Text != "" {
		fmt.Fprintln(stderr, strings.TrimRight(v.Text, "\n"))
	}
	select {
	case ending := <-d.end:
		if v.Status > 0 {
			return v.Status
		}
		fmt.Fprintf(stderr, "the daemon (pid %d) %s before it was ready: look at its log\n", pid, ending)
		return 1
	case s := <-interrupted:
		return d.interrupt(s, stderr)
	}
}

// interrupt ends the daemon. It may say that it is ready before it hears of that.
func (d *detaching) interrupt(s os.Signal, stderr io.Writer) (status int) {
	d.leave <- false
	fmt.Fprintln(stderr, "interrupted: the daemon has not been started")
	_ = d.process.Signal(syscall.SIGTERM) // it may have ended
	timer := time.NewTimer(d.patience)
	defer timer.Stop()
	select {
	case <-d.end:
	case <-timer.C:
		_ = d.process.Kill()
		<-d.end
	}
	number, _ := s.(syscall.Signal)
	return 128 + int(number)
}
