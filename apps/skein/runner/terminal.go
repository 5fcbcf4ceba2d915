package runner

import (
	"errors"
	"os"
	"os/signal"
	"syscall"
)

// terminal is the one that a server was started at, if any. When it is closed,
// SIGHUP comes, too, and a server in the foreground of nothing would keep its
// ports and tell nobody.
type terminal struct{ watched bool }

// startedAt finds out whether there is one, and whether its end matters: for
// those who were started by nohup it does not.
func startedAt() terminal {
	return terminal{watched: !signal.Ignored(syscall.SIGHUP) && openTerminal() == nil}
}

// gone reports whether there was a terminal, and it has been closed.
func (t terminal) gone() bool {
	if !t.watched {
		return false
	}
	err := openTerminal()
	return errors.Is(err, syscall.ENXIO) || errors.Is(err, syscall.EIO)
}

// openTerminal returns why the process's terminal cannot be opened, or nil. It
// does not wait for one.
func openTerminal() error {
	f, err := os.OpenFile("/dev/tty", os.O_RDWR|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err != nil {
		return err
	}
	return f.Close()
}
