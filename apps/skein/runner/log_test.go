package runner_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"skein/apps/skein/runner"
	"skein/deferred"
	"skein/reactor"
)

// panicking runs a reactor with one callback that panics.
func panicking(t *testing.T, format string) string {
	t.Helper()
	var out bytes.Buffer
	r, err := reactor.New(reactor.WithLogger(runner.NewLogger(&out, format, "info")), reactor.WithoutSignals())
	if err != nil {
		t.Fatal(err)
	}
	r.CallLater(0, func() {
		r.CallLater(0, func() { _ = r.Stop() })
		panic("at the disco")
	})
	if err := r.Run(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// stackPattern is a stack of which each frame has lines of its own.
var stackPattern = regexp.MustCompile(`(?m)^    goroutine \d+ \[running\]:\n(    .*\n)*    skein/apps/skein/runner_test\.panicking\.func1\(\)\n    \t.*/log_test\.go:\d+`)

func TestConsoleShowsTheStackOfAPanic(t *testing.T) {
	got := panicking(t, "console")
	first, rest, _ := strings.Cut(got, "\n")
	want := regexp.MustCompile(`^\d\d:\d\d:\d\d ERR panic in a timer call="a timer" owner=timer panic="at the disco"$`)
	if !want.MatchString(first) {
		t.Errorf("the line is %q", first)
	}
	if !stackPattern.MatchString(rest) {
		t.Errorf("below it is no readable stack:\n%s", rest)
	}
	if strings.Contains(got, `\n`) {
		t.Errorf("there are escaped newlines:\n%s", got)
	}
}

func TestJSONShowsTheStackOfAPanic(t *testing.T) {
	var line map[string]any
	if err := json.Unmarshal([]byte(panicking(t, "json")), &line); err != nil {
		t.Fatalf("not one object: %v", err)
	}
	if stack, _ := line["stack"].(string); !strings.Contains(stack, "panicking.func1") {
		t.Errorf("the stack is %q", stack)
	}
	if line["level"] != "error" || line["panic"] != "at the disco" || line["owner"] != "timer" {
		t.Errorf("the line is %v", line)
	}
}

func TestConsoleLeavesOutTheOwnerWhereNothingWentWrong(t *testing.T) {
	tests := map[string]bool{"debug": false, "info": false, "warn": true, "error": true}
	for level, shown := range tests {
		t.Run(level, func(t *testing.T) {
			var out bytes.Buffer
			log := runner.NewLogger(&out, "console", "debug")
			lines := map[string]func(){
				"debug": func() { log.Debug().Str("owner", "timer").Msg("x") },
				"info":  func() { log.Info().Str("owner", "timer").Msg("x") },
				"warn":  func() { log.Warn().Str("owner", "timer").Msg("x") },
				"error": func() { log.Error().Str("owner", "timer").Msg("x") },
			}
			lines[level]()
			if got := strings.Contains(out.String(), "owner=timer"); got != shown {
				t.Errorf("%q shows the owner: %t, want %t", out.String(), got, shown)
			}
		})
	}
}

func TestConsoleWithoutTerminalHasNoColors(t *testing.T) {
	var out bytes.Buffer
	log := runner.NewLogger(&out, "console", "info")
	log.Error().Err(errors.New("broken")).Msg("x")
	if strings.Contains(out.String(), "\x1b") || !strings.Contains(out.String(), "error=broken") {
		t.Errorf("got %q", out.String())
	}
}

// Why a daemon has crashed is in the file that its log is in at that time: its
// standard error is nobody's.
func TestACrashIsInTheLog(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		args   []string
		signal syscall.Signal
		moved  bool
	}{
		"as it began":           {},
		"after a rotation":      {signal: syscall.SIGUSR1},
		"after it was reopened": {signal: syscall.SIGHUP, moved: true},
		"of a worker":           {args: []string{"--workers", "2"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t, nil, append(test.args, "--daemon", "fragile", "--path", "sock")...)
			r.end(0)
			pid, log := readPID(t, r.file("house.pid")), r.file("house.log")
			has := func(path, text string) func() bool {
				return func() bool {
					got, _ := os.ReadFile(path)
					return bytes.Contains(got, []byte(text))
				}
			}
			if test.moved {
				must(t, os.Rename(log, log+".1"))
			}
			if test.signal != 0 {
				must(t, syscall.Kill(pid, test.signal))
				eventually(t, "there is another file", func() bool { return exists(log) && exists(log+".1") })
				// What is asked for and what is logged come in order.
				must(t, syscall.Kill(pid, syscall.SIGHUP))
				eventually(t, "it goes on there", has(log, "Received SIGHUP"))
			}
			c, err := net.Dial("unix", r.file("sock"))
			must(t, err)
			_ = c.Close()
			eventually(t, "the log says why", has(log, "panic: at the disco\n"))
			eventually(t, "and where", has(log, "runner_test.makeFragile.func1"))
			if len(test.args) > 0 {
				must(t, syscall.Kill(pid, syscall.SIGTERM))
				eventually(t, "the pid file is gone", func() bool { return !exists(r.file("house.pid")) })
			}
		})
	}
}

func TestUnhandledErrorsGoToTheLog(t *testing.T) {
	var out bytes.Buffer
	undo := runner.LogUnhandled(runner.NewLogger(&out, "console", "info"))
	deferred.Fail(errors.New("nobody cares"))
	deferred.MaybeDeferred(func() (any, error) { panic("at the disco") })
	deferred.SweepUnhandled()
	undo()
	if previous := deferred.SetUnhandledHandler(nil); previous != nil {
		t.Error("the handler was not taken back")
	}

	got := out.String()
	if !strings.Contains(got, `ERR Unhandled error in Deferred. error="nobody cares"`+"\n") {
		t.Errorf("the error is not in the log:\n%s", got)
	}
	if !strings.Contains(got, `error="deferred: panic: at the disco"`+"\n    goroutine ") ||
		!strings.Contains(got, "TestUnhandledErrorsGoToTheLog.func1") {
		t.Errorf("the panic is not in the log with its stack:\n%s", got)
	}
}
