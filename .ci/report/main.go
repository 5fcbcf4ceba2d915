// Command report reads the events of go test -json from its standard input and
// shows what go test without -v would: a line for each package, and all that a
// test which failed has said. Beside that it writes to its two arguments
//
//	the tests that were skipped, as lines "package test";
//	what the tests that failed complain of, in short, and the closing line
//	"tests: N passed, N failed, N skipped".
//
// Subtests count as tests, and so does a package that fails without one.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
)

// event is a line of go test -json; see "go doc test2json".
type event struct {
	Action  string
	Package string
	Test    string
	Output  string
}

// test names a test, or a package if it has no name.
type test struct{ pkg, name string }

// report is what has been read so far.
type report struct {
	out     io.Writer
	said    map[test][]string // the output of tests that still run
	order   []test            // those tests, in the order in which they spoke first
	skipped []test
	counts  map[string]int  // by action
	blamed  map[string]bool // packages of which a test has failed
	amiss   strings.Builder // what tests that failed complain of
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: go test -json | report SKIPS COUNTS")
		os.Exit(2)
	}
	r := &report{out: os.Stdout, said: map[test][]string{}, counts: map[string]int{}, blamed: map[string]bool{}}
	err := r.read(os.Stdin)
	var skips strings.Builder
	for _, t := range r.skipped {
		fmt.Fprintln(&skips, t.pkg, t.name)
	}
	line := fmt.Sprintf("tests: %d passed, %d failed, %d skipped\n", r.counts["pass"], r.counts["fail"], r.counts["skip"])
	for i, text := range []string{skips.String(), r.amiss.String() + line} {
		if e := os.WriteFile(os.Args[1+i], []byte(text), 0o644); err == nil {
			err = e
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1)
	}
}

// read takes events until there are no more. A line that is none, such as an
// error of the go command, is passed on.
func (r *report) read(in io.Reader) error {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		var e event
		if json.Unmarshal([]byte(line), &e) == nil {
			r.take(e)
		} else {
			fmt.Fprint(r.out, line)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// take takes one event.
func (r *report) take(e event) {
	t := test{e.Package, e.Test}
	switch e.Action {
	case "build-output":
		fmt.Fprint(r.out, e.Output)
	case "output":
		r.hear(t, e.Output)
	case "pass", "fail", "skip":
		r.end(t, e.Action)
	}
}

// hear shows what a package says itself, and keeps what a test says.
func (r *report) hear(t test, output string) {
	switch {
	case t.name == "":
		if output != "PASS\n" && !strings.HasPrefix(output, "?") {
			fmt.Fprint(r.out, output)
		}
	case strings.HasPrefix(output, "=== "):
	default:
		if len(r.said[t]) == 0 {
			r.order = append(r.order, t)
		}
		r.said[t] = append(r.said[t], output)
	}
}

// end notes how a test or a package has ended. Tests that have not ended when
// their package does are the ones that it has crashed in.
func (r *report) end(t test, action string) {
	if t.name == "" {
		for _, other := range slices.Clone(r.order) {
			if other.pkg == t.pkg {
				r.tell(other, action == "fail")
			}
		}
		if action == "fail" && !r.blamed[t.pkg] { // it did not compile, or crashed
			r.counts[action]++
		}
		return
	}
	r.counts[action]++
	switch action {
	case "skip":
		r.skipped = append(r.skipped, t)
	case "fail":
		r.blamed[t.pkg] = true
	}
	r.tell(t, action == "fail")
}

// tell forgets what a test has said, and shows it if it is worth it.
func (r *report) tell(t test, show bool) {
	if show {
		fmt.Fprintf(r.out, "---- %s %s\n%s", t.pkg, t.name, strings.Join(r.said[t], ""))
		r.note(t)
	}
	delete(r.said, t)
	r.order = slices.DeleteFunc(r.order, func(o test) bool { return o == t })
}

// complaint is the first line of what a test gives to t.Error or t.Log.
var complaint = regexp.MustCompile(`^ +\S+\.go:\d+: `)

// note keeps the last complaints of a test, each as far as one line of it goes: what
// it has logged beside them may be long.
func (r *report) note(t test) {
	const most, wide = 20, 300
	said := slices.DeleteFunc(slices.Clone(r.said[t]), func(line string) bool { return !complaint.MatchString(line) })
	fmt.Fprintf(&r.amiss, "failed: %s %s\n", t.pkg, t.name)
	for _, line := range said[max(0, len(said)-most):] {
		line = strings.TrimRight(line, "\n")
		fmt.Fprintln(&r.amiss, line[:min(len(line), wide)])
	}
}
