package logs_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"skein/apps/skein/internal/logs"
)

func TestConsoleShowsAStackBelowItsLine(t *testing.T) {
	var out bytes.Buffer
	log := zerolog.New(logs.Console(&out))
	log.Error().Str("stack", "goroutine 1:\nmain.f()\n\tmain.go:1\n").Str("owner", "timer").Msg("panic in a timer")
	expectText(t, "it", out.String(), "<nil> ERR panic in a timer owner=timer\n    goroutine 1:\n    main.f()\n    \tmain.go:1\n")
}

func TestConsoleLeavesOutTheOwnerWhereNothingWentWrong(t *testing.T) {
	for level, shown := range map[zerolog.Level]bool{zerolog.DebugLevel: false, zerolog.InfoLevel: false, zerolog.WarnLevel: true, zerolog.ErrorLevel: true} {
		var out bytes.Buffer
		log := zerolog.New(logs.Console(&out))
		log.WithLevel(level).Str("owner", "timer").Msg("x")
		if got := strings.Contains(out.String(), "owner=timer"); got != shown {
			t.Errorf("%q shows the owner: %t, want %t", out.String(), got, shown)
		}
	}
}

func TestConsoleWithoutTerminalHasNoColors(t *testing.T) {
	var out bytes.Buffer
	log := zerolog.New(logs.Console(&out))
	log.Error().Err(errors.New("broken")).Msg("x")
	expectText(t, "it", out.String(), "<nil> ERR x error=broken\n")
}

// FuzzWrite passes anything on: no line is lost, and a log of JSON stays one.
func FuzzWrite(f *testing.F) {
	for _, text := range []string{"x", "\n", "\n\n", "{", "{}", `{"level":1}`, `{"level":"info"}` + "\nx", "\x00\xff\n", `{"stack":"a\nb"}`, "a\r\nb"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, format := range []string{"console", "json"} {
			var out page
			l := open(t, logs.Options{Format: format, Out: &out})
			_, _ = l.Write(text)
			must(t, l.Close())
			expectDropped(t, l, 0)
			got := out.String()
			if got != "" && !strings.HasSuffix(got, "\n") {
				t.Errorf("%s: %q has no end", format, got)
			}
			want := strings.Count(string(text), "\n")
			if len(text) > 0 && text[len(text)-1] != '\n' {
				want++
			}
			if format == "json" && strings.Count(got, "\n") != want {
				t.Errorf("%q has become %q", text, got)
			}
			for line := range strings.Lines(got) {
				// What begins like JSON is taken for it, as it comes from a logger.
				if format == "json" && !strings.Contains(string(text), "{") && !json.Valid([]byte(line)) {
					t.Errorf("%q is no JSON", line)
				}
			}
		}
	})
}
