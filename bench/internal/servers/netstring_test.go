package servers_test

import (
	"bytes"
	"fmt"
	"testing"

	"skein/bench/internal/servers"
)

func TestAnswers(t *testing.T) {
	const a, b = "13:cummingsify.A,", "14:cummingsify.Bb,"
	cases := []struct {
		name, in, out string
		once          bool
		rest          string // of in
		failed        bool
	}{
		{name: "nothing"},
		{name: "one", in: a, out: "1:a,"},
		{name: "two", in: a + b, out: "1:a,2:bb,"},
		{name: "only one", in: a + b, out: "1:a,", once: true, rest: b},
		{name: "one and a piece", in: a + "14:cummingsify.B", out: "1:a,", rest: "14:cummingsify.B"},
		{name: "but for the comma", in: "13:cummingsify.A", rest: "13:cummingsify.A"},
		{name: "digits", in: "13", rest: "13"},
		{name: "five digits", in: "99999", rest: "99999"},
		{name: "an empty text", in: "12:cummingsify.,", out: "0:,"},
		{name: "what is no letter stays", in: "19:cummingsify.@AZ[`a{,", out: "7:@az[`a{,"},
		{name: "bytes", in: "14:cummingsify.\xc3\x84,", out: "2:\xc3\x84,"},
		{name: "six digits", in: "100000", failed: true},
		{name: "no digit", in: ":", failed: true},
		{name: "a letter", in: "1x", failed: true},
		{name: "another end", in: "13:cummingsify.A;", failed: true},
		{name: "another name", in: "7:shout.A,", failed: true},
		{name: "no name", in: "0:,", failed: true},
		{name: "one and a bad one", in: a + "x", out: "1:a,", rest: "x", failed: true},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			out, taken, n, err := servers.Answers([]byte("before "), []byte(tc.in), tc.once)
			if got := string(out); got != "before "+tc.out {
				t.Errorf("got %q", got)
			}
			if err != nil != tc.failed {
				t.Errorf("the error is %v", err)
			}
			if rest := tc.in[taken:]; !tc.failed && rest != tc.rest {
				t.Errorf("it left %q, want %q", rest, tc.rest)
			}
			if want := bytes.Count([]byte(tc.out), []byte(":")); n != want {
				t.Errorf("it says %d answers", n)
			}
		})
	}
}

// FuzzAnswers cuts any bytes in two: the answers, and whether they fail, are the
// same.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte("13:cummingsify.A,14:cummingsify.Bb,1"), 20)
	f.Add([]byte("13:cummingsify.A,7:shout.A,"), 3)
	f.Add([]byte("100000:"), 6)
	f.Fuzz(func(t *testing.T, in []byte, at int) {
		at = min(max(at, 0), len(in))
		whole, taken, n, failure := servers.Answers(nil, in, false)
		first, used, m, err := servers.Answers(nil, in[:at], false)
		if err == nil {
			var more int
			first, used, more, err = again(first, in, used)
			m += more
		}
		if got, want := fmt.Sprint(string(first), used, m, err), fmt.Sprint(string(whole), taken, n, failure); got != want {
			t.Errorf("cut at %d: %q, want %q", at, got, want)
		}
	})
}

// again goes on after a first piece.
func again(out, in []byte, used int) ([]byte, int, int, error) {
	out, taken, n, err := servers.Answers(out, in[used:], false)
	return out, used + taken, n, err
}
