package command_test

import (
	"bytes"
	"strings"
	"testing"

	"skein/bench/cmd/compare/command"
)

func TestUsageErrors(t *testing.T) {
	cases := []struct{ name, args, want string }{
		{"a row", "-rows ecko-*", `-rows: there is no row "ecko-*": use some of echo-50-1, `},
		{"one of the rows", "-rows echo-*,none", `there is no row "none"`},
		{"an empty row", "-rows poem,", `there is no row ""`},
		{"a pattern", "-rows [", `-rows "[": syntax error in pattern: use names with * and ?`},
		{"a server", "-servers skien", `there is no server "skien": use some of skein, c, `},
		{"rounds", "-rounds 0", "-rounds 0: use 1 to 1000"},
		{"many rounds", "-rounds 1001", "-rounds 1001: use 1 to 1000"},
		{"no rounds", "-rounds x", `invalid value "x"`},
		{"a short slice", "-slice 1ms", "-slice 1ms: use 10ms to 1m"},
		{"a long slice", "-slice 1h", "-slice 1h0m0s: use 10ms to 1m"},
		{"a slice without a unit", "-slice 400", `invalid value "400"`},
		{"rate", "-rate 1", "-rate 1: use 100 to 1000000"},
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
	for _, flag := range []string{"-help", "-h", "--help"} {
		var stdout, stderr bytes.Buffer
		if status := command.Main([]string{flag}, &stdout, &stderr); status != 0 || stderr.Len() > 0 {
			t.Errorf("%s: status %d with %q on standard error, want 0 and nothing", flag, status, stderr.String())
		}
		for _, want := range []string{"Rows: echo-50-1, ", ", scale.", "Servers: skein, c, ", "-rounds N", "status 130", " minutes "} {
			if !strings.Contains(stdout.String(), want) {
				t.Errorf("%s: there is no %q in\n%s", flag, want, stdout.String())
			}
		}
	}
}
