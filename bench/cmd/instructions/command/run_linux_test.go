package command_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"skein/bench/cmd/instructions/command"
)

// needValgrind skips where there is none, and where it would take too long.
func needValgrind(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("it builds servers and lets them work under valgrind")
	}
	if _, err := exec.LookPath("valgrind"); err != nil {
		if os.Getenv("SKEIN_INTEROP") == "required" {
			t.Fatalf("valgrind is required: %v", err)
		}
		t.Skipf("valgrind is not installed: %v", err)
	}
}

// figures returns the figures of a row in the table that was printed.
func figures(t *testing.T, text, row string) (list []int) {
	t.Helper()
	for line := range strings.Lines(text) {
		cells := strings.Split(strings.Trim(line, "| \n"), "|")
		if strings.TrimSpace(cells[0]) != row {
			continue
		}
		for _, c := range cells[1:] {
			n, err := strconv.Atoi(strings.TrimSpace(c))
			if err != nil {
				t.Errorf("%s: %v in\n%s", row, err, text)
			}
			list = append(list, n)
		}
	}
	return list
}

// TestEchoTakesFewInstructions holds skein to a bound. It takes 860.
func TestEchoTakesFewInstructions(t *testing.T) {
	needValgrind(t)
	const bound = 1300
	var stdout, stderr bytes.Buffer
	status := command.Main([]string{"-rows", "echo-50-1", "-servers", "c,skein", "-busy"}, &stdout, &stderr)
	list := figures(t, stdout.String(), "echo-50-1")
	if status != 0 || len(list) != 2 {
		t.Fatalf("status %d, %q and\n%s\nwant 0 and two figures", status, &stderr, &stdout)
	}
	skein, c := list[0], list[1]
	if c <= 0 || skein <= c {
		t.Errorf("skein takes %d and a bare loop in C %d: that cannot be", skein, c)
	}
	if skein > bound {
		t.Errorf("an echo takes %d instructions, which is more than %d", skein, bound)
	}
}

// An interrupter keeps what is written, and interrupts this process when it has
// seen a text.
type interrupter struct {
	bytes.Buffer
	text string
}

func (i *interrupter) Write(b []byte) (int, error) {
	n, err := i.Buffer.Write(b)
	if strings.Contains(i.String(), i.text) {
		i.text = "\x00" // once
		err = syscall.Kill(syscall.Getpid(), syscall.SIGINT)
	}
	return n, err
}

// TestInterrupted presses Ctrl-C in the second row.
func TestInterrupted(t *testing.T) {
	needValgrind(t)
	var stdout bytes.Buffer
	stderr := &interrupter{text: "row 2 of 2"}
	status := command.Main([]string{"-rows", "echo-50-16,poem", "-servers", "c", "-ops", "10000", "-busy"}, &stdout, stderr)
	if status != 130 || !strings.Contains(stdout.String(), "NOT COMPLETE: it was interrupted\n") || !strings.HasSuffix(stderr.String(), "instructions: interrupted\n") {
		t.Errorf("status %d, %q and\n%s\nwant 130, and a word of it", status, stderr, &stdout)
	}
	if list := figures(t, stdout.String(), "echo-50-16"); len(list) != 1 || list[0] <= 0 {
		t.Errorf("there is no figure of the first row in\n%s", &stdout)
	}
}

// TestNoValgrind has a PATH with nothing in it.
func TestNoValgrind(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	var stdout, stderr bytes.Buffer
	status := command.Main(nil, &stdout, &stderr)
	if status != 1 || stdout.Len() > 0 || !strings.HasPrefix(stderr.String(), "instructions: ") || !strings.Contains(stderr.String(), "install it (Debian: valgrind)") {
		t.Errorf("status %d, %q and %q; want 1 and the package's name", status, &stderr, &stdout)
	}
}

// TestAServerThatFails has a valgrind that complains of everything.
func TestAServerThatFails(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds a server")
	}
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "valgrind"), []byte("#!/bin/sh\necho not with me >&2\nexit 3\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	// No C compiler: what is missing is no failure.
	program, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(program, filepath.Join(bin, "go")); err != nil {
		t.Fatal(err)
	}
	for _, tool := range []string{"env", "sh"} {
		path, err := exec.LookPath(tool)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(bin, tool)); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin)
	t.Setenv("CGO_ENABLED", "0")
	var stdout, stderr bytes.Buffer
	status := command.Main([]string{"-rows", "echo-50-1,proxy", "-servers", "net"}, &stdout, &stderr)
	if status != 1 || !strings.Contains(stderr.String(), "instructions: 2 of the figures could not be counted") {
		t.Errorf("status %d with %q, want 1 and how many failed", status, &stderr)
	}
	for _, want := range []string{" failed |", "\nGo net, echo-50-1: ", "\nGo net, proxy: ", "exit status 3", "not with me", "Left out: C: ", "install a C compiler"} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("there is no %q in\n%s", want, &stdout)
		}
	}
}
