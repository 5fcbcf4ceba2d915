package reactor_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"skein/protocol"
	"skein/reactor"
)

// socketsOpen counts the sockets that this process has open.
func socketsOpen(t *testing.T) (n int) {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if to, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && strings.HasPrefix(to, "socket:") {
			n++
		}
	}
	return n
}

// TestNoSocketIsLeaked counts before and after all that can become of sockets
// that are given, taken, duplicated and adopted.
func TestNoSocketIsLeaked(t *testing.T) {
	socket := func(t *testing.T) reactor.Socket {
		return reactor.Socket{Network: "tcp", File: listenFile(t, "tcp", "127.0.0.1:0")}
	}
	tests := map[string]func(t *testing.T){
		"New fails": func(t *testing.T) {
			bad := socket(t)
			bad.Network = "udp"
			if _, err := reactor.New(reactor.WithSockets(socket(t), bad, socket(t))); err == nil {
				t.Error("no error")
			}
		},
		"it never runs": func(t *testing.T) {
			r := mustNew(t, reactor.WithSockets(socket(t), socket(t)))
			_, _ = r.ListenTCP("127.0.0.1:0", build(echo))
			_ = r.Close()
		},
		"it runs": func(t *testing.T) {
			r := mustNew(t, reactor.WithSockets(socket(t), socket(t)))
			_, _ = r.ListenTCP("127.0.0.1:0", build(echo))
			r.CallLater(0, func() { _ = r.Stop() })
			_ = r.Run()
		},
		"it crashes": func(t *testing.T) {
			r := mustNew(t, reactor.WithSockets(socket(t), socket(t)))
			_, _ = r.ListenTCP("127.0.0.1:0", build(echo))
			r.CallLater(0, r.Crash)
			if err := r.Run(); !errors.Is(err, reactor.ErrForcedStop) {
				t.Error(err)
			}
		},
		"they are passed on": func(t *testing.T) {
			r := mustNew(t)
			for range 3 {
				_, _ = r.ListenTCP("127.0.0.1:0", build(echo))
			}
			_, _ = r.ListenUDP("127.0.0.1:0", &datagrams{})
			sockets, err := r.Sockets()
			if err != nil || len(sockets) != 4 {
				t.Fatal(len(sockets), err)
			}
			next := mustNew(t, reactor.WithSockets(sockets...))
			_, _ = next.ListenUDP("127.0.0.1:0", &datagrams{})
			_, _ = next.ListenTCP("127.0.0.1:0", build(echo))
			_, _ = r.Close(), next.Close()
		},
		"they are adopted": func(t *testing.T) {
			f := socket(t).File
			r := mustNew(t)
			if _, err := r.AdoptStreamPort(f, build(echo)); err != nil {
				t.Error(err)
			}
			udp := udpFile(t, "127.0.0.1:0")
			if _, err := r.AdoptStreamPort(udp, build(echo)); err == nil {
				t.Error("no error")
			}
			_, _, _ = f.Close(), udp.Close(), r.Close()
		},
	}
	for name, f := range tests {
		t.Run(name, func(t *testing.T) {
			before := socketsOpen(t)
			f(t)
			if after := socketsOpen(t); after != before {
				t.Errorf("%d sockets are open, %d were", after, before)
			}
		})
	}
}

// TestSocketsWithoutDescriptors has no number left for the second duplicate.
func TestSocketsWithoutDescriptors(t *testing.T) {
	r := mustNew(t)
	for range 2 {
		if _, err := r.ListenTCP("127.0.0.1:0", build(echo)); err != nil {
			t.Fatal(err)
		}
	}
	before := socketsOpen(t)
	var limit, low syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	probe, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 0) // the lowest that is free
	if err != nil {
		t.Fatal(err)
	}
	_ = unix.Close(probe)
	low.Cur, low.Max = uint64(probe+1), limit.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &low); err != nil {
		t.Fatal(err)
	}
	sockets, err := r.Sockets()
	_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
	if sockets != nil || !errors.Is(err, syscall.EMFILE) || !strings.Contains(err.Error(), "127.0.0.1") {
		t.Errorf("%+v, %v", sockets, err)
	}
	if after := socketsOpen(t); after != before {
		t.Errorf("%d sockets are open, %d were", after, before)
	}
}

// status returns the flags of a descriptor: whether it is non-blocking, and
// closed on exec.
func status(t *testing.T, fd int) (nonblocking, cloexec bool) {
	t.Helper()
	fl, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil {
		t.Fatal(err)
	}
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	if err != nil {
		t.Fatal(err)
	}
	return fl&unix.O_NONBLOCK != 0, flags&unix.FD_CLOEXEC != 0
}

// TestFilesOfPorts looks at what a port's file is: as the port is, though it is
// asked for by Fd and given to a child, and not in the poller of Go's runtime,
// which would wake this process for clients that another one serves.
func TestFilesOfPorts(t *testing.T) {
	r := mustNew(t)
	p, err := r.ListenTCP("127.0.0.1:0", build(func() protocol.Protocol { return &proto{} }))
	if err != nil {
		t.Fatal(err)
	}
	f, err := p.File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if nonblocking, cloexec := status(t, int(f.Fd())); !nonblocking || !cloexec {
		t.Errorf("non-blocking %v, closed on exec %v", nonblocking, cloexec)
	}
	cmd := exec.Command("/bin/true")
	cmd.ExtraFiles = []*os.File{f}
	if err := cmd.Run(); err != nil {
		t.Error(err)
	}
	if nonblocking, cloexec := status(t, int(f.Fd())); !nonblocking || !cloexec {
		t.Errorf("with a child: non-blocking %v, closed on exec %v", nonblocking, cloexec)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0") // this one is polled by the runtime
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	theirs := fileOf(t, l, nil)
	if !polled(t, numberOf(t, theirs)) {
		t.Error("the look for what is polled finds nothing")
	}
	if polled(t, int(f.Fd())) {
		t.Error("the runtime polls the file")
	}
}

// numberOf returns the number of a file's descriptor, and leaves its mode alone.
func numberOf(t *testing.T, f *os.File) (n int) {
	t.Helper()
	c, err := f.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Control(func(fd uintptr) { n = int(fd) }); err != nil {
		t.Fatal(err)
	}
	return n
}

// polled reports whether a descriptor stands in an epoll of this process.
func polled(t *testing.T, fd int) bool {
	t.Helper()
	return slices.Contains(allPolled(t), strconv.Itoa(fd))
}

// allPolled returns the descriptors in all of them.
func allPolled(t *testing.T) (all []string) {
	t.Helper()
	infos, err := filepath.Glob("/proc/self/fdinfo/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range infos {
		text, _ := os.ReadFile(name)
		for line := range bytes.Lines(text) {
			fields := strings.Fields(string(line))
			if len(fields) > 1 && fields[0] == "tfd:" {
				all = append(all, fields[1])
			}
		}
	}
	return all
}

// TestAClosedPortIsNotWatched closes a port whose socket somebody else holds,
// too: the close alone would leave it in the poller, where it would go on waking
// the loop by the name of whoever gets the number.
func TestAClosedPortIsNotWatched(t *testing.T) {
	r := mustNew(t)
	before := len(allPolled(t))
	p, err := r.ListenTCP("127.0.0.1:0", build(echo))
	if err != nil {
		t.Fatal(err)
	}
	f, err := p.File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if n := len(allPolled(t)); n != before+1 {
		t.Errorf("with a port %d are watched, %d were", n, before)
	}
	_ = p.StopListening()
	if n := len(allPolled(t)); n != before {
		t.Errorf("without it %d are watched, %d were", n, before)
	}
}

// TestGivenFilesAreNotInherited gives a file that a child would inherit.
func TestGivenFilesAreNotInherited(t *testing.T) {
	f := listenFile(t, "tcp", "127.0.0.1:0")
	fd := numberOf(t, f)
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, 0); err != nil {
		t.Fatal(err)
	}
	r := mustNew(t, reactor.WithSockets(reactor.Socket{Network: "tcp", File: f}))
	if _, cloexec := status(t, fd); !cloexec {
		t.Error("a child inherits an unclaimed file")
	}
	p, err := r.ListenTCP("127.0.0.1:0", build(echo))
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(r.UnclaimedSockets()); got != "[]" {
		t.Error(got)
	}
	_ = p.StopListening()
}
