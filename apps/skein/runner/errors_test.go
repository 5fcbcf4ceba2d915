package runner_test

import (
	"errors"
	"strings"
	"syscall"
	"testing"

	"skein/apps/skein/runner"
	"skein/protocol"
)

// The remedy for a port fits whatever option named it.
func TestRemediesForPorts(t *testing.T) {
	p := &runner.Program{}
	for cause, want := range map[error]string{
		syscall.EADDRINUSE:    "(the port is taken: choose another, or 0 for any free one)",
		syscall.EACCES:        "(the port needs privileges: choose one above 1023)",
		syscall.EADDRNOTAVAIL: "(--iface takes a name or an address of this machine)",
	} {
		if got := runner.Explain(p, &protocol.CannotListenError{Addr: "localhost:80", Err: cause}); !strings.HasSuffix(got, " "+want) {
			t.Errorf("it says %q, want %q", got, want)
		}
	}
}

// A program's own remedy comes first.
func TestRemedyOfTheProgram(t *testing.T) {
	p := &runner.Program{Remedy: func(error) string { return "read more poems" }}
	if got := runner.Explain(p, errors.New("no poem")); got != "no poem (read more poems)" {
		t.Errorf("it says %q", got)
	}
}
