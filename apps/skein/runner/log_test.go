package runner_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
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
