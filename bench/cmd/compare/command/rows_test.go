package command_test

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"skein/bench/cmd/compare/command"
)

// parse reads a command line that is right.
func parse(t *testing.T, args ...string) command.Config {
	t.Helper()
	c, err := command.Parse(args...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestRows(t *testing.T) {
	all := parse(t).Rows()
	for i, name := range all {
		if slices.Contains(all[i+1:], name) {
			t.Errorf("there are two rows %q", name)
		}
	}
	cases := []struct{ patterns, want string }{
		{"poem", "poem"},
		{"stream-*, poem,poem", "poem stream-1 stream-100"}, // in the table's order, once
		{"echo-?0-*", "echo-50-1 echo-50-16"},
		{"*", strings.Join(all, " ")},
	}
	for _, tc := range cases {
		if got := strings.Join(parse(t, "-rows", tc.patterns).Rows(), " "); got != tc.want {
			t.Errorf("%q are %q, want %q", tc.patterns, got, tc.want)
		}
	}
}

func TestQuick(t *testing.T) {
	long, quick := parse(t), parse(t, "-quick")
	if quick.Rounds() >= long.Rounds() || quick.Slice() >= long.Slice() {
		t.Errorf("quick is %d rounds of %v", quick.Rounds(), quick.Slice())
	}
	if c := parse(t, "-quick", "-rounds", "9"); c.Rounds() != 9 || c.Slice() != quick.Slice() {
		t.Errorf("quick with 9 rounds is %d rounds of %v", c.Rounds(), c.Slice())
	}
	if c := parse(t, "-slice", "1s", "-quick"); c.Slice() != time.Second || c.Rounds() != quick.Rounds() {
		t.Errorf("quick with slices of 1s is %d rounds of %v", c.Rounds(), c.Slice())
	}
}

func TestAllOfItIsBounded(t *testing.T) {
	if got := parse(t).Plan(); got > 17*time.Minute || got < 5*time.Minute {
		t.Errorf("the plan is %v, want a quarter of an hour or so, and no wishes", got)
	}
	if one, two := parse(t, "-rounds", "5").Plan(), parse(t, "-rounds", "10").Plan(); two <= one {
		t.Errorf("10 rounds take %v and 5 take %v", two, one)
	}
}

func TestProgress(t *testing.T) {
	var out bytes.Buffer
	now := time.Unix(0, 0)
	c := parse(t, "-rows", "poem,once") // take as long as each other
	p := command.NewProgress(&out, false, c, func() time.Time { return now })
	p.Next()
	p.Step(0, 2, "round 0", "C")
	p.Step(0, 2, "round 0", "gnet") // the same line
	now = now.Add(time.Minute)
	p.Next()
	p.Step(0, 2, "round 0", "C")
	now = now.Add(30 * time.Second)
	p.Step(1, 2, "round 1", "gnet")
	p.End()
	lines := strings.Split(out.String(), "\n")
	if len(lines) != 4 || !strings.HasPrefix(lines[0], "row 1 of 2, poem: round 0, C first; about ") {
		t.Fatalf("the lines are\n%s", out.String())
	}
	// Half took a minute, so the other half will.
	if lines[1] != "row 2 of 2, once: round 0, C first; about 1m0s to go" ||
		lines[2] != "row 2 of 2, once: round 1, gnet first; about 30s to go" {
		t.Errorf("the lines are\n%s", out.String())
	}
}

func TestProgressOnATerminal(t *testing.T) {
	var out bytes.Buffer
	p := command.NewProgress(&out, true, parse(t, "-rows", "poem"), time.Now)
	p.Next()
	p.Step(0, 2, "round 0", "C")
	p.Step(1, 2, "round 0", "gnet")
	p.Say("a line")
	p.End()
	want := regexp.MustCompile(`^\r\x1b\[Krow 1 of 1, poem: round 0, C; about \w+ to go` +
		`\r\x1b\[Krow 1 of 1, poem: round 0, gnet; about \w+ to go\na line\n$`)
	if !want.MatchString(out.String()) {
		t.Errorf("the terminal got %q", out.String())
	}
}
