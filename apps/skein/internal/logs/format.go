package logs

import (
	"bytes"

	"github.com/rs/zerolog"
)

// record is a line of the log as it is written; for people it may have a stack
// below it.
type record struct {
	start, end int // in the text
	level      zerolog.Level
}

// format turns JSON into what is written. The writer's goroutine uses it.
type format struct {
	json    bool
	style   consoleStyle
	leveled bool // somebody wants the records' levels
	console zerolog.ConsoleWriter

	out     bytes.Buffer
	records []record
}

// begin makes a format that was not used ready. It must not be copied after
// that.
func (f *format) begin(json bool, style consoleStyle) {
	f.json, f.style = json, style
	f.console = newConsole(&f.out, style)
}

// apart returns an empty format like this one.
func (f *format) apart() *format {
	other := &format{leveled: f.leveled}
	other.begin(f.json, f.style)
	return other
}

// add appends a line, which has its newline.
func (f *format) add(line []byte) {
	r := record{start: f.out.Len(), level: zerolog.NoLevel}
	if f.leveled {
		r.level = levelOf(line)
	}
	switch isJSON := line[0] == '{'; {
	case isJSON && f.json:
		f.out.Write(line)
	case isJSON:
		if _, err := f.console.Write(line); err != nil {
			f.out.Truncate(r.start) // it only looks like JSON
			f.out.Write(line)
		}
	case f.json:
		log := stamped(&f.out)
		log.Error().Msg(string(bytes.TrimRight(line, "\r\n")))
	default:
		f.out.Write(line)
	}
	r.end = f.out.Len()
	f.records = append(f.records, r)
}

// own appends a line of the log's own, about a number of lines if there is one.
func (f *format) own(level zerolog.Level, message string, dropped uint64) {
	var line bytes.Buffer
	log := stamped(&line)
	event := log.WithLevel(level)
	if dropped > 0 {
		event = event.Uint64(droppedField, dropped)
	}
	event.Msg(message)
	f.add(line.Bytes())
}

// reset makes it empty.
func (f *format) reset() {
	f.out.Reset()
	f.records = f.records[:0]
}

// stamped returns a logger of all lines, with the time.
func stamped(out *bytes.Buffer) zerolog.Logger {
	return zerolog.New(out).With().Timestamp().Logger()
}

// levelOf returns the level of a line; text is an error, since nobody prints it
// when all is well.
func levelOf(line []byte) zerolog.Level {
	if line[0] != '{' {
		return zerolog.ErrorLevel
	}
	// zerolog writes the level first.
	rest, found := bytes.CutPrefix(line, []byte(`{"`+zerolog.LevelFieldName+`":"`))
	name, _, whole := bytes.Cut(rest, []byte(`"`))
	if !found || !whole {
		return zerolog.NoLevel
	}
	level, err := zerolog.ParseLevel(string(name))
	if err != nil {
		return zerolog.NoLevel
	}
	return level
}
