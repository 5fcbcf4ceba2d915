package runner

import (
	"bytes"
	"errors"
	"fmt"

	"skein/apps/skein/internal/process"
)

// fail says why the server did not start, or has ended: to who waits for it, to
// standard error, and to the log, if that is elsewhere.
func (s *server) fail(err error) int {
	status, text := statusFailed, s.program.explain(err)
	switch {
	case errors.Is(err, ErrReported):
		return s.end(status)
	case s.accepts:
		s.log.Error().Msg(text)
		return s.end(status)
	case s.in.Role == process.Worker, s.in.Role == process.Successor:
		_ = s.in.Status.Fail(status, text) // nobody may wait any more
		return s.end(status)
	}
	var said bytes.Buffer // as it looks on standard error
	if s.late.log == nil {
		s.late.flush(s.options.formatted(&said))
	}
	log := s.options.plainLogger(&said)
	log.Error().Msg(text)
	_ = s.in.Status.Fail(status, said.String())
	if s.late.log != nil {
		s.log.Error().Msg(text)
	}
	if s.late.log != nil && s.logsToStderr() {
		return s.end(status)
	}
	_, _ = s.stderr.Write(said.Bytes()) // there is nowhere else to say it
	if s.late.log != nil {
		_ = s.late.log.Close() // what it has lost of that has just been said
	}
	_ = s.notifier.Close() // nothing is said any more
	return status
}

// logsToStderr reports whether the log goes to standard error.
func (s *server) logsToStderr() bool {
	o := s.options.logOptions(s.program.Name, nil)
	return !o.Syslog && (o.File == "" || o.File == "-")
}

// end closes the log.
func (s *server) end(status int) int {
	_ = s.notifier.Close() // nothing is said any more
	if s.late.log == nil {
		return status
	}
	if err := s.late.log.Close(); err != nil {
		_, _ = fmt.Fprintf(s.stderr, "%s: %v\n", s.program.Name, err)
	}
	return status
}
