package runner

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/rs/zerolog"

	"skein/deferred"
)

// newLogger returns the logger that the options ask for. They have been checked.
func newLogger(w io.Writer, format, level string) zerolog.Logger {
	if format == "console" {
		w = consoleWriter(w)
	}
	least, err := zerolog.ParseLevel(level)
	if err != nil {
		panic(err) // the enum of the option has a level that zerolog has not
	}
	return zerolog.New(w).Level(least).With().Timestamp().Logger()
}

// stackField is the field in which the reactor logs the stack of a panic.
const stackField = "stack"

// consoleWriter writes lines for people.
func consoleWriter(w io.Writer) io.Writer {
	return zerolog.ConsoleWriter{
		Out:           w,
		NoColor:       !colored(w),
		TimeFormat:    "15:04:05",
		FieldsOrder:   []string{"poem", "addr", "peer", "bytes", "pieces"},
		FieldsExclude: []string{stackField},
		FormatPrepare: dropOwner,
		FormatExtra:   appendStack,
	}
}

// colored reports whether w is a terminal whose user wants colors.
func colored(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// dropOwner leaves out whose callback was running where nothing went wrong.
func dropOwner(line map[string]any) error {
	switch line[zerolog.LevelFieldName] {
	case zerolog.LevelInfoValue, zerolog.LevelDebugValue:
		delete(line, "owner")
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
