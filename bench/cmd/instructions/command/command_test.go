package command_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"go.uber.org/goleak"

	"skein/bench/cmd/instructions/command"
)

// TestMain is the program of the loads, too: what counts runs the program that it
// is in.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "load-process" {
		os.Exit(command.Main(os.Args[1:], os.Stdout, os.Stderr))
	}
	goleak.VerifyTestMain(m)
}

func TestUsageErrors(t *testing.T) {
	cases := []struct{ name, args, want string }{
		{"a row", "-rows ecko-*", `-rows: there is no row "ecko-*": use some of echo-50-1, echo-50-16, poem, once, transform-50-1, transform-50-16, proxy, relay (`},
		{"a row of compare alone", "-rows latency", `there is no row "latency"`},
		{"a server", "-servers skien", `there is no server "skien": use some of skein, c, `},
		{"few operations", "-ops 99", "-ops 99: use 100 to 1000000"},
		{"many operations", "-ops 1000001", "-ops 1000001: use 100 to 1000000"},
		{"a flag", "-row echo", "flag provided but not defined: -row"},
		{"an argument", "echo", `"echo" is one argument too many`},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			status := command.Main(strings.Fields(tc.args), &stdout, &stderr)
			if status != 2 || stdout.Len() > 0 {
				t.Errorf("status %d with %q on standard output, want 2 and nothing", status, stdout.String())
			}
			if got := stderr.String(); !strings.Contains(got, tc.want) || strings.Count(got, "\n") != 1 {
				t.Errorf("it said %q, want one line with %q", got, tc.want)
			}
		})
	}
}

func TestHelp(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if status := command.Main([]string{"-help"}, &stdout, &stderr); status != 0 || stderr.Len() > 0 {
		t.Errorf("status %d with %q on standard error, want 0 and nothing", status, stderr.String())
	}
	for _, want := range []string{"Rows: echo-50-1, ", ", relay.", "Servers: skein, c, ", "-ops operations", "-busy", "status 130", "(Debian: valgrind)", "garbage"} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("there is no %q in\n%s", want, stdout.String())
		}
	}
}

func TestInstructions(t *testing.T) {
	const head = "# callgrind format\nversion: 1\npart: 1\n\npositions: line\n"
	cases := []struct {
		name, file string
		want       int64
		problem    string
	}{
		{"as it is", head + "events: Ir\nsummary: 5\n\nfn=(1) totals\n0 5\n\ntotals: 5\n", 5, ""},
		{"without an end of the line", head + "events: Ir\ntotals: 12345678901", 12345678901, ""},
		{"more events", head + "events: Ir Dr Dw\nsummary: 7 2 1\n\ntotals: 7 2 1\n", 7, ""},
		{"a long name", head + "events: Ir\nfn=(1) " + strings.Repeat("x", 1<<17) + "\ntotals: 7\n", 7, ""},
		{"other events", head + "events: Dr Ir\ntotals: 7 2\n", 0, "VALGRIND_OPTS"},
		{"no events", head + "totals: 7\n", 0, "no total"},
		{"cut short", head + "events: Ir\nsummary: 5\n\nfn=(1) main\n0 ", 0, "cut short"},
		{"no number", head + "events: Ir\ntotals: many\n", 0, `"many"`},
		{"too large", head + "events: Ir\ntotals: 99999999999999999999\n", 0, "out of range"},
		{"empty", "", 0, "no total"},
		{"something else", "\x00\x01\x02:\n:::\nevents:\ntotals:\n", 0, "no total"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			got, err := command.Instructions(strings.NewReader(tc.file))
			if tc.problem == "" && (got != tc.want || err != nil) {
				t.Errorf("got %d, %v; want %d", got, err, tc.want)
			}
			if tc.problem != "" && (err == nil || !strings.Contains(err.Error(), tc.problem)) {
				t.Errorf("got %d, %v; want an error with %q", got, err, tc.problem)
			}
		})
	}
	broken := errors.New("broken disk")
	if _, err := command.Instructions(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("the error is %v, want the disk's", err)
	}
}
