package rows_test

import (
	"strings"
	"testing"

	"skein/bench/internal/rows"
)

func TestTheTable(t *testing.T) {
	named := map[string]bool{}
	for _, r := range rows.All() {
		if r.Name == "" || r.Label == "" || r.Work == "" || named[r.Name] {
			t.Errorf("%+v lacks something, or its name is another one's", r)
		}
		named[r.Name] = true
	}
}

func TestChoose(t *testing.T) {
	table := rows.All()[4:8] // echo-10000-1, echo-10000-16, poem, once
	cases := []struct{ patterns, want, problem string }{
		{"once, echo-*-1", "echo-10000-1, once", ""}, // in the table's order
		{"*,once", rows.Names(table), ""},
		{"relay", "", `-rows: there is no row "relay": use some of echo-10000-1, echo-10000-16, poem, once`},
		{"once,", "", `there is no row ""`},
		{"[", "", `-rows "[": syntax error in pattern`},
	}
	for _, tc := range cases {
		list, err := rows.Choose(table, tc.patterns)
		if tc.problem != "" {
			if err == nil || !strings.Contains(err.Error(), tc.problem) {
				t.Errorf("%q: the error is %v, want %q in it", tc.patterns, err, tc.problem)
			}
			continue
		}
		if got := rows.Names(list); err != nil || got != tc.want {
			t.Errorf("%q are %q, %v; want %q", tc.patterns, got, err, tc.want)
		}
	}
}

func TestArgs(t *testing.T) {
	want := map[string]string{
		"echo-50-1": "echo", "poem": "poem -poem 3072", "once": "once", "transform-50-16": "transform",
		"proxy": "proxy -origin host:1", "relay": "relay -origin host:1", "stream-1": "stream -stream 1073741824",
	}
	found := 0
	for _, r := range rows.All() {
		if args, known := want[r.Name]; known {
			found++
			if got := strings.Join(r.Args("host:1"), " "); got != args {
				t.Errorf("%s: a server is run with %q, want %q", r.Name, got, args)
			}
		}
	}
	if found != len(want) {
		t.Errorf("%d of the %d rows are in the table", found, len(want))
	}
}
