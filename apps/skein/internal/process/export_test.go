//go:build linux || darwin || freebsd

package process

import (
	"io"
	"time"
)

// MaxLine is the bound of a line.
const MaxLine = maxLine

// MaxText is the bound of a failure's text.
const MaxText = maxText

// ParseRecord reads what stands in Variable, and returns it as it would be
// written.
func ParseRecord(text string) (string, error) {
	rec, err := parseRecord(text)
	if err != nil {
		return "", err
	}
	return rec.String(), nil
}

// ParseVerdict reads the line of a status pipe.
func ParseVerdict(line []byte) (ready bool, status int, text string, ok bool) {
	v, ok := parseVerdict(line)
	return v.Ready, v.Status, v.Text, ok
}

// Lines cuts the parts of a stream into lines of at most so many bytes.
func Lines(most int, parts [][]byte, pass func(line []byte)) {
	l := &lines{most: most, pass: pass}
	for _, p := range parts {
		l.take(p)
	}
	l.end()
}

// DetachWithin is Detach with another patience for who was interrupted.
func DetachWithin(patience time.Duration, args []string, stderr io.Writer) int {
	return detach(Command{Args: args}, patience, stderr)
}

// Backoff is the pause after so many lives in a row that were none.
func Backoff(short int) time.Duration { return (&worker{short: short}).backoff() }
