package registry_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"skein/bench/cmd/compare/registry"
)

func names(list []registry.Server) string {
	var names []string
	for _, s := range list {
		names = append(names, s.Name)
	}
	return strings.Join(names, " ")
}

func TestChoose(t *testing.T) {
	all := names(registry.All())
	cases := []struct{ list, want, problem string }{
		{"", all, ""},
		{"  ", all, ""},
		{"net,skein", "skein c net", ""}, // in the table's order, with the reference
		{"c", "c", ""},
		{" twisted , twisted", "c twisted", ""},
		{"skien", "", `-servers: there is no server "skien": use some of skein, c, `},
		{"skein,", "", `there is no server ""`},
		{"Skein", "", `there is no server "Skein"`},
	}
	for _, tc := range cases {
		t.Run(tc.list, func(t *testing.T) {
			list, err := registry.Choose(tc.list)
			if tc.problem != "" {
				if err == nil || !strings.Contains(err.Error(), tc.problem) {
					t.Errorf("the error is %v, want %q in it", err, tc.problem)
				}
				return
			}
			if got := names(list); err != nil || got != tc.want {
				t.Errorf("got %q and %v, want %q", got, err, tc.want)
			}
		})
	}
}

func TestTheTable(t *testing.T) {
	root := root(t)
	labels := map[string]bool{}
	for _, s := range registry.All() {
		if s.Name == "" || s.Label == "" || s.Remedy == "" || labels[s.Label] {
			t.Errorf("%+v lacks something, or its label is another one's", s)
		}
		labels[s.Label] = true
		if found, ok := registry.Find(s.Name); !ok || found.Label != s.Label {
			t.Errorf("%s cannot be found", s.Name)
		}
		if version, err := registry.Check(t.Context(), root, s); err == nil && strings.TrimSpace(version) == "" {
			t.Errorf("%s has no version", s.Name)
		}
	}
	if _, ok := registry.Find("nobody"); ok {
		t.Error("nobody was found")
	}
}

// TestWhatIsMissing looks for the servers where there are no programs.
func TestWhatIsMissing(t *testing.T) {
	root := root(t)
	t.Setenv("PATH", t.TempDir())
	for _, s := range registry.All() {
		if s.Name == "twisted" || s.Name == "uvloop" { // their interpreter is not looked up
			continue
		}
		_, err := registry.Check(t.Context(), root, s)
		var missing *registry.Missing
		if !errors.As(err, &missing) {
			t.Errorf("%s: the error is %v, want a *Missing", s.Name, err)
			continue
		}
		if !errors.Is(err, exec.ErrNotFound) || !strings.HasPrefix(err.Error(), s.Label+": ") || !strings.HasSuffix(err.Error(), "; "+s.Remedy) {
			t.Errorf("%s: %q does not tell who, why and what to do", s.Name, err)
		}
	}
}

// TestALibraryIsMissing has a compiler that knows no headers.
func TestALibraryIsMissing(t *testing.T) {
	bin := t.TempDir()
	script(t, bin, "cc", `case "$1" in --version) echo cc 1.0; echo more;; *) echo first >&2; echo "no such header" >&2; exit 1;; esac`)
	t.Setenv("PATH", bin+":/usr/bin:/bin")
	libuv, _ := registry.Find("libuv")
	_, err := registry.Check(t.Context(), root(t), libuv)
	if err == nil || !strings.Contains(err.Error(), "there is no uv.h: ") ||
		!strings.Contains(err.Error(), "(no such header)") || !strings.Contains(err.Error(), "libuv1-dev") {
		t.Errorf("the error is %v, want the header, the compiler's last word and the remedy in it", err)
	}
	c, _ := registry.Find("c")
	if version, err := registry.Check(t.Context(), root(t), c); err != nil || version != "cc 1.0" {
		t.Errorf("C needs no header, and has version %q, %v; want cc 1.0", version, err)
	}
}

func TestBuild(t *testing.T) {
	bin, out := t.TempDir(), t.TempDir()
	script(t, bin, "cc", `echo run >>`+bin+`/log; case "$*" in *epoll.c*) echo "bad code" >&2; exit 1;; esac`)
	script(t, bin, "node", "exit 0")
	t.Setenv("PATH", bin+":/usr/bin:/bin")
	b := registry.NewBuilder(root(t), out)

	c, _ := registry.Find("c")
	for range 2 {
		_, err := b.Build(t.Context(), c)
		if err == nil || !strings.Contains(err.Error(), "C cannot be built: cc -O2 bench/peers/c/epoll.c -o ") || !strings.Contains(err.Error(), "bad code") {
			t.Errorf("the error is %v, want the command and its words in it", err)
		}
	}
	libuv, _ := registry.Find("libuv")
	argv, err := b.Build(t.Context(), libuv)
	if want := []string{filepath.Join(out, "libuv-server")}; err != nil || !slices.Equal(argv, want) {
		t.Errorf("libuv is run as %q, %v; want %q", argv, err, want)
	}
	runs, err := os.ReadFile(filepath.Join(bin, "log"))
	if err != nil || strings.Count(string(runs), "run") != 2 {
		t.Errorf("the compiler ran as %q, %v; want once for each", runs, err)
	}

	node, _ := registry.Find("node")
	argv, err = b.Build(t.Context(), node)
	if err != nil || len(argv) != 2 || argv[0] != filepath.Join(bin, "node") || filepath.Base(argv[1]) != "server.js" {
		t.Errorf("Node is run as %q, %v", argv, err)
	}
	if _, err := registry.NewBuilder(t.TempDir(), out).Build(t.Context(), node); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a script that is not there: %v", err)
	}
}

// TestTemporaryFiles has a compiler tell where it would put them: an interruption
// leaves them there, so they must be where the programs are.
func TestTemporaryFiles(t *testing.T) {
	bin, out := t.TempDir(), t.TempDir()
	script(t, bin, "cc", `echo "$TMPDIR $GOTMPDIR"; exit 1`)
	t.Setenv("PATH", bin+":/usr/bin:/bin")
	t.Setenv("TMPDIR", bin)
	c, _ := registry.Find("c")
	_, err := registry.NewBuilder(root(t), out).Build(t.Context(), c)
	if err == nil || !strings.Contains(err.Error(), out+" "+out+"\n") {
		t.Errorf("the error is %v, want one with %s twice", err, out)
	}
}

func TestRoot(t *testing.T) {
	if _, err := os.Stat(filepath.Join(root(t), "bench", "doc.go")); err != nil {
		t.Error(err)
	}
	if _, err := registry.Root(t.TempDir()); err == nil || !strings.Contains(err.Error(), "is not in skein's source") {
		t.Errorf("elsewhere the error is %v", err)
	}
}

// root is the module's root folder, found from a folder in it.
func root(t *testing.T) string {
	t.Helper()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	root, err := registry.Root(here)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// script puts a program into a folder.
func script(t *testing.T, folder, name, body string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, name), []byte("#!/bin/sh\n"+body+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
}
