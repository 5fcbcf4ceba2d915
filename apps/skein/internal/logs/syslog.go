package logs

import (
	"bytes"
	"log/syslog"

	"github.com/rs/zerolog"
)

// systemSockets is where log/syslog looks for the daemon.
const systemSockets = "/dev/log, /var/run/syslog or /var/run/log"

// syslogSink is the syslog daemon. The library connects to it again when it has
// gone away: at the next line.
type syslogSink struct{ conn *syslog.Writer }

// openSyslog connects to the daemon at a UNIX socket, "" being the system's.
func openSyslog(addr, tag string) (*syslogSink, error) {
	if tag == "" {
		tag = "skein"
	}
	const priority = syslog.LOG_DAEMON | syslog.LOG_INFO
	networks, named := []string{"unixgram", "unix"}, addr
	if addr == "" {
		networks, named = []string{""}, systemSockets
	}
	var first error
	for _, network := range networks {
		conn, err := syslog.Dial(network, addr, priority, tag)
		if err == nil {
			return &syslogSink{conn}, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, &SyslogError{Addr: named, Err: first}
}

func (s *syslogSink) write(text []byte, records []record) (upTo int, err error) {
	for _, r := range records {
		// A stack is many messages: daemons write a newline within one as a number.
		for line := range bytes.Lines(text[r.start:r.end]) {
			if err := s.say(r.level, string(bytes.TrimRight(line, "\n"))); err != nil {
				return r.start, err
			}
		}
	}
	return records[len(records)-1].end, nil
}

// say sends one message.
func (s *syslogSink) say(level zerolog.Level, message string) error {
	switch level {
	case zerolog.TraceLevel, zerolog.DebugLevel:
		return s.conn.Debug(message)
	case zerolog.WarnLevel:
		return s.conn.Warning(message)
	case zerolog.ErrorLevel:
		return s.conn.Err(message)
	case zerolog.FatalLevel:
		return s.conn.Crit(message)
	case zerolog.PanicLevel:
		return s.conn.Emerg(message)
	default:
		return s.conn.Info(message)
	}
}

// finish is never called: a message is taken whole or not at all.
func (s *syslogSink) finish([]byte) (int, error) { return 0, nil }

func (s *syslogSink) reopen() (fresh bool, err error) { return false, nil }

func (s *syslogSink) rotate() (fresh bool, err error) { return false, nil }

// unblock can do nothing: the library's lock is held by the one who waits.
func (s *syslogSink) unblock() {}

func (s *syslogSink) close() error { return s.conn.Close() }
