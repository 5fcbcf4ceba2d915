//go:build linux || darwin || freebsd

package process_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"skein/apps/skein/internal/process"
	"skein/deferred"
	"skein/reactor"
	"skein/reactor/reactortest"
)

// run runs a test as an inline callback on a loop.
func run(t *testing.T, body func(in *deferred.Inline, r *reactor.Reactor) error, opts ...reactortest.Option) {
	t.Helper()
	reactortest.Run(t, func(r *reactor.Reactor) *deferred.Deferred {
		return deferred.InlineCallbacks(func(in *deferred.Inline) (any, error) { return nil, body(in, r) })
	}, opts...)
}

// spawn is Spawn, whose error fails the test.
func spawn(t *testing.T, o process.SpawnOptions) *process.Child {
	t.Helper()
	c, err := process.Spawn(o)
	must(t, err)
	return c
}

func TestReady(t *testing.T) {
	run(t, func(in *deferred.Inline, r *reactor.Reactor) error {
		c := spawn(t, process.SpawnOptions{Reactor: r, Role: process.Successor, Command: child("plain", "ready")})
		for range 2 {
			if _, err := in.Yield(c.WhenReady()); err != nil {
				return err
			}
		}
		must(t, c.Signal(syscall.SIGTERM))
		for range 2 {
			ending, err := deferred.Await[process.Ending](in, c.WhenEnded())
			must(t, err)
			want(t, "the ending", ending, process.Ending{})
		}
		if err := c.Signal(syscall.SIGTERM); !errors.Is(err, os.ErrProcessDone) {
			t.Errorf("a signal to who is gone: %v", err)
		}
		return nil
	})
}

func TestNotReady(t *testing.T) {
	long := "skein: can't read " + strings.Repeat("long/", 1000) + "poem: no such file"
	cases := []struct {
		name, does string
		text       string // of the error; PID stands for the number
		failed     bool   // it has said why
	}{
		{"says why", "fail:can't listen on localhost:1: permission denied", "can't listen on localhost:1: permission denied", true},
		{"says why on two lines", "fail:two\nlines\n", "two\nlines\n", true},
		{"says why at length", "fail:" + long, long, true},
		{"says too much", "fail:x" + strings.Repeat("é", process.MaxText), "x" + strings.Repeat("é", process.MaxText/2-1), true},
		{"says nonsense", "fail:\xff\t", "\uFFFD\t", true},
		{"ends", "exit", "the successor (pid PID) ended with status 7 before it was ready: look at its log", false},
		{"is killed", "die", "the successor (pid PID) was killed by SIGKILL before it was ready: look at its log", false},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			run(t, func(in *deferred.Inline, r *reactor.Reactor) error {
				c := spawn(t, process.SpawnOptions{Reactor: r, Role: process.Successor, Command: child("plain", tc.does)})
				_, err := in.Yield(c.WhenReady())
				if err == nil {
					t.Fatal("it was ready")
				}
				var failed *process.FailedError
				var ended *process.EndedError
				want(t, "it has said why", errors.As(err, &failed), tc.failed)
				want(t, "it has ended without a word", errors.As(err, &ended), !tc.failed)
				want(t, "the text", err.Error(), strings.ReplaceAll(tc.text, "PID", fmt.Sprint(c.PID())))
				if tc.failed {
					want(t, "the status", failed.Status, 3)
				}
				reaped(t, c.PID())
				_, err = in.Yield(c.WhenEnded())
				return err
			})
		})
	}
}

func TestCannotStart(t *testing.T) {
	cases := []struct {
		name string
		o    process.SpawnOptions
		text string
	}{
		{"no such program", process.SpawnOptions{Role: process.Worker, Worker: 2, Workers: 3, Log: io.Discard, Command: process.Command{Path: "/no/such"}}, "cannot start worker 2: /no/such: no such file or directory"},
		{"no such directory", process.SpawnOptions{Role: process.Successor, Command: process.Command{Dir: "/no/such"}}, "cannot start the successor: /no/such: no such file or directory"},
		{"no socket", process.SpawnOptions{Role: process.Successor, Sockets: []process.Socket{{Network: "tcp", Address: ":1"}}}, "cannot start the successor: tcp :1: the socket has no file"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			run(t, func(_ *deferred.Inline, r *reactor.Reactor) error {
				tc.o.Reactor = r
				before := len(openDescriptors())
				_, err := process.Spawn(tc.o)
				if err == nil || err.Error() != tc.text {
					t.Errorf("the error is %v, want %s", err, tc.text)
				}
				want(t, "open descriptors", len(openDescriptors()), before)
				return nil
			})
		})
	}
}

// TestGiven starts a child with everything that there is, while files are open
// that it is not to have.
func TestGiven(t *testing.T) {
	h, dir := newHome(t), t.TempDir()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer tcp.Close()
	unixPath := filepath.Join(filepath.Dir(h.path), "s")
	stream, err := net.Listen("unix", unixPath)
	must(t, err)
	defer stream.Close()
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	must(t, err)
	defer udp.Close()
	pidFile, err := os.Create(filepath.Join(dir, "pid"))
	must(t, err)
	defer pidFile.Close()
	_, err = pidFile.WriteString("12345\n")
	must(t, err)
	_, err = pidFile.Seek(0, io.SeekStart)
	must(t, err)
	sockets := []process.Socket{
		{Network: "tcp", Address: "localhost:0", File: fileOf(t, tcp)},
		{Network: "unix", Address: unixPath, File: fileOf(t, stream)},
		{Network: "udp", Address: "localhost:0", File: fileOf(t, udp)},
	}
	defer process.CloseSockets(sockets)
	t.Setenv(process.Variable, "of another") // a child gets its own
	run(t, func(in *deferred.Inline, r *reactor.Reactor) error {
		command := h.child("plain", "greet")
		command.Dir = dir
		c := spawn(t, process.SpawnOptions{Reactor: r, Role: process.Successor, Command: command, Sockets: sockets, PIDFile: pidFile})
		got, err := deferred.Await[*caller](in, r.DeferToThread(func() (any, error) { return h.next(), nil }))
		if err != nil {
			return err
		}
		if _, err := in.Yield(c.WhenReady()); err != nil {
			return err
		}
		want(t, "the role", got.Role, process.Successor)
		want(t, "the pid", got.PID, c.PID())
		want(t, "the process group", got.Group, unix.Getpgrp())
		want(t, "the pid file", got.PIDFile, "12345\n")
		want(t, "the variable", got.Variable, "")
		want(t, "the sockets", strings.Join(got.Sockets, ", "), "tcp localhost:0 *unix.SockaddrInet4, unix "+unixPath+" *unix.SockaddrUnix, udp localhost:0 *unix.SockaddrInet4")
		for fd, what := range got.Descriptors {
			if fd > 7 && !strings.HasPrefix(what, "/sys/fs/cgroup/") && !openForAll(fd) { // 3 sockets, pid file, status
				t.Errorf("the child has descriptor %d open: %s", fd, what)
			}
		}
		for _, s := range sockets {
			want(t, s.Network+" still does not block", nonblocking(t, s.File), true)
		}
		greeting, err := in.Yield(r.DeferToThread(func() (any, error) { return fetch(tcp.Addr().String()) }))
		must(t, err)
		want(t, "the greeting", greeting, any(fmt.Sprint(c.PID())))
		c.Kill()
		_, err = in.Yield(c.WhenEnded())
		return err
	})
}

// openForAll reports whether a descriptor came from who has started the tests.
func openForAll(fd int) bool {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	return err == nil && flags&unix.FD_CLOEXEC == 0
}

// fileOf returns the descriptor of a listener of package net.
func fileOf(t testing.TB, ln any) *os.File {
	t.Helper()
	f, err := ln.(interface{ File() (*os.File, error) }).File()
	must(t, err)
	return f
}

// nonblocking reports whether a file does not block.
func nonblocking(t testing.TB, f *os.File) (yes bool) {
	t.Helper()
	raw, err := f.SyscallConn()
	must(t, err)
	must(t, raw.Control(func(fd uintptr) {
		flags, _ := unix.FcntlInt(fd, unix.F_GETFL, 0)
		yes = flags&unix.O_NONBLOCK != 0
	}))
	return yes
}

// fetch returns what a server sends.
func fetch(addr string) (string, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	text, err := io.ReadAll(conn)
	return string(text), err
}

func TestLog(t *testing.T) {
	long := strings.Repeat("y", process.MaxLine)
	cases := []struct {
		name, writes string
		want         []string
	}{
		{"nothing", "", nil},
		{"a line", "one\n", []string{"one\n"}},
		{"lines", "one\n\ntwo\n", []string{"one\n", "\n", "two\n"}},
		{"an unfinished line", "one\ntw", []string{"one\n", "tw\n"}},
		{"a line that is too long", long + "end\n", []string{long[1:] + "\n", "yend\n"}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			run(t, func(in *deferred.Inline, r *reactor.Reactor) error {
				log := newNotebook()
				c := spawn(t, process.SpawnOptions{Reactor: r, Role: process.Worker, Worker: 1, Workers: 1, Log: log, Command: child("plain", "write:"+tc.writes)})
				c.WhenReady().AddErrback(func(error) (any, error) { return nil, nil })
				_, err := in.Yield(c.WhenEnded())
				var got []string
				for _, w := range log.writes {
					got = append(got, string(w))
				}
				if !slices.Equal(got, tc.want) {
					t.Errorf("got %.200q, want %.200q", got, tc.want)
				}
				return err
			})
		})
	}
}

// TestLastWords has a child end while the loop is busy: more than one turn reads is
// left of what it has said.
func TestLastWords(t *testing.T) {
	for _, does := range []string{"write:" + strings.Repeat("words\n", 10000), "fail:" + strings.Repeat("\x01", process.MaxText)} {
		t.Run(does[:5], func(t *testing.T) {
			run(t, func(in *deferred.Inline, r *reactor.Reactor) error {
				log := &counter{}
				c := spawn(t, process.SpawnOptions{Reactor: r, Role: process.Worker, Worker: 1, Workers: 1, Log: log, Command: child("plain", does)})
				ended := c.WhenEnded()
				reaped(t, c.PID())
				var failed *process.FailedError
				_, err := in.Yield(c.WhenReady())
				want(t, "it has said why", errors.As(err, &failed), strings.HasPrefix(does, "fail"))
				_, err = in.Yield(ended)
				if strings.HasPrefix(does, "write") {
					want(t, "bytes in the log", log.bytes, len(does)-len("write:"))
				}
				return err
			})
		})
	}
}

// counter counts what is written, and the largest memory meanwhile.
type counter struct {
	bytes, bad int
	most       uint64
}

func (c *counter) Write(p []byte) (int, error) {
	if c.bytes>>20 != (c.bytes+len(p))>>20 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		c.most = max(c.most, m.HeapInuse)
	}
	c.bytes += len(p)
	if bytes.IndexByte(p, '\n') != len(p)-1 {
		c.bad++
	}
	return len(p), nil
}

func TestFlood(t *testing.T) {
	const size = 64 << 20
	run(t, func(in *deferred.Inline, r *reactor.Reactor) error {
		log := &counter{}
		c := spawn(t, process.SpawnOptions{Reactor: r, Role: process.Worker, Worker: 1, Workers: 1, Log: log, Command: child("plain", fmt.Sprintf("flood:%d", size))})
		c.WhenReady().AddErrback(func(error) (any, error) { return nil, nil })
		before := r.Stats().Turns
		_, err := in.Yield(c.WhenEnded())
		want(t, "bytes", log.bytes, size)
		want(t, "writes that are not one line", log.bad, 0)
		if log.most > 32<<20 {
			t.Errorf("%d MB in memory while %d MB went through", log.most>>20, size>>20)
		}
		if turns := r.Stats().Turns - before; turns < size/(64<<10) {
			t.Errorf("%d turns for %d MB: others had to wait", turns, size>>20)
		}
		return err
	})
}
