package runner_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"skein/apps/skein/runner"
)

// written writes a deployment file.
func written(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "house.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Values are as they are written: YAML's ideas of octal numbers and the like do
// not count.
func TestDeploymentFile(t *testing.T) {
	cases := []struct {
		name, text  string
		names, args []string
	}{
		{"one", "services: [plugin: door]", []string{"door"}, nil},
		{"no name twice", "services: [plugin: door, {plugin: door}, {plugin: door, name: mine}, {plugin: door}]",
			[]string{"door", "door-2", "mine", "door-3"}, nil},
		{"the runner's options", "umask: 0022\ndaemon: no\ngrace: 1s\nservices: [plugin: door]\nlog-max-bytes: 1MiB",
			[]string{"door"}, []string{"--umask=0022", "--daemon=no", "--grace=1s", "--log-max-bytes=1MiB"}},
		{"aliases", "services:\n- plugin: &p door\n  options: &o {port: 0}\n- plugin: *p\n  options: *o", []string{"door", "door-2"}, nil},
		{"a value that looks like a flag", "pidfile: --umask\nservices: [plugin: door]", []string{"door"}, []string{"--pidfile=--umask"}},
		{"an empty value", "pidfile: ''\nservices: [{plugin: door, options: {path: ''}}]", []string{"door"}, []string{"--pidfile="}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			p := house()
			names, args, err := runner.ReadDeployment(&p, written(t, tc.text))
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(names, tc.names) || !slices.Equal(args, tc.args) {
				t.Errorf("it has %q and %q, want %q and %q", names, args, tc.names, tc.args)
			}
		})
	}
}

// Each mistake is one line that names the file, the line and the key.
func TestMistakesInADeploymentFile(t *testing.T) {
	cases := map[string]string{
		"":                                     ": there is nothing in it",
		"a: [":                                 ":1: this is not YAML: ",
		"a: 1\n---\nb: 2":                      ": there is a second document in it",
		"just words":                           ":1: here should be keys with values",
		"null":                                 ":1: here should be keys with values",
		"[a]: b":                               ":1: a key should be one word",
		"services: door":                       ":1: services: it takes a list of services",
		"services: []":                         ":1: services: it takes a list of services",
		"services: &s [*s]":                    ":1: here should be keys with values",
		"services: [{name: x}]":                ":1: the service has no plugin",
		"services: [{plugin: [door]}]":         ":1: plugin: it takes one value",
		"services: [{plugin: window}]":         `:1: plugin: there is no plugin "window", but door, broken, fragile, stubborn`,
		"services: [{plugin: door, a: 1}]":     ":1: a: a service has no such key, but plugin, name and options",
		"services: [{plugin: door, name: ''}]": `:1: name: "" is empty`,
		"services: [{plugin: door, options: [port]}]":            ":1: here should be keys with values",
		"services: [{plugin: door, options: {help: true}}]":      ":1: help: door has no such option, but port, path",
		"services: [{plugin: door, options: {port=1: 2}}]":       ":1: port=1: door has no such option",
		"services: [{plugin: door, options: {port: {a: b}}}]":    ":1: port: it takes a value",
		"services: [{plugin: door, options: {port: -1}}]":        `:1: port: "-1" is not a port`,
		"services: [{plugin: door, options: {port: \"a\\nb\"}}]": `:1: port: "a\nb" is not a port`,
		"daemon: maybe\nservices: [plugin: door]":                ":1: daemon: ",
		"help: true":                        ":1: help: the runner has no such option",
		"workers: 0":                        `:1: workers: "0" is not a number from 1 up`,
		strings.Repeat("# long\n", 200_000): ": it is longer than 1048576 bytes",
	}
	for text, want := range cases {
		p := house()
		path := written(t, text)
		_, _, err := runner.ReadDeployment(&p, path)
		var fe *runner.FileError
		if !errors.As(err, &fe) {
			t.Errorf("%q: the error is %v", text, err)
			continue
		}
		if got := err.Error(); !strings.HasPrefix(got, path+want) || strings.Contains(got, "\n") {
			t.Errorf("%.80q: it says %q, want %q", text, strings.TrimPrefix(got, path), want)
		}
	}
}

// Whatever is in a file, it is read, or one line says why not. What its values
// mean is for the command line's parser, which walks maps: the fuzzer would not
// find its way there.
func FuzzDocument(f *testing.F) {
	examples, err := filepath.Glob("../examples/*.yaml")
	if err != nil || len(examples) == 0 {
		f.Fatal("there are no examples", err)
	}
	for _, path := range examples {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("services:\n- plugin: door\n  options: {port: 0, path: &a x}\n- {plugin: door, name: *a}\ngrace: 1s"))
	f.Fuzz(func(t *testing.T, text []byte) {
		err := runner.WalkDocument(text)
		var fe *runner.FileError
		switch {
		case err == nil:
		case !errors.As(err, &fe):
			t.Errorf("the error is %v", err)
		case strings.Contains(err.Error(), "\n"):
			t.Errorf("it does not say one line, but %q", err)
		}
	})
}
