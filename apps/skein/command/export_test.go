package command

import (
	"io"
	"net/netip"

	"github.com/rs/zerolog"

	"skein/bench/load"
)

// NewLogger is newLogger.
func NewLogger(w io.Writer, format, level string) zerolog.Logger { return newLogger(w, format, level) }

// LogUnhandled is env.logUnhandled for a log.
func LogUnhandled(log zerolog.Logger) (undo func()) { return (&env{log: log}).logUnhandled() }

// ChildArgs returns the command line of one process of a load whose log has a
// format.
func ChildArgs(format string) []string {
	l := &loading{env: &env{format: format}, options: load.Options{Addrs: make([]netip.AddrPort, 1)}}
	return l.child().Args
}

// MakingWay is makingWay.
func MakingWay(log zerolog.Logger, p *load.Progress) zerolog.Logger { return makingWay(log, p) }

// Explain is explain.
func Explain(err error) string { return explain(err) }
