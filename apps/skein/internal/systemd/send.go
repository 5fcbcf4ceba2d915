package systemd

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
)

// connect opens the socket. It is kept, because its path may be out of reach
// later, and never blocks, because the loop writes to it.
func (n *Notifier) connect() error {
	if n.addr[0] != '/' && n.addr[0] != '@' {
		return fmt.Errorf("%w: it is neither a path nor an abstract name that begins with @", ErrVariable)
	}
	syscall.ForkLock.RLock()
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_DGRAM, 0)
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	if err := syscall.SetNonblock(fd, true); err != nil {
		_ = syscall.Close(fd)
		return os.NewSyscallError("fcntl", err)
	}
	if err := syscall.Connect(fd, &syscall.SockaddrUnix{Name: n.addr}); err != nil {
		_ = syscall.Close(fd)
		return os.NewSyscallError("connect", err)
	}
	n.fd = fd
	return nil
}

// Close closes the socket; nothing is sent any more.
func (n *Notifier) Close() error {
	if n == nil {
		return nil
	}
	n.addr, n.unsent = "", nil
	return n.disconnect()
}

// disconnect closes the socket, if there is one.
func (n *Notifier) disconnect() error {
	if n.fd < 0 {
		return nil
	}
	fd := n.fd
	n.fd = -1
	return os.NewSyscallError("close", syscall.Close(fd))
}

// send sends a line, together with what is unsent.
func (n *Notifier) send(l line) {
	if n == nil || n.addr == "" {
		return
	}
	n.unsent = slices.DeleteFunc(n.unsent, func(old line) bool { return old.kind == l.kind })
	n.unsent = append(n.unsent, l)
	n.flush()
}

// flush tries to send what is unsent.
func (n *Notifier) flush() {
	if len(n.unsent) == 0 {
		return
	}
	err := n.write()
	if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.ENOBUFS) {
		n.later() // systemd has not read what it has
		return
	}
	if err != nil { // the socket's other end was closed and opened again
		_ = n.disconnect()
		if err = n.connect(); err == nil {
			err = n.write()
		}
	}
	if err != nil {
		n.complain(err)
		n.later()
		return
	}
	n.told = false
}

// write sends one message.
func (n *Notifier) write() error {
	var b strings.Builder
	for _, l := range n.unsent {
		fmt.Fprintf(&b, "%s=%s\n", l.key, l.value)
		if l.key == "RELOADING" {
			fmt.Fprintf(&b, "MONOTONIC_USEC=%d\n", monotonic())
		}
	}
	if _, err := syscall.Write(n.fd, []byte(b.String())); err != nil {
		return os.NewSyscallError("write", err)
	}
	n.unsent = nil
	return nil
}

// complain tells the log, once for each time that it begins.
func (n *Notifier) complain(err error) {
	if !n.told {
		n.told = true
		n.Log.Warn().Err(err).Str("socket", n.addr).Msg("systemd cannot be told how the service is; trying again")
	}
}
