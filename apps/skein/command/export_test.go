package command

import (
	"io"

	"github.com/rs/zerolog"
)

// NewLogger is newLogger.
func NewLogger(w io.Writer, format, level string) zerolog.Logger { return newLogger(w, format, level) }

// LogUnhandled is env.logUnhandled for a log.
func LogUnhandled(log zerolog.Logger) (undo func()) { return (&env{log: log}).logUnhandled() }

// Explain is explain.
func Explain(err error) string { return explain(err) }
