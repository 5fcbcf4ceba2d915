package reactor_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/rs/zerolog"

	"skein/deferred"
	"skein/reactor"
)

// stubborn runs a reactor whose shutdown waits for ever, and prints what
// happens to it.
func stubborn() int {
	r, err := reactor.New(reactor.WithLogger(zerolog.Nop()))
	if err != nil {
		fmt.Println(err)
		return 1
	}
	r.AddSystemEventTrigger(reactor.Before, reactor.Shutdown, func() *deferred.Deferred {
		fmt.Println("waiting, after", r.Signal())
		return deferred.New()
	})
	r.CallWhenRunning(func() { fmt.Println("running") })
	err = r.Run()
	fmt.Println("forced:", errors.Is(err, reactor.ErrForcedStop))
	return 0
}

// TestSecondSignalStopsAtOnce sends a signal to a reactor that does not come to
// an end, and another.
func TestSecondSignalStopsAtOnce(t *testing.T) {
	for _, second := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		exe, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(exe)
		cmd.Env = append(os.Environ(), childVariable+"=stubborn")
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = cmd.Process.Kill() }()
		lines := bufio.NewScanner(out)
		expect := func(want string) {
			t.Helper()
			if !lines.Scan() || strings.TrimSpace(lines.Text()) != want {
				t.Fatalf("the child said %q, want %q", lines.Text(), want)
			}
		}
		expect("running")
		_ = cmd.Process.Signal(os.Interrupt)
		expect("waiting, after interrupt")
		_ = cmd.Process.Signal(second)
		expect("forced: true")
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
}
