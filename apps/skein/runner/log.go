package runner

import (
	"errors"
	"io"
	"math"

	"github.com/rs/zerolog"

	"skein/apps/skein/internal/logs"
	"skein/deferred"
)

// plainLogger returns a logger that writes each line at once: for commands, and
// for what is to be said before there is a log.
func (o *options) plainLogger(w io.Writer) zerolog.Logger {
	return zerolog.New(o.formatted(w)).Level(o.level()).With().Timestamp().Logger()
}

// formatted returns what writes zerolog's lines to w in the format of the log.
func (o *options) formatted(w io.Writer) io.Writer {
	if o.LogFormat == "json" {
		return w
	}
	return logs.Console(w)
}

// level is the least important level.
func (o *options) level() zerolog.Level {
	level, err := zerolog.ParseLevel(o.LogLevel)
	if err != nil {
		panic(err) // the enum of the option has a level that zerolog has not
	}
	return level
}

// logOptions are what the log is opened with.
func (o *options) logOptions(program string, out io.Writer) logs.Options {
	l := logs.Options{
		Format: o.LogFormat, Level: o.LogLevel,
		File: o.Logfile, Out: out,
		MaxBytes: int64(o.LogMaxBytes), Keep: int(o.LogKeep),
		Syslog: o.Syslog, Tag: program,
	}
	if l.MaxBytes == 0 {
		l.MaxBytes = -1 // never
	}
	if l.Keep == 0 {
		l.Keep = math.MaxInt // all
	}
	if l.File == "" && o.Daemon {
		l.File = program + ".log"
	}
	return l
}

// lateLog is what a server logs to: lines wait until the log is opened, which is
// when the services have been made.
type lateLog struct {
	log   *logs.Log // nil until then
	early [][]byte
}

// Write takes one line. Before the log is opened, there is one goroutine.
func (l *lateLog) Write(line []byte) (int, error) {
	if l.log != nil {
		return l.log.Write(line)
	}
	l.early = append(l.early, append([]byte(nil), line...))
	return len(line), nil
}

// open passes on what waits, and from now on every line.
func (l *lateLog) open(log *logs.Log) {
	l.log = log
	l.flush(log)
}

// flush passes on what waits.
func (l *lateLog) flush(to io.Writer) {
	for _, line := range l.early {
		_, _ = to.Write(line) // there is nowhere else to say it
	}
	l.early = nil
}

// stackField is the field in which the stack of a panic is logged.
const stackField = "stack"

// logUnhandled sends the errors that no errback has handled to the log, until
// undo is called.
func logUnhandled(log zerolog.Logger) (undo func()) {
	previous := deferred.SetUnhandledHandler(func(u deferred.Unhandled) {
		line := log.Error().Err(u.Err)
		var p *deferred.PanicError
		if errors.As(u.Err, &p) {
			line = line.Str(stackField, string(p.Stack))
		}
		line.Msg("Unhandled error in Deferred.")
	})
	return func() { deferred.SetUnhandledHandler(previous) }
}
