package logs

import (
	"bytes"
	"io"
	"os"
	"strings"

	"github.com/rs/zerolog"
)

// The fields that are not shown as others are.
const (
	stackField   = "stack"   // in which the reactor logs the stack of a panic
	droppedField = "dropped" // it is in the message, too
	ownerField   = "owner"   // whose callback was running
)

// consoleStyle is how lines for people look.
type consoleStyle struct {
	clock  string // the format of the time
	colors bool
	bare   bool // without time and level
}

// Console returns a writer that makes lines for people out of zerolog's JSON,
// and writes them to w at once. [Open] does that and more; this is for those who
// must not lose a line, and may wait.
func Console(w io.Writer) io.Writer {
	return newConsole(w, consoleStyle{clock: "15:04:05", colors: colored(w)})
}

// newConsole returns a writer of lines for people.
func newConsole(w io.Writer, s consoleStyle) zerolog.ConsoleWriter {
	c := zerolog.ConsoleWriter{
		Out:           w,
		NoColor:       !s.colors,
		TimeFormat:    s.clock,
		FieldsOrder:   []string{"poem", "addr", "peer", "bytes", "pieces"},
		FieldsExclude: []string{stackField, droppedField},
		FormatPrepare: dropOwner,
		FormatExtra:   appendStack,
	}
	if s.bare {
		c.PartsExclude = []string{zerolog.TimestampFieldName, zerolog.LevelFieldName}
	}
	return c
}

// colored reports whether w is a terminal whose user wants colors.
func colored(w io.Writer) bool { return os.Getenv("NO_COLOR") == "" && IsTerminal(w) }

// IsTerminal reports whether w is a terminal that understands more than lines.
func IsTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// dropOwner leaves out whose callback was running where nothing went wrong.
func dropOwner(line map[string]any) error {
	switch line[zerolog.LevelFieldName] {
	case zerolog.LevelInfoValue, zerolog.LevelDebugValue:
		delete(line, ownerField)
	}
	return nil
}

// appendStack puts a stack below its line, where it can be read.
func appendStack(line map[string]any, out *bytes.Buffer) error {
	stack, _ := line[stackField].(string)
	for frame := range strings.Lines(stack) {
		out.WriteString("\n    " + strings.TrimRight(frame, "\n"))
	}
	return nil
}
