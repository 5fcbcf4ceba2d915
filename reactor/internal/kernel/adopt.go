//go:build linux || darwin || freebsd

package kernel

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// This file holds the calls by which sockets come from other processes and go to
// them. A file's number is asked for by SyscallConn and never by Fd, which makes
// the socket of a file from Go's net blocking, for all who share it.

// Inspect asks what socket a file holds.
func (*calls) Inspect(f *os.File) (info SocketInfo, errno syscall.Errno) {
	failed := control(f, func(fd int) {
		unix.CloseOnExec(fd)
		info, errno = describe(fd)
	})
	if failed != 0 {
		return SocketInfo{}, failed
	}
	return info, errno
}

// describe asks what a socket is.
func describe(fd int) (info SocketInfo, errno syscall.Errno) {
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil {
		return info, errnoOf(err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		return info, errnoOf(err)
	}
	info.Local = fromSockaddr(name)
	info.Network = networkOf(name, kind)
	listening, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	info.Listening = err == nil && listening != 0
	_, err = unix.Getpeername(fd)
	info.Connected = err == nil
	return info, 0
}

// networkOf names a kind of socket as Go's net does.
func networkOf(name unix.Sockaddr, kind int) string {
	names := map[int]string{unix.SOCK_STREAM: "tcp", unix.SOCK_DGRAM: "udp"}
	switch name.(type) {
	case *unix.SockaddrUnix:
		names = map[int]string{unix.SOCK_STREAM: "unix", unix.SOCK_DGRAM: "unixgram", unix.SOCK_SEQPACKET: "unixpacket"}
	case *unix.SockaddrInet4, *unix.SockaddrInet6:
	default:
		names = nil
	}
	if n := names[kind]; n != "" {
		return n
	}
	return "foreign"
}

// Adopt duplicates the descriptor of a file, and makes the duplicate as Listen
// and ListenUDP make theirs.
func (*calls) Adopt(f *os.File) (fd int, errno syscall.Errno) {
	fd = -1
	failed := control(f, func(theirs int) { fd, errno = duplicate(theirs) })
	if failed != 0 {
		errno = failed
	}
	if errno != 0 {
		return -1, errno
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		_ = unix.Close(fd)
		return -1, errnoOf(err)
	}
	// What the listener has, its connections inherit. Other sockets refuse it, or do
	// not mind. A linger time would make a close drop output, or stand still with the
	// whole loop, though the descriptor does not block.
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	_ = unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{})
	return fd, 0
}

// duplicate returns another descriptor, closed on exec, of what fd stands for.
func duplicate(fd int) (int, syscall.Errno) {
	n, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return -1, errnoOf(err)
	}
	return n, 0
}

// control calls g with the number of a file, unless it is closed.
func control(f *os.File, g func(fd int)) syscall.Errno {
	c, err := f.SyscallConn()
	if err == nil {
		err = c.Control(func(fd uintptr) { g(int(fd)) })
	}
	if err != nil {
		return syscall.EBADF
	}
	return 0
}
