package reactortest

import (
	"fmt"
	"os"
	"slices"
	"syscall"

	"skein/reactor/internal/kernel"
)

// watched is a kernel that remembers what is open, so that a test hears of the
// sockets that it leaves behind by their addresses. It belongs to the loop's
// goroutine.
type watched struct {
	kernel.Kernel
	sockets map[int]string // what each socket is
	bare    map[int]bool   // descriptors that somebody watches and that are no sockets of ours
}

// watch returns a kernel that does what k does.
func watch(k kernel.Kernel) *watched {
	return &watched{Kernel: k, sockets: make(map[int]string), bare: make(map[int]bool)}
}

// open says what is open, a line each.
func (w *watched) open() []string {
	var lines []string
	for fd, what := range w.sockets {
		lines = append(lines, fmt.Sprintf("%s (descriptor %d)", what, fd))
	}
	for fd := range w.bare {
		lines = append(lines, fmt.Sprintf("a reader or writer of descriptor %d: remove it", fd))
	}
	slices.Sort(lines)
	return lines
}

// Listen notes the port under its real address.
func (w *watched) Listen(a kernel.Addr, o kernel.ListenOptions) (int, syscall.Errno) {
	fd, errno := w.Kernel.Listen(a, o)
	if errno == 0 {
		bound, _ := w.Kernel.LocalAddr(fd)
		w.sockets[fd] = "a port that listens on " + addrText(bound)
	}
	return fd, errno
}

// ListenUDP notes the socket under its real address.
func (w *watched) ListenUDP(a kernel.Addr, o kernel.ListenOptions) (int, syscall.Errno) {
	fd, errno := w.Kernel.ListenUDP(a, o)
	if errno == 0 {
		bound, _ := w.Kernel.LocalAddr(fd)
		w.sockets[fd] = "a UDP socket on " + addrText(bound)
	}
	return fd, errno
}

// Adopt notes the socket under its real address.
func (w *watched) Adopt(f *os.File) (int, syscall.Errno) {
	fd, errno := w.Kernel.Adopt(f)
	if errno == 0 {
		bound, _ := w.Kernel.LocalAddr(fd)
		w.sockets[fd] = "a socket that was adopted, on " + addrText(bound)
	}
	return fd, errno
}

// Accept notes the connection.
func (w *watched) Accept(port int) (int, kernel.Addr, syscall.Errno) {
	fd, from, errno := w.Kernel.Accept(port)
	if errno == 0 {
		local, _ := w.Kernel.LocalAddr(port)
		w.sockets[fd] = fmt.Sprintf("a connection to %s from %s", addrText(local), addrText(from))
	}
	return fd, from, errno
}

// Connect notes the connection.
func (w *watched) Connect(a, local kernel.Addr) (int, syscall.Errno) {
	fd, errno := w.Kernel.Connect(a, local)
	if errno == 0 {
		w.sockets[fd] = "a client's connection to " + addrText(a)
	}
	return fd, errno
}

// CloseSocket forgets it.
func (w *watched) CloseSocket(fd int, reset bool) {
	delete(w.sockets, fd)
	delete(w.bare, fd)
	w.Kernel.CloseSocket(fd, reset)
}

// Add notes a descriptor that is none of the sockets; AddInput and AddTagged are for connections.
func (w *watched) Add(fd int) syscall.Errno {
	errno := w.Kernel.Add(fd)
	if _, ours := w.sockets[fd]; errno == 0 && !ours {
		w.bare[fd] = true
	}
	return errno
}

// Remove forgets it.
func (w *watched) Remove(fd int) {
	delete(w.bare, fd)
	w.Kernel.Remove(fd)
}

// addrText returns an address for people.
func addrText(a kernel.Addr) string {
	switch {
	case !a.Unix():
		return a.IP.String()
	case a.Path == "":
		return "an unnamed UNIX socket"
	}
	return a.Path
}
