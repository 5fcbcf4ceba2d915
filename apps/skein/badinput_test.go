package main_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// Bad deployment files are answered with one line that names the line and the key,
// in the same words in the foreground and detached, and leave nothing.
func TestBadDeploymentFiles(t *testing.T) {
	t.Parallel()
	const good = "services: [{plugin: fastpoetry, options: {port: 0}}]\n"
	for name, c := range map[string]struct{ text, says string }{
		"empty":                     {"", `f.yaml: there is nothing in it`},
		"only a comment":            {"# nothing\n", `f.yaml: there is nothing in it`},
		"null":                      {"~\n", `f.yaml:1: here should be keys with values`},
		"text":                      {"hello\n", `f.yaml:1: here should be keys with values`},
		"a list":                    {"- a\n- b\n", `f.yaml:1: here should be keys with values`},
		"not YAML":                  {"services:\n  - plugin: fastpoetry\n   options: {\n", `f.yaml:\d+: this is not YAML: `},
		"not YAML in the first":     {"\t- a: b\n", `f.yaml: this is not YAML: `},
		"binary":                    {"\x7fELF\x00\x01\xff", `f.yaml: this is not YAML: `},
		"two documents":             {good + "---\n" + good, `f.yaml: there is a second document in it`},
		"an unknown alias":          {"services: *a\n", `f.yaml: this is not YAML: unknown anchor`},
		"a key twice":               {good + "grace: 1s\ngrace: 2s\n", `f.yaml:3: grace: it is there twice`},
		"an unknown key":            {good + "\npidfle: x.pid\n", `f.yaml:3: pidfle: the runner has no such option, but services, log-level`},
		"an unknown key of service": {"services:\n  - plugin: fastpoetry\n    optionen: {}\n", `f.yaml:3: optionen: a service has no such key, but plugin, name and options`},
		"an unknown option":         {"services:\n  - plugin: fastpoetry\n    options:\n      port: 0\n      prot: 0\n", `f.yaml:5: prot: fastpoetry has no such option, but port, iface, poem`},
		"an unknown plugin":         {"services:\n  - plugin: poetry\n", `f.yaml:2: plugin: there is no plugin "poetry", but fastpoetry`},
		"no services":               {"grace: 1s\n", `f.yaml:1: there are no services`},
		"services that are one":     {"services: {plugin: fastpoetry}\n", `f.yaml:1: services: it takes a list`},
		"services that are none":    {"services: []\n", `f.yaml:1: services: it takes a list`},
		"a service that is text":    {"services:\n  - fastpoetry\n", `f.yaml:2: here should be keys with values`},
		"options that are a number": {"services:\n  - plugin: fastpoetry\n    options: 5\n", `f.yaml:3: here should be keys with values`},
		"a port that is a map":      {"services:\n  - plugin: fastpoetry\n    options:\n      port: {a: b}\n", `f.yaml:4: port: it takes a value`},
		"a port that is a list":     {"services:\n  - plugin: fastpoetry\n    options:\n      port: [1, 2]\n", `f.yaml:4: port: it takes one value`},
		"a port that is text":       {"services:\n  - plugin: fastpoetry\n    options:\n      port: http\n", `f.yaml:4: port: "http" is not a port`},
		"a port that is no integer": {"services:\n  - plugin: fastpoetry\n    options:\n      port: 1.5\n", `f.yaml:4: port: "1.5" is not a port`},
		"a port that is missing":    {"services:\n  - plugin: fastpoetry\n    options:\n      port:\n", `f.yaml:4: port: it takes a value`},
		"a time without a unit":     {good + "grace: 5\n", `f.yaml:2: grace: "5" is not a time`},
		"a number that is text":     {good + "workers: two\n", `f.yaml:2: workers: "two" is not a number from 1 up`},
		"a switch that is a number": {good + "syslog: 7\n", `f.yaml:2: syslog: .*must be true`},
		"a level that is none":      {good + "log-level: loud\n", `f.yaml:2: log-level: .*"loud"`},
		"an empty user":             {good + "uid: \"\"\n", `f.yaml:2: uid: it is empty: `},
		"a user that is nobody":     {good + "uid: nobody-of-this-name\n", `--uid nobody-of-this-name: there is no such name`},
		"a umask that is none":      {good + "umask: 9\n", `--umask 9: that is not an octal number`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			must(t, os.WriteFile(filepath.Join(dir, "f.yaml"), []byte(c.text), 0o600))
			refused(t, dir, 1, "^ERR "+c.says, "run", "f.yaml")
		})
	}
}

// Bad values on the command line, and folders that are none.
func TestBadCommandLines(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "localhost:0")
	must(t, err)
	defer func() { _ = taken.Close() }()
	_, port, err := net.SplitHostPort(taken.Addr().String())
	must(t, err)
	// Each has a folder of its own: the pid file is there for a moment.
	folder := func(t *testing.T) string {
		dir := t.TempDir()
		must(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o600))
		return dir
	}
	t.Run("group", func(t *testing.T) {
		for _, c := range []struct {
			status int
			args   string
			says   string
		}{
			{1, "--poem missing", `can't serve "missing": no such file or directory`},
			{1, "--poem .", `can't serve ".": is a directory`},
			{1, "--port " + port, `couldn't listen on localhost:` + port + `: address already in use`},
			{1, "--iface 192.0.2.1", `couldn't listen on 192.0.2.1:0: .*--iface takes`},
			{1, "--stats 192.0.2.1:0", `the stats page: couldn't listen on 192.0.2.1:0: `},
			{1, "--uid nobody-of-this-name", `--uid nobody-of-this-name: there is no such name`},
			{1, "--uid -1", `--uid -1: there is no such name`},
			{1, "--gid nobody-of-this-name", `--gid nobody-of-this-name: there is no such name`},
			{1, "--umask 9", `--umask 9: .*octal`},
			{1, "--umask 1777", `--umask 1777: .*octal`},
			{1, "--rundir missing", `--rundir missing: no such file or directory`},
			{1, "--rundir file", `--rundir file: that is not a directory`},
			{1, "--pidfile missing/x.pid", `the pid file \S*missing/x.pid cannot be used: no such file or directory: create the folder`},
			{1, "--pidfile file/x.pid", `the pid file \S*file/x.pid cannot be used: not a directory`},
			{1, "--pidfile .", `the pid file \S+ cannot be used: is a directory`},
			{1, "--pidfile /dev/null", `the pid file /dev/null cannot be used: it is not a regular file`},
			{1, "--logfile missing/x.log", `the log file \S*missing/x.log cannot be opened: no such file or directory: create the folder`},
			{1, "--logfile .", `the log file \S+ cannot be opened: is a directory`},
			{1, "--workers 2 --port " + port, `couldn't listen on localhost:` + port + `: address already in use`},
			{1, "--workers 2 --poem missing", `can't serve "missing": no such file or directory`},
			{2, "--workers 0", `skein: .*--workers: "0" is not a number from 1 up`},
			{2, "--uid=", `skein: .*--uid: it is empty: `},
			{2, "--gid=", `skein: .*--gid: it is empty: `},
			{2, "--umask=", `skein: .*--umask: it is empty: `},
			{2, "--chroot=", `skein: .*--chroot: it is empty: `},
			{2, "--rundir=", `skein: .*--rundir: it is empty: `},
			{2, "--prot 1", `skein: unknown flag --prot`},
			{2, "verse", `skein: unexpected argument verse`},
		} {
			t.Run(c.args, func(t *testing.T) {
				t.Parallel()
				says := c.says
				if c.status == 1 {
					says = "ERR " + says
				}
				args := append([]string{"fastpoetry"}, strings.Fields(c.args)...)
				if !strings.Contains(c.args, "--port") {
					args = append(args, "--port", "0")
				}
				refused(t, folder(t), c.status, "^"+says, args...)
			})
		}
	})
	if os.Geteuid() != 0 {
		refused(t, folder(t), 1, "^ERR --chroot file: ", "fastpoetry", "--port", "0", "--chroot", "file")
		return
	}
	refused(t, folder(t), 1, "^ERR --chroot file: that is not a directory", "fastpoetry", "--port", "0", "--chroot", "file")
	refused(t, folder(t), 1, "^ERR --chroot missing: no such file", "fastpoetry", "--port", "0", "--chroot", "missing")
}

// A start that fails late gives back the ports that it has bound.
func TestAStartThatFailsIsTakenBack(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "localhost:0")
	must(t, err)
	defer func() { _ = taken.Close() }()
	_, port, err := net.SplitHostPort(taken.Addr().String())
	must(t, err)
	for _, workers := range []string{"1", "2"} {
		first, err := net.Listen("tcp", "localhost:0")
		must(t, err)
		_, free, err := net.SplitHostPort(first.Addr().String())
		must(t, err)
		must(t, first.Close())
		refused(t, t.TempDir(), 1, "^ERR couldn't listen on localhost:"+port,
			"transform", "--port", free, "--line-port", port, "--workers", workers)
		again, err := net.Listen("tcp", "localhost:"+free)
		must(t, err)
		must(t, again.Close())
	}
}

// Of daemons that are started at the same moment, one wins.
func TestDaemonsAtTheSameMoment(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const contenders = 5
	var all sync.WaitGroup
	var said [contenders]bytes.Buffer
	var ends [contenders]error
	for i := range contenders {
		c := exec.Command("skein", "fastpoetry", "--port", "0", "--daemon")
		c.Dir, c.Stderr = dir, &said[i]
		all.Go(func() { ends[i] = c.Run() })
	}
	all.Wait()
	pid := pidIn(t, filepath.Join(dir, "skein.pid"))
	won := 0
	for i := range contenders {
		text := clock.ReplaceAllString(said[i].String(), "")
		var exit *exec.ExitError
		switch {
		case ends[i] == nil && text == "":
			won++
		case errors.As(ends[i], &exit) && exit.ExitCode() == 1 &&
			regexp.MustCompile(`^ERR another skein is running(, with pid `+fmt.Sprint(pid)+`)? \(pid file \S+\)\n$`).MatchString(text):
		default:
			t.Errorf("one ended with %v, and said %q", ends[i], text)
		}
	}
	if won != 1 {
		t.Errorf("%d of %d have started", won, contenders)
	}
	c := exec.Command("skein", "stop")
	c.Dir = dir
	if said, err := c.CombinedOutput(); err != nil {
		t.Fatalf("stop: %v: %s", err, said)
	}
}

// refused runs skein in a folder, in the foreground and with --daemon: both must
// end with this status and the same one line, which matches says, and leave no
// process and no pid file.
func refused(t *testing.T, dir string, status int, says string, args ...string) {
	t.Helper()
	var texts [2]string
	for i, more := range [][]string{nil, {"--daemon"}} {
		texts[i] = failure(t, dir, status, append(args[:len(args):len(args)], more...)...)
	}
	text := clock.ReplaceAllString(texts[0], "")
	if !regexp.MustCompile(says+`.*\n$`).MatchString(text) || strings.Count(text, "\n") != 1 {
		t.Errorf("it says %q, want %s", text, says)
	}
	if other := clock.ReplaceAllString(texts[1], ""); other != text {
		t.Errorf("in the foreground it says %q, and detached %q", text, other)
	}
	for _, left := range []string{"skein.pid", "x.pid"} {
		if exists(filepath.Join(dir, left)) {
			t.Errorf("it has left %s", left)
		}
	}
}

// failure runs skein, which must end with this status, and returns what it has
// said. Whatever it has started must have ended, too.
func failure(t *testing.T, dir string, status int, args ...string) string {
	t.Helper()
	alive, theirs, err := os.Pipe() // theirs is in all processes that this one starts
	must(t, err)
	defer func() { _ = alive.Close() }()
	c := exec.Command("skein", args...)
	var stdout, stderr bytes.Buffer
	c.Dir, c.Stdout, c.Stderr, c.ExtraFiles = dir, &stdout, &stderr, []*os.File{theirs}
	err = c.Run()
	must(t, theirs.Close())
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != status || stdout.Len() > 0 {
		t.Fatalf("skein %v ended with %v, want %d; it said %s%s", args, err, status, &stdout, &stderr)
	}
	must(t, alive.SetReadDeadline(time.Now().Add(patience)))
	if _, err := alive.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("skein %v has left a process: %v", args, err)
	}
	return stderr.String()
}
