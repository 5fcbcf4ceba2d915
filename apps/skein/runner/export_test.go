package runner

import (
	"io"

	"github.com/rs/zerolog"
)

// NewLogger is newLogger.
func NewLogger(w io.Writer, format, level string) zerolog.Logger { return newLogger(w, format, level) }

// LogUnhandled is logUnhandled.
func LogUnhandled(log zerolog.Logger) (undo func()) { return logUnhandled(log) }

// Explain is explain.
func Explain(p *Program, err error) string { return p.explain(err) }
