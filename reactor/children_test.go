package reactor_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/rs/zerolog"

	"skein/protocol"
	"skein/reactor"
)

// childVariable names the environment variable that turns the test binary into
// one of the children.
const childVariable = "SKEIN_REACTOR_TEST_CHILD"

// children are the servers that a test needs in a process of its own, by name.
var children = map[string]func() int{
	"starved":   func() int { return serveChild(true, greet) },
	"stubborn":  stubborn,
	"poem":      func() int { return serveChild(false, holdPoem) },
	"successor": succeed,
}

// greet says hello and keeps the connection.
func greet(p *proto) { _, _ = p.Transport.Write([]byte("hello")) }

// childPoem is what the child "poem" serves.
var childPoem = make([]byte, 1<<20)

// holdPoem sends the poem, and closes.
func holdPoem(p *proto) {
	_ = p.Transport.WriteShared(childPoem)
	p.Transport.LoseConnection()
}

// serveChild runs a server until SIGTERM; a poor one has 64 descriptors. It
// prints its address, so that the parent can connect.
func serveChild(poor bool, made func(*proto)) int {
	if poor {
		var limit syscall.Rlimit // its fields' types differ from system to system
		limit.Cur, limit.Max = 64, 64
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
			fmt.Println(err)
			return 1
		}
	}
	r, err := reactor.New(reactor.WithLogger(zerolog.Nop()))
	if err != nil {
		fmt.Println(err)
		return 1
	}
	p, err := r.ListenTCP("127.0.0.1:0", build(func() protocol.Protocol { return &proto{made: made} }))
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println(p.Addr())
	if err := r.Run(); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

// startChild starts a child and returns it with the address that it serves on.
// stop ends it and returns how it went.
func startChild(t *testing.T, name string) (cmd *exec.Cmd, addr string, stop func() error) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd = exec.Command(exe)
	cmd.Env = append(os.Environ(), childVariable+"="+name)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stopped := false
	stop = func() error {
		stopped = true
		_ = cmd.Process.Signal(syscall.SIGTERM)
		return cmd.Wait()
	}
	t.Cleanup(func() {
		if !stopped {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the child said %q: %v", line, err)
	}
	return cmd, strings.TrimSpace(line), stop
}
