package drive

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"skein/bench/internal/proc"
)

// A process that carries a load is told "run OPS" or "for NANOSECONDS" on its
// input, and answers with a reply in one line. The first reply comes unasked,
// when the load is open. It ends with its input.

// A reply is what the process says.
type reply struct {
	Result   *Result
	InFlight int
	Error    string // "" if all went well
	Kind     int    // which of the kinds it is, or -1
}

// kinds are the errors that are told apart across the pipe.
var kinds = []error{ErrSilent, ErrClosed, ErrWrong}

// A remote is a load in another process.
type remote struct {
	process  *proc.Process
	inFlight int
}

// Spawn opens a load in a process of its own, on a core (one below zero stands
// for any): argv runs a program that calls Main with the arguments that follow
// those in argv. Closing the load ends it.
func Spawn(core int, argv []string, w Work, addr string) (Load, error) {
	spec, err := json.Marshal(w)
	if err != nil {
		return nil, fmt.Errorf("drive: %w", err)
	}
	process, err := proc.Launch(core, append(argv[:len(argv):len(argv)], workName(w), string(spec), addr)...)
	if err != nil {
		return nil, err
	}
	m := &remote{process: process}
	line, err := process.Line(runLimit)
	if err == nil {
		err = m.answer(line, nil)
	}
	if err != nil {
		_ = process.Stop() // what went wrong is known
		return nil, err
	}
	return m, nil
}

// Run does operations, see Load.
func (m *remote) Run(ops int, r *Result) error { return m.ask("run", int64(ops), 0, r) }

// RunFor does operations, see Load.
func (m *remote) RunFor(d time.Duration, r *Result) error { return m.ask("for", int64(d), d, r) }

// InFlight is how many operations are under way at once.
func (m *remote) InFlight() int { return m.inFlight }

// Close ends the process.
func (m *remote) Close() error { return m.process.Stop() }

// ask has the process do a run.
func (m *remote) ask(verb string, n int64, d time.Duration, r *Result) error {
	line, err := m.process.Ask(verb+" "+strconv.FormatInt(n, 10), d+2*runLimit)
	if err != nil {
		return err
	}
	return m.answer(line, r)
}

// answer reads a reply.
func (m *remote) answer(line string, r *Result) error {
	var a reply
	if err := json.Unmarshal([]byte(line), &a); err != nil {
		return fmt.Errorf("drive: a load said %q: %w", line, err)
	}
	if r != nil && a.Result != nil {
		r.Merge(a.Result)
	}
	m.inFlight = a.InFlight
	switch {
	case a.Error == "":
		return nil
	case a.Kind >= 0 && a.Kind < len(kinds):
		return &remoteError{a.Error, kinds[a.Kind]}
	}
	return errors.New(a.Error)
}

// A remoteError is an error of another process.
type remoteError struct {
	text string
	kind error
}

// Error is what the other process said.
func (e *remoteError) Error() string { return e.text }

// Unwrap is the kind of the error.
func (e *remoteError) Unwrap() error { return e.kind }

// Main is the program of Spawn, and returns its exit status.
func Main(args []string) int {
	if len(args) != 3 {
		fmt.Fprintln(os.Stderr, "want WORK SPEC HOST:PORT: Spawn knows how")
		return 2
	}
	out := json.NewEncoder(os.Stdout)
	load, err := openNamed(args[0], args[1], args[2])
	if err != nil {
		_ = out.Encode(replyOf(nil, 0, err))
		return 0
	}
	if err := serve(load, out); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// serve does what the input says, to its end.
func serve(load Load, out *json.Encoder) error {
	if err := out.Encode(replyOf(nil, load.InFlight(), nil)); err != nil {
		return err
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		verb, number, _ := strings.Cut(lines.Text(), " ")
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return err
		}
		r := NewResult()
		if verb == "for" {
			err = load.RunFor(time.Duration(n), r)
		} else {
			err = load.Run(int(n), r)
		}
		if err := out.Encode(replyOf(r, load.InFlight(), err)); err != nil {
			return err
		}
	}
	return errors.Join(lines.Err(), load.Close())
}

// replyOf makes a reply.
func replyOf(r *Result, inFlight int, err error) reply {
	a := reply{Result: r, InFlight: inFlight, Kind: -1}
	if err == nil {
		return a
	}
	a.Error = err.Error()
	for i, kind := range kinds {
		if errors.Is(err, kind) {
			a.Kind = i
		}
	}
	return a
}

// workName is what a kind of work is called, such as "drive.Echo".
func workName(w Work) string { return fmt.Sprintf("%T", w) }

// openNamed opens a load that is described in words.
func openNamed(name, spec, addr string) (Load, error) {
	for _, w := range []Work{&Echo{}, &Transform{}, &Idle{}, &Fetch{}, &TransformOnce{}, &Stream{}, &Paced{}} {
		if strings.TrimPrefix(workName(w), "*") != name {
			continue
		}
		if err := json.Unmarshal([]byte(spec), w); err != nil {
			return nil, fmt.Errorf("drive: %s %s: %w", name, spec, err)
		}
		return w.Open(addr)
	}
	return nil, fmt.Errorf("drive: there is no work %q", name)
}
