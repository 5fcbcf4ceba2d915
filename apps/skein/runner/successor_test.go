package runner_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// A supervisor is not in the chroot that its workers are in: it can start a
// successor, whose workers are in it as well.
func TestASupervisorOfAChrootHasASuccessor(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can change the root")
	}
	r := start(t, func(c *exec.Cmd) { must(t, os.Mkdir(c.Dir+"/jail", 0o755)) },
		"door", "--port", "0", "--workers", "2", "--chroot", "jail", "--pidfile", "x.pid")
	r.await("The door is open.")
	_, port, _ := strings.Cut(r.logged(), "addr=127.0.0.1:")
	port, _, _ = strings.Cut(port, " ") // a worker's number follows
	pidFile := r.file("jail/x.pid")
	eventually(t, "there is a pid file", func() bool { return exists(pidFile) })
	r.signal(syscall.SIGUSR2)
	r.end(0)
	greeted(t, "tcp", "127.0.0.1:"+port)
	must(t, syscall.Kill(readPID(t, pidFile), syscall.SIGTERM))
	eventually(t, "the pid file is gone", func() bool { return !exists(pidFile) })
}

// A successor that fails when it has the sockets already leaves their paths to its
// predecessor, which goes on; and the next successor has them.
func TestTheSocketOfASuccessorThatFails(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "localhost:0")
	must(t, err)
	defer func() { _ = taken.Close() }() // nobody came
	const good = "services:\n  - {plugin: door, name: front, options: {path: sock}}\n"
	bad := good + fmt.Sprintf("  - {plugin: door, name: back, options: {port: %d}}\n", taken.Addr().(*net.TCPAddr).Port)
	for name, args := range map[string][]string{"alone": nil, "workers": {"--workers", "2"}} {
		t.Run(name, func(t *testing.T) {
			workers := len(args) // none, or two
			dir := t.TempDir()
			file := dir + "/house.yaml"
			must(t, os.WriteFile(file, []byte(good), 0o600))
			r := start(t, nil, append(args, "--pidfile", "x.pid", "run", file)...)
			r.await("The door is open.")
			eventually(t, "all have read the file", func() bool {
				return strings.Count(r.logged(), "worker is ready") == workers
			})
			must(t, os.WriteFile(file, []byte(bad), 0o600))
			r.signal(syscall.SIGUSR2)
			r.await("There is no successor, this process goes on:")
			greeted(t, "unix", r.file("sock"))
			must(t, os.WriteFile(file, []byte(good), 0o600))
			r.signal(syscall.SIGUSR2)
			r.end(0)
			greeted(t, "unix", r.file("sock"))
			must(t, syscall.Kill(readPID(t, r.file("x.pid")), syscall.SIGTERM))
			eventually(t, "the pid file is gone", func() bool { return !exists(r.file("x.pid")) })
			if exists(r.file("sock")) {
				t.Error("the socket's path is left")
			}
		})
	}
}

// A successor that is told to end while it starts is none: its predecessor must not
// leave everything to it.
func TestASuccessorThatIsToldToEnd(t *testing.T) {
	t.Parallel()
	r := start(t, nil, "door", "--path", "sock", "--end", "end", "--pidfile", "x.pid")
	r.await("The door is open.")
	must(t, os.WriteFile(r.file("end"), nil, 0o600))
	r.signal(syscall.SIGUSR2)
	r.await("ended with status 0 before it was ready")
	r.await("There is no successor, this process goes on:")
	greeted(t, "unix", r.file("sock"))
	if pid := readPID(t, r.file("x.pid")); pid != r.cmd.Process.Pid {
		t.Errorf("the pid is %d, want %d", pid, r.cmd.Process.Pid)
	}
	r.signal(syscall.SIGTERM)
	r.end(0)
	if exists(r.file("sock")) {
		t.Error("the socket's path is left")
	}
}
