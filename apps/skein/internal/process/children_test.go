//go:build linux || darwin || freebsd

package process_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"

	"skein/apps/skein/internal/process"
	"skein/deferred"
	"skein/protocol"
	"skein/reactor"
)

// children are what the test binary does in a process that a test has started.
var children = map[string]func() int{
	"plain":      plain,
	"detacher":   detacher,
	"server":     server,
	"supervisor": supervisor,
}

// tell reports to the test's home, if there is one, and keeps the line, which it
// returns for more words.
func tell(in *process.Inherited) (line *os.File) {
	path := os.Getenv(homeVariable)
	if path == "" {
		return nil
	}
	open := openDescriptors()
	conn, err := net.Dial("unix", path)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(99)
	}
	r := report{
		Role: in.Role, PID: os.Getpid(), Group: unix.Getpgrp(), Worker: in.Worker, Workers: in.Workers,
		Variable: os.Getenv(process.Variable), Descriptors: open,
	}
	r.Session, _ = unix.Getsid(0)
	r.Dir, _ = os.Getwd()
	for _, s := range in.Sockets {
		name, _ := unix.Getsockname(int(s.File.Fd()))
		r.Sockets = append(r.Sockets, fmt.Sprintf("%s %s %T", s.Network, s.Address, name))
	}
	if in.PIDFile != nil {
		text, _ := io.ReadAll(in.PIDFile)
		r.PIDFile = string(text)
	}
	_ = json.NewEncoder(conn).Encode(r)
	fd := -1
	raw, _ := conn.(*net.UnixConn).SyscallConn()
	_ = raw.Control(func(n uintptr) { fd, _ = unix.Dup(int(n)) }) // the end of conn is not that of the line
	unix.CloseOnExec(fd)
	return os.NewFile(uintptr(fd), "home")
}

// openDescriptors returns what is open, where the system says so.
func openDescriptors() map[int]string {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return nil
	}
	open := map[int]string{}
	for _, e := range entries {
		fd, _ := strconv.Atoi(e.Name())
		to, err := os.Readlink(filepath.Join("/proc/self/fd", e.Name()))
		if err == nil && !strings.HasPrefix(to, "anon_inode:") { // the runtime's poller
			open[fd] = to
		}
	}
	return open
}

// inherit is Inherit, whose error ends the child.
func inherit() *process.Inherited {
	in, err := process.Inherit()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(98)
	}
	return in
}

// plain is a child without a loop.
func plain() int {
	in := inherit()
	stop := make(chan os.Signal, 1)
	does, arg, _ := strings.Cut(os.Getenv(doesVariable), ":")
	if does == "stubborn" || does == "obstinate" {
		signal.Ignore(syscall.SIGTERM)
	} else {
		signal.Notify(stop, syscall.SIGTERM)
	}
	line := tell(in)
	defer func() { _ = line.Close() }() // and not before
	switch does {
	case "ready":
		_ = in.Status.Ready()
		<-stop
	case "fail":
		_ = in.Status.Fail(3, arg)
		return 3
	case "failAndStay":
		_ = in.Status.Fail(3, arg)
		<-stop
	case "exit":
		return 7
	case "die":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "mute":
		<-stop
	case "late": // it was almost ready when it was told to end
		<-stop
		_ = in.Status.Ready()
	case "stubborn", "obstinate":
		if does == "obstinate" {
			_ = in.Status.Ready()
		}
		for { // the runtime would take nothing but this for a deadlock
			time.Sleep(time.Hour) // sleeps: it is there and does nothing
		}
	case "write":
		fmt.Fprint(os.Stderr, arg)
	case "flood":
		flood(arg)
	case "greet": // the first of the sockets
		ln, err := net.FileListener(in.Sockets[0].File)
		if err != nil {
			return 97
		}
		_ = in.Status.Ready()
		for {
			conn, err := ln.Accept()
			if err != nil {
				return 96
			}
			fmt.Fprint(conn, os.Getpid())
			_ = conn.Close()
		}
	}
	return 0
}

// flood writes so many bytes to standard error, in lines of all lengths.
func flood(bytesText string) {
	left, _ := strconv.Atoi(bytesText)
	for i := 1; left > 0; i = i%4000 + 1 {
		line := append(bytes.Repeat([]byte{'x'}, min(i, left)-1), '\n')
		n, err := os.Stderr.Write(line)
		if err != nil {
			return
		}
		left -= n
	}
}

// detacher detaches itself, and is then what a plain child is.
func detacher() int {
	if _, ok := os.LookupEnv(process.Variable); ok {
		return plain()
	}
	return process.DetachWithin(100*time.Millisecond, os.Args[1:], os.Stderr)
}

// poem is what a server sends to each client, behind its worker's number.
var poem = strings.Repeat("a line of the poem\n", 100)

// server is a worker with a loop: it serves a poem on its first socket, and its
// heart beats fast.
func server() int {
	in := inherit()
	does := os.Getenv(doesVariable)
	r, err := reactor.New(reactor.WithLogger(zerolog.Nop()), reactor.WithSockets(in.Sockets...))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 95
	}
	if len(in.Sockets) > 0 {
		f := protocol.FactoryFunc(func(net.Addr) protocol.Protocol { return &poet{number: in.Worker} })
		if _, err := r.ListenTCP(in.Sockets[0].Address, f); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 94
		}
	}
	if in.Control != nil {
		in.Control.WhenOrphaned(r).AddCallback(func(any) (any, error) {
			fmt.Fprintln(os.Stderr, "a line that nobody reads any more")
			return nil, r.Stop()
		})
	}
	var line *os.File
	beats := 0
	var beat func()
	beat = func() {
		beats++
		_, _ = in.Control.SendHeartbeat(json.RawMessage(fmt.Sprintf(`{"worker": %d, "beats": %d}`, in.Worker, beats)))
		r.CallLater(50*time.Millisecond, beat)
	}
	r.CallWhenRunning(func() {
		line = tell(in)
		if does == "short" && in.Worker == 3 {
			return // else the death of worker 1 might come when all are ready
		}
		_ = in.Status.Ready()
		beat()
		if in.Worker == 1 {
			suffer(r, does)
		}
	})
	if err := r.Run(); err != nil {
		return 93
	}
	fmt.Fprint(line, "bye")
	return 0
}

// suffer is what happens to worker 1.
func suffer(r *reactor.Reactor, does string) {
	switch does {
	case "short":
		os.Exit(5)
	case "stuck":
		r.CallLater(0, func() { select {} })
	case "spinning":
		r.CallLater(0, func() {
			for i := 0; i >= 0; i++ { // as good as for ever
				_ = i
			}
		})
	case "frozen":
		_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
	}
}

// poet is the server's protocol.
type poet struct {
	protocol.Base
	number int
}

// ConnectionMade sends all.
func (p *poet) ConnectionMade() {
	_, _ = p.Transport.Write([]byte(fmt.Sprintf("%d\n%s", p.number, poem)))
	p.Transport.LoseConnection()
}

// DataReceived has nothing to do.
func (p *poet) DataReceived([]byte) {}

// supervisor runs two servers.
func supervisor() int {
	r, err := reactor.New(reactor.WithLogger(zerolog.Nop()))
	if err != nil {
		return 92
	}
	env := append(os.Environ(), childVariable+"=server")
	s := &process.Supervisor{Reactor: r, Command: process.Command{Args: []string{}, Env: env}, Workers: 2, Log: io.Discard}
	r.AddSystemEventTrigger(reactor.Before, reactor.Shutdown, func() *deferred.Deferred { return stopService(s) })
	if err := startService(s); err != nil {
		return 91
	}
	if err := r.Run(); err != nil {
		return 90
	}
	return 0
}
