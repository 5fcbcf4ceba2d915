package main_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/rogpeppe/go-internal/testscript"
)

// fails STATUS ARG... runs skein with the arguments, which must end with this
// status, say nothing on standard output, and one line on standard error.
func fails(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: fails STATUS ARG...")
	}
	err := ts.Exec("skein", args[1:]...)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || strconv.Itoa(exit.ExitCode()) != args[0] {
		ts.Fatalf("it ended with %v, want status %s", err, args[0])
	}
	if said := ts.ReadFile("stdout"); said != "" {
		ts.Fatalf("it printed %q", said)
	}
	if said := ts.ReadFile("stderr"); strings.Count(said, "\n") != 1 || !strings.HasSuffix(said, "\n") {
		ts.Fatalf("it did not say one line, but %q", said)
	}
}

// freePorts VAR N sets VAR to the first of N ports in a row that are free now.
func freePorts(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: freeports VAR N")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	for range 100 {
		first := int(lastPort.Add(int32(n))) - n
		if free(first, n) {
			ts.Setenv(args[0], strconv.Itoa(first))
			return
		}
	}
	ts.Fatalf("no %d free ports in a row", n)
}

// lastPort is behind the ports that have been given out: scripts run side by
// side, and a port that is free for one must not be another's.
var lastPort = func() *atomic.Int32 {
	first := new(atomic.Int32)
	first.Store(20000)
	return first
}()

// free reports whether n ports from first on are free.
func free(first, n int) bool {
	for port := first; port < first+n; port++ {
		l, err := net.Listen("tcp", fmt.Sprintf("localhost:%d", port))
		if err != nil {
			return false
		}
		_ = l.Close() // it was opened only to see
	}
	return true
}

// peer KIND VAR runs a server that does not serve as it should, for one client,
// and sets VAR to its port.
func peer(ts *testscript.TestScript, neg bool, args []string) {
	kinds := map[string]func(c *net.TCPConn){
		"closes": func(*net.TCPConn) {},
		"resets": func(c *net.TCPConn) {
			_, _ = c.Write([]byte("Shall"))
			_ = c.SetLinger(0)
		},
		"stalls": func(c *net.TCPConn) {
			_, _ = c.Write([]byte("Shall"))
			_, _ = io.Copy(io.Discard, c) // until the client gives up
		},
	}
	if neg || len(args) != 2 || kinds[args[0]] == nil {
		ts.Fatalf("usage: peer closes|resets|stalls VAR")
	}
	l, err := net.Listen("tcp", "localhost:0")
	ts.Check(err)
	ts.Setenv(args[1], strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err := l.Accept()
		if err != nil {
			return // the script is over
		}
		defer func() { _ = c.Close() }()
		kinds[args[0]](c.(*net.TCPConn))
	}()
	ts.Defer(func() {
		_ = l.Close()
		<-done
	})
}
