package logs_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"skein/apps/skein/internal/logs"
)

func TestFormats(t *testing.T) {
	cases := []struct {
		name, format, raw string
		want              string // a pattern
	}{
		{"console", "console", "", `^\d\d:\d\d:\d\d INF hello bytes=3\n$`},
		{"the default", "", "", `^\d\d:\d\d:\d\d INF hello bytes=3\n$`},
		{"json", "json", "", `^{"level":"info","bytes":3,"time":"[^"]+","message":"hello"}\n$`},
		{"a worker's line, for people", "console", `{"level":"warn","message":"from a worker"}` + "\n", `^<nil> WRN from a worker\n$`},
		{"a worker's line, for programs", "json", `{"level":"warn","message":"from a worker"}` + "\n", `^{"level":"warn","message":"from a worker"}\n$`},
		{"a worker's text, for people", "console", "fatal error: x\ngoroutine 1:", "^fatal error: x\ngoroutine 1:\n$"},
		{"a worker's text, for programs", "json", "say \"x\"\n", `^{"level":"error","time":"[^"]+","message":"say \\"x\\""}\n$`},
		{"what looks like JSON", "console", "{x\n", "^{x\n$"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			var out page
			l := open(t, logs.Options{Format: tc.format, Out: &out})
			if tc.raw == "" {
				log := l.Logger()
				log.Info().Int("bytes", 3).Msg("hello")
			} else if n, err := l.Write([]byte(tc.raw)); n != len(tc.raw) || err != nil {
				t.Errorf("write: %d, %v", n, err)
			}
			must(t, l.Close())
			if !regexp.MustCompile(tc.want).MatchString(out.String()) {
				t.Errorf("got %q, want %q", out.String(), tc.want)
			}
			expectDropped(t, l, 0)
		})
	}
}

func TestLevels(t *testing.T) {
	cases := map[string]string{"debug": "DBG INF WRN ERR", "": "INF WRN ERR", "info": "INF WRN ERR", "warn": "WRN ERR", "error": "ERR"}
	for level, want := range cases {
		t.Run(level, func(t *testing.T) {
			var out page
			l := open(t, logs.Options{Level: level, Out: &out})
			log := l.Logger()
			log.Debug().Msg("")
			log.Info().Msg("")
			log.Warn().Msg("")
			log.Error().Msg("")
			must(t, l.Close())
			got := regexp.MustCompile(`[A-Z]{3}`).FindAllString(out.String(), -1)
			expectText(t, "what is logged", strings.Join(got, " "), want)
		})
	}
}

func TestOptionsThatMeanNothing(t *testing.T) {
	for want, o := range map[string]logs.Options{
		`"xml" is not a log format: use console or json`:            {Format: "xml"},
		`"loud" is not a log level: use debug, info, warn or error`: {Level: "loud"},
	} {
		_, err := logs.Open(o)
		var bad *logs.OptionError
		if !errors.As(err, &bad) || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestFilesThatCannotBeOpened(t *testing.T) {
	folder := t.TempDir()
	must(t, os.WriteFile(filepath.Join(folder, "file"), nil, 0o600))
	cases := []struct {
		name, path string
		want       error
		remedy     string
	}{
		{"a missing folder", filepath.Join(folder, "none", "skein.log"), fs.ErrNotExist, "create the folder "},
		{"a file for a folder", filepath.Join(folder, "file", "skein.log"), syscall.ENOTDIR, "is not a folder"},
		{"a folder", folder, syscall.EISDIR, "name a file in it"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			_, err := logs.Open(logs.Options{File: tc.path})
			var bad *logs.FileError
			if !errors.As(err, &bad) || !errors.Is(err, tc.want) {
				t.Fatalf("got %v", err)
			}
			if !strings.Contains(err.Error(), tc.path+" cannot be opened: ") || !strings.Contains(err.Error(), tc.remedy) {
				t.Errorf("it says %q", err)
			}
		})
	}
}

// TestManyWriters runs them side by side: each one's lines stay in order, and
// none is lost as long as all fit.
func TestManyWriters(t *testing.T) {
	const writers, each = 8, 500
	path := newPath(t)
	l := open(t, logs.Options{Format: "json", File: path, MaxBytes: -1})
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			log := l.Logger().With().Int("w", w).Logger()
			for n := range each {
				log.Info().Int("n", n).Msg("line")
				if n%100 == 0 {
					l.Reopen()
					l.Dropped()
				}
			}
		})
	}
	all.Wait()
	must(t, l.Close())
	seen := map[string]int{}
	for line := range strings.Lines(read(t, path)) {
		m := regexp.MustCompile(`"w":(\d),"n":(\d+)`).FindStringSubmatch(line)
		if m == nil {
			t.Fatalf("what is %q", line)
		}
		if want := seen[m[1]]; m[2] != itoa(want) {
			t.Fatalf("%s's line %s comes as number %d", m[1], m[2], want)
		}
		seen[m[1]]++
	}
	for w := range writers {
		if got := seen[itoa(w)]; got != each {
			t.Errorf("%d has %d lines", w, got)
		}
	}
	expectDropped(t, l, 0)
}

// What comes after a flush has all the room there is.
func TestFlush(t *testing.T) {
	var out page
	l := open(t, logs.Options{Out: &out})
	log := l.Logger()
	for range 3 {
		for range 8000 {
			log.Info().Msg("many")
		}
		must(t, <-l.Flush())
	}
	expectDropped(t, l, 0)
	if got := strings.Count(out.String(), "many\n"); got != 24000 {
		t.Errorf("%d lines are written, want 24000", got)
	}
	must(t, l.Close())
	if err := <-l.Flush(); !errors.Is(err, logs.ErrClosed) {
		t.Errorf("flushing what is closed: %v", err)
	}
}

func TestTwoLogsShareNothing(t *testing.T) {
	var one, two page
	a := open(t, logs.Options{Format: "json", Out: &one})
	b := open(t, logs.Options{Format: "json", Out: &two, Level: "error"})
	numbered(a, 1, 3)
	numbered(b, 4, 5)
	must(t, a.Close())
	must(t, b.Close())
	expectComplete(t, one.String(), 3)
	expectText(t, "the other", two.String(), "")
}

func TestAfterClose(t *testing.T) {
	var out page
	l := open(t, logs.Options{Format: "json", Out: &out})
	numbered(l, 1, 2)
	must(t, l.Close())
	numbered(l, 3, 5)
	must(t, l.Close())
	if err := <-l.Rotate(); !errors.Is(err, logs.ErrClosed) || !errors.Is(err, os.ErrClosed) {
		t.Errorf("rotate: %v", err)
	}
	expectComplete(t, out.String(), 2)
	expectDropped(t, l, 3)
}

// TestStandardErrorMayBeClosed: elsewhere, Go ends a program that writes to a
// standard error that nobody reads.
func TestStandardErrorMayBeClosed(t *testing.T) {
	r, w, err := os.Pipe()
	must(t, err)
	defer w.Close()
	must(t, r.Close())
	expectText(t, "the end", act(t, "unheard", w), "3 log lines were lost: broken pipe\n")
}

func TestAPipeMayBeClosed(t *testing.T) {
	r, w, err := os.Pipe()
	must(t, err)
	defer w.Close()
	l := open(t, logs.Options{Format: "json", Out: w})
	must(t, r.Close())
	numbered(l, 1, 3)
	err = l.Close()
	var lost *logs.LostError
	if !errors.As(err, &lost) || lost.Lines != 3 || !errors.Is(err, syscall.EPIPE) {
		t.Errorf("close: %v", err)
	}
	expectDropped(t, l, 3)
	if _, err := w.Stat(); err != nil {
		t.Errorf("the caller's file is closed: %v", err)
	}
}
