package main_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"

	"skein/apps/skein/command"
	"skein/apps/skein/runner"
)

func TestMain(m *testing.M) {
	testscript.Main(leakChecked{m}, map[string]func(){
		"skein": func() { os.Exit(command.Main(os.Args[1:], os.Stdout, os.Stderr)) },
		"clot":  func() { os.Exit(runner.Main(clot(), os.Args[1:], os.Stdout, os.Stderr)) },
	})
}

// leakChecked is a run of all tests that fails if goroutines are left.
type leakChecked struct{ *testing.M }

// Run runs the tests and then looks.
func (l leakChecked) Run() int {
	status := l.M.Run()
	if err := goleak.Find(); err != nil && status == 0 {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return status
}

// TestScripts runs the real command, in processes of its own.
//
// Besides testscript's own commands, a script has those of daemon_test.go, for
// skein commands that go on while the script does (start, expect, signal,
// finish), those of detached_test.go, for those that --daemon sends away (detach,
// logged, gone, tell, badstart, status), those of peers_test.go: fails, freeports
// and peer, and those of load_test.go: wellformed and jsonhas.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setup,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"start":     start,
			"expect":    expect,
			"signal":    signal,
			"finish":    finish,
			"fails":     fails,
			"freeports": freePorts,
			"peer":      peer,

			"detach":   detach,
			"logged":   logged,
			"gone":     gone,
			"tell":     tell,
			"badstart": badStart,
			"status":   status,

			"wellformed": wellFormed,
			"jsonhas":    jsonHas,
		},
		Condition: func(name string) (bool, error) {
			if name == "root" {
				return os.Geteuid() == 0, nil
			}
			return false, fmt.Errorf("unknown condition %q", name)
		},
	})
}
