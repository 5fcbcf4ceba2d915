//go:build linux || darwin || freebsd

package process

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// The errors of using this package at the wrong time. Match them with
// [errors.Is].
var (
	// ErrHandingOver says that a successor is being started already, or has
	// taken over.
	ErrHandingOver = errors.New("a successor is being started already: wait until it is ready or has failed")

	// ErrSpent says that a [Supervisor] was started a second time: its sockets are
	// closed.
	ErrSpent = errors.New("process: a supervisor starts once: make another")

	// ErrSets says that sockets cannot be divided into sets.
	ErrSets = errors.New("process: the sockets are not sets of the same ports: start with as many workers as before")
)

// InheritError says that [Variable] holds nonsense.
type InheritError struct {
	// Text is what it holds.
	Text string
	// Err says what is wrong with it.
	Err error
}

// Error names the variable, the fault and the remedy.
func (e *InheritError) Error() string {
	text := e.Text
	if len(text) > 200 {
		text = text[:200] + "..."
	}
	return fmt.Sprintf("the environment variable %s=%q: %v: it is for skein to set: unset it", Variable, text, e.Err)
}

// Unwrap returns the cause.
func (e *InheritError) Unwrap() error { return e.Err }

// FailedError is the error of a process that said why it could not start. Its
// text is the process's own, to be shown as it is.
type FailedError struct {
	// Name says which process it was, as "worker 2".
	Name string
	// PID is its number.
	PID int
	// Status is the exit status that it has announced.
	Status int
	// Text is what it said.
	Text string
}

// Error returns the process's text.
func (e *FailedError) Error() string { return e.Text }

// EndedError is the error of a process that ended without a word before it was
// ready.
type EndedError struct {
	// Name says which process it was, as "worker 2".
	Name string
	// PID is its number.
	PID int
	// Ending is how it ended.
	Ending Ending
}

// Error names the process and its end.
func (e *EndedError) Error() string {
	return fmt.Sprintf("%s (pid %d) %s before it was ready: look at its log", e.Name, e.PID, e.Ending)
}

// NotReadyError is the error of a process that took too long to be ready, and
// was killed for that.
type NotReadyError struct {
	// Name says which process it was, as "worker 2".
	Name string
	// PID is its number.
	PID int
	// After is how long it had.
	After time.Duration
}

// Error names the process and the time.
func (e *NotReadyError) Error() string {
	return fmt.Sprintf("%s (pid %d) was not ready within %v, and was killed: look at its log", e.Name, e.PID, e.After)
}

// Timeout reports that the cause was a time.
func (e *NotReadyError) Timeout() bool { return true }

// Ending is how a process ended.
type Ending struct {
	// Status is the exit status, if Signal is 0.
	Status int
	// Signal is what killed it, or 0.
	Signal syscall.Signal
}

// String says it as the second half of a sentence.
func (e Ending) String() string {
	if e.Signal == 0 {
		return fmt.Sprintf("ended with status %d", e.Status)
	}
	name := unix.SignalName(e.Signal)
	if name == "" {
		name = fmt.Sprintf("signal %d", int(e.Signal))
	}
	return "was killed by " + name
}

// endingOf translates the system's word.
func endingOf(state *os.ProcessState) Ending {
	if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return Ending{Signal: ws.Signal()}
	}
	return Ending{Status: state.ExitCode()}
}
