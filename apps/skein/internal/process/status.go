//go:build linux || darwin || freebsd

package process

import (
	"encoding/json"
	"os"
	"strings"
	"unicode/utf8"
)

// Status is the way to tell the process that waits for this one how the start
// went: one word, once. If the pipe ends without, the process has died. A nil
// Status is that of a process that nobody waits for: its methods do nothing.
//
// Twisted: the status pipe of twistd's daemonize.
type Status struct{ f *os.File }

// maxText bounds the text of a failure, in bytes: it is one line, and even a
// long path fits.
const maxText = 8 << 10

// maxVerdict bounds what is read of a status pipe: the longest text, each byte of
// it escaped.
const maxVerdict = 6*maxText + 256

// verdict is what goes through the pipe, as one line.
type verdict struct {
	Ready  bool   `json:"ready,omitempty"`
	Status int    `json:"status,omitempty"`
	Text   string `json:"text,omitempty"`
}

// Ready says that the start has succeeded: this process accepts connections. The
// error is that of the pipe, when nobody waits any more; it can be ignored.
func (s *Status) Ready() error { return s.say(verdict{Ready: true}) }

// Fail says that the start has failed: the process will exit with this status,
// and the text is what it would have printed. The error is as that of Ready.
func (s *Status) Fail(status int, text string) error {
	if len(text) > maxText {
		cut := maxText
		for cut > 0 && !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut]
	}
	return s.say(verdict{Status: max(status, 1), Text: strings.ToValidUTF8(text, "\uFFFD")})
}

// say writes the one word, and closes the pipe. It does not block: the pipe is
// empty, and holds more than that.
func (s *Status) say(v verdict) error {
	if s == nil || s.f == nil {
		return nil
	}
	f := s.f
	s.f = nil
	defer f.Close()
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	return err
}

// parseVerdict reads what came through a status pipe; ok is false if that says
// neither ready nor failed, as when the process has died within the word.
func parseVerdict(line []byte) (v verdict, ok bool) {
	if err := json.Unmarshal(line, &v); err != nil {
		return verdict{}, false
	}
	return v, v.Ready != (v.Status > 0)
}
