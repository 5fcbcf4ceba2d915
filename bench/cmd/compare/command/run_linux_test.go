package command_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"skein/bench/cmd/compare/command"
	"skein/bench/cmd/compare/report"
)

// TestMain is the program of the loads, too: what is measured runs the program
// that it is in.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "load-process" {
		os.Exit(command.Main(os.Args[1:], os.Stdout, os.Stderr))
	}
	goleak.VerifyTestMain(m)
}

// compare runs the command, and skips where it would take too long.
func compare(t *testing.T, stderr *watcher, args ...string) (status int, stdout string) {
	t.Helper()
	if testing.Short() {
		t.Skip("it builds servers and lets them work")
	}
	var out bytes.Buffer
	status = command.Main(args, &out, stderr)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("status %d\n%s\n%s", status, stderr, out.String())
		}
	})
	return status, out.String()
}

// A watcher keeps what is written, and does something once when it has seen a
// text.
type watcher struct {
	mu   sync.Mutex
	buf  bytes.Buffer
	text string
	then func()
}

func (w *watcher) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.buf.Write(b)
	if w.then != nil && strings.Contains(w.buf.String(), w.text) {
		w.then()
		w.then = nil
	}
	return len(b), nil
}

func (w *watcher) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.String()
}

func TestRun(t *testing.T) {
	if _, err := exec.LookPath("cc"); err != nil {
		t.Skip("there is no C compiler: see TestWithoutACompiler")
	}
	folder := filepath.Join(t.TempDir(), "new")
	status, text := compare(t, &watcher{}, "-servers", "net", "-rows", "echo-50-?,relay,stream-1,latency", "-rounds", "2", "-slice", "30ms", "-out", folder)
	if status != 0 {
		t.Errorf("the status is %d, want 0", status)
	}
	r := readReport(t, folder)
	if r.Reference != "c" || len(r.Servers) != 2 || len(r.Sections) != 3 {
		t.Fatalf("the report is %+v, want net beside C in three sections", r)
	}
	for _, s := range r.Sections[:2] { // the ratios
		for _, row := range s.Rows {
			net, c := row.Cells["net"], row.Cells["c"]
			if net.Value <= 0 || net.Failed != "" || len(net.Rounds) != 2 || c.Value != 1 || row.Base <= 0 {
				t.Errorf("%s: net is %+v, C %+v of %v", row.Name, net, c, row.Base)
			}
		}
	}
	for _, want := range []string{"go run ./bench/cmd/compare -servers net -rows 'echo-50-?,relay,", "echo, 50 connections", "ns/64 KiB", "collections, number", "C = 1.00"} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %q in\n%s", want, text)
		}
	}
	micros := r.Sections[2].Rows
	if pause, count := micros[len(micros)-2].Cells["net"], micros[len(micros)-1].Cells["net"]; pause.Value <= 0 || count.Value < 50 {
		t.Errorf("net collected %v times with a pause of %v µs, want some pause of 50 at least", count.Value, pause.Value)
	}
	if file := read(t, folder, "compare.txt"); file != text {
		t.Errorf("the file differs from what was printed:\n%s", file)
	}
	if svg := read(t, folder, "compare.svg"); !strings.Contains(svg, "Go net") {
		t.Errorf("the picture lacks Go's net:\n%s", svg)
	}
}

func TestNoFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	stderr := &watcher{}
	var out bytes.Buffer
	status := command.Main([]string{"-out", filepath.Join(file, "results")}, &out, stderr)
	if status != 1 || !strings.HasPrefix(stderr.String(), "compare: -out: ") || !strings.Contains(stderr.String(), file) || out.Len() > 0 {
		t.Errorf("status %d, %q and %q, want 1 and the name at once", status, stderr, out.String())
	}
}

// TestInterrupted presses Ctrl-C in the second round.
func TestInterrupted(t *testing.T) {
	folder := t.TempDir()
	stderr := &watcher{text: "round 2 of", then: func() {
		if err := syscall.Kill(syscall.Getpid(), syscall.SIGINT); err != nil {
			t.Error(err)
		}
	}}
	status, text := compare(t, stderr, "-servers", "net", "-rows", "echo-50-*", "-rounds", "100", "-slice", "50ms", "-out", folder)
	if status != 130 || !strings.Contains(text, "NOT COMPLETE: it was interrupted\n") {
		t.Errorf("the status is %d, want 130, and a word of it in\n%s", status, text)
	}
	r := readReport(t, folder)
	if len(r.Sections) != 1 || len(r.Sections[0].Rows) != 1 {
		t.Fatalf("the report has %+v, want the one row that began", r.Sections)
	}
	for name, cell := range r.Sections[0].Rows[0].Cells {
		if len(cell.Rounds) == 0 || len(cell.Rounds) > 3 || cell.Failed != "" {
			t.Errorf("%s is %+v, want what the rounds before brought", name, cell)
		}
	}
}

// TestWithoutACompiler has a PATH with nothing but Go.
func TestWithoutACompiler(t *testing.T) {
	program, err := exec.LookPath("go")
	if err != nil {
		t.Skip(err)
	}
	bin := t.TempDir()
	if err := os.Symlink(program, filepath.Join(bin, "go")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin)
	t.Setenv("CGO_ENABLED", "0")
	folder := t.TempDir()
	status, text := compare(t, &watcher{}, "-servers", "net", "-rows", "echo-50-1", "-rounds", "1", "-slice", "20ms", "-out", folder)
	if status != 0 {
		t.Errorf("the status is %d, want 0", status)
	}
	for _, want := range []string{"epoll in Go = 1.00", "the reference (1.00) is the bare epoll loop in Go", "Left out: C: ", "install a C compiler"} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %q in\n%s", want, text)
		}
	}
	if r := readReport(t, folder); r.Reference != "epoll" {
		t.Errorf("the reference is %q", r.Reference)
	}
}

// TestAServerThatFails has a compiler whose program says that it listens, and
// does not.
func TestAServerThatFails(t *testing.T) {
	bin := t.TempDir()
	liar := `#!/bin/sh
[ "$1" = --version ] && { echo cc 0; exit; }
for last; do :; done
printf '#!/bin/sh\necho listening 127.0.0.1:1\ncat\n' >"$last"
chmod +x "$last"
`
	if err := os.WriteFile(filepath.Join(bin, "cc"), []byte(liar), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	t.Setenv("CGO_ENABLED", "0")
	stderr := &watcher{}
	status, text := compare(t, stderr, "-servers", "net", "-rows", "echo-50-1", "-rounds", "1", "-slice", "20ms")
	if status != 1 || !strings.Contains(stderr.String(), "compare: 2 of the figures could not be measured") {
		t.Errorf("the status is %d, want 1, and a word of it in\n%s", status, stderr)
	}
	for _, want := range []string{"failed [1]", "[1] C, echo, 50 connections: ", "connection refused", "[2] Go net, echo, 50 connections: there is no ratio"} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %q in\n%s", want, text)
		}
	}
}

func readReport(t *testing.T, folder string) report.Report {
	t.Helper()
	var r report.Report
	if err := json.Unmarshal([]byte(read(t, folder, "compare.json")), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func read(t *testing.T, folder, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
