package poetry_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"

	"skein/apps/poetry"
)

func TestBuiltinPoems(t *testing.T) {
	poems := poetry.Builtin()
	if len(poems) != 3 {
		t.Fatalf("there are %d poems, want 3", len(poems))
	}
	lines := map[string]int{"Ozymandias": 14, "Sonnet — To Science": 14, "The Tyger": 24}
	for _, p := range poems {
		t.Run(p.Title, func(t *testing.T) {
			heading := p.Title + "\nby " + p.Author + "\n\n"
			text := string(p.Text)
			body, ok := strings.CutPrefix(text, heading)
			if !ok {
				t.Fatalf("the text does not begin with %q", heading)
			}
			if !utf8.ValidString(text) {
				t.Error("the text is not UTF-8")
			}
			if !strings.HasSuffix(text, "\n") || strings.HasSuffix(text, "\n\n") {
				t.Error("the text does not end in one newline")
			}
			if strings.ContainsAny(text, "\r\t") || strings.Contains(text, " \n") {
				t.Error("the text has white space that nobody sees")
			}
			if got := len(strings.FieldsFunc(body, func(r rune) bool { return r == '\n' })); got != lines[p.Title] {
				t.Errorf("the poem has %d lines, want %d", got, lines[p.Title])
			}
		})
	}
}

func TestPoemString(t *testing.T) {
	for want, p := range map[string]poetry.Poem{
		"“The Tyger” by William Blake": {Title: "The Tyger", Author: "William Blake"},
		"poems/ecstasy.txt":            {Title: "poems/ecstasy.txt"},
	} {
		if got := p.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestReadPoem(t *testing.T) {
	path := filepath.Join(t.TempDir(), "poem.txt")
	text := []byte("a line\r\nand \xff another")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := poetry.ReadPoem(path)
	if err != nil {
		t.Fatal(err)
	}
	if p.Title != path || p.Author != "" || !bytes.Equal(p.Text, text) {
		t.Errorf("got %q by %q: %q, want the file's own name and bytes", p.Title, p.Author, p.Text)
	}
}

func TestReadPoemErrors(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty.txt")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(dir, "secret.txt")
	if err := os.WriteFile(secret, []byte("x"), 0); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, path string
		cause      error
		skip       bool
	}{
		{"missing", filepath.Join(dir, "missing.txt"), fs.ErrNotExist, false},
		{"empty", empty, poetry.ErrEmptyPoem, false},
		{"directory", dir, syscall.EISDIR, false},
		{"below a file", filepath.Join(empty, "x"), syscall.ENOTDIR, false},
		{"unreadable", secret, fs.ErrPermission, os.Geteuid() == 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.skip {
				t.Skip("root may read everything")
			}
			_, err := poetry.ReadPoem(test.path)
			var pe *poetry.PoemError
			if !errors.As(err, &pe) || pe.Path != test.path {
				t.Fatalf("the error is %v, want a PoemError that names the file", err)
			}
			if !errors.Is(err, test.cause) {
				t.Errorf("%v is not found in %v", test.cause, err)
			}
			if strings.Count(err.Error(), test.path) != 1 {
				t.Errorf("%q does not name the file once", err)
			}
		})
	}
}
