package runner

import (
	"io"

	"github.com/rs/zerolog"
)

// NewLogger returns the logger of a command.
func NewLogger(w io.Writer, format, level string) zerolog.Logger {
	return (&options{LogFormat: format, LogLevel: level}).plainLogger(w)
}

// LogUnhandled is logUnhandled.
func LogUnhandled(log zerolog.Logger) (undo func()) { return logUnhandled(log) }

// Explain is explain.
func Explain(p *Program, err error) string { return p.explain(err) }
