package logs_test

import (
	"io"
	"os"
	"testing"

	"github.com/rs/zerolog"

	"skein/apps/skein/internal/logs"
)

// BenchmarkLine measures what a line costs the one who logs it, beside writing
// it at once.
func BenchmarkLine(b *testing.B) {
	line := func(b *testing.B, log zerolog.Logger) {
		b.ReportAllocs()
		for b.Loop() {
			log.Info().Str("peer", "127.0.0.1:43210").Int("bytes", 4096).Msg("sent a poem")
		}
	}
	stuck := &page{gate: make(chan struct{})}
	cases := []struct {
		name    string
		options logs.Options
	}{
		{"queue/json", logs.Options{Format: "json", Out: io.Discard}},
		{"queue/console", logs.Options{Out: io.Discard}},
		{"queue/file", logs.Options{Format: "json", File: os.DevNull}},
		{"queue/full", logs.Options{Format: "json", Out: stuck}},
	}
	for _, tc := range cases {
		b.Run(tc.name, func(b *testing.B) {
			l, err := logs.Open(tc.options)
			must(b, err)
			line(b, l.Logger())
			b.ReportMetric(float64(l.Dropped())/float64(b.N), "dropped/op")
			if tc.options.Out == stuck {
				close(stuck.gate)
			}
			must(b, l.Close())
		})
	}
	b.Run("at once/json", func(b *testing.B) {
		null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
		must(b, err)
		defer null.Close()
		line(b, zerolog.New(null).With().Timestamp().Logger())
	})
	b.Run("at once/console", func(b *testing.B) {
		line(b, zerolog.New(logs.Console(io.Discard)).With().Timestamp().Logger())
	})
}
