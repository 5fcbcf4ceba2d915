package logs

import (
	"io"
	"os"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

const (
	// patience is how long Close waits for the last lines.
	patience = time.Second
	// goodbye is how long it waits after that for the goroutine, which has been
	// told to stop.
	goodbye = 200 * time.Millisecond
)

// Options are what a log is made of. The zero value logs to standard error, for
// people.
type Options struct {
	// Format is console or json; "": console.
	Format string
	// Level is that of the least important lines: debug, info, warn or error;
	// "": info.
	Level string

	// File is the path of the log file, which is created if there is none; "" or
	// "-": Out. It may be a FIFO or a device. What nobody has read from a FIFO
	// when the log is closed is gone, unless somebody has it open.
	File string
	// Out is where lines go if neither File nor Syslog says otherwise; nil:
	// standard error. It stays the caller's, and is never closed.
	Out io.Writer

	// MaxBytes is the size from which on a file is rotated; 0: 1,000,000;
	// negative: never.
	MaxBytes int64
	// Keep is how many older files are kept, .1 being the youngest; 0 or less: 10.
	Keep int

	// Crashes has the Go runtime write why the program crashes, with the stacks, to
	// the log file, too, as long as it is a regular one: standard error may be
	// nobody's. There is one place for that in a program: the last log that was
	// opened has it.
	Crashes bool

	// Syslog sends the lines to the syslog daemon instead, whatever File says.
	Syslog bool
	// SyslogAddr is the daemon's UNIX socket; "": the system's.
	SyslogAddr string
	// Tag is who logs, in syslog; "": skein.
	Tag string
}

// Log is a log that never makes its caller wait. Its methods may be called by
// any goroutine.
type Log struct {
	queue  queue
	writer *writer
	logger zerolog.Logger

	ended  chan struct{} // the writer's goroutine is over
	once   sync.Once     // Close's
	result error         // Close's
}

// Open opens the place where the lines go, and starts the goroutine that takes
// them there; [Log.Close] ends it. The error is an [*OptionError], a
// [*FileError] or a [*SyslogError].
func Open(o Options) (*Log, error) {
	level := zerolog.InfoLevel
	if o.Level != "" {
		var err error
		if level, err = zerolog.ParseLevel(o.Level); err != nil {
			return nil, &OptionError{"level", o.Level, "use debug, info, warn or error"}
		}
	}
	if o.Format != "" && o.Format != "console" && o.Format != "json" {
		return nil, &OptionError{"format", o.Format, "use console or json"}
	}
	l := &Log{ended: make(chan struct{})}
	l.queue.wake = make(chan struct{}, 1)
	l.writer = &writer{queue: &l.queue}
	if err := l.writer.open(o); err != nil {
		return nil, err
	}
	l.logger = zerolog.New(l).Level(level).With().Timestamp().Logger()
	go func() {
		defer close(l.ended)
		l.writer.run()
	}()
	return l, nil
}

// open makes the sink and the format that suits it.
func (w *writer) open(o Options) error {
	style := consoleStyle{clock: "15:04:05"}
	var err error
	switch {
	case o.Syslog:
		w.sink, err = openSyslog(o.SyslogAddr, o.Tag)
		style = consoleStyle{bare: true} // syslog has the time and the level itself
		w.format.leveled = true
	case o.File != "" && o.File != "-":
		var f *fileSink
		f, err = openFile(o, w.complain)
		if err == nil {
			style = consoleStyle{clock: time.DateTime, colors: colored(f.file.Load())}
		}
		w.sink = f
	case o.Out != nil:
		style.colors = colored(o.Out)
		w.sink, err = openStream(o.Out)
	default:
		style.colors = colored(os.Stderr)
		w.sink, err = openStream(os.Stderr)
	}
	if err != nil {
		return err
	}
	w.format.begin(o.Format == "json", style)
	return nil
}

// Logger returns the logger whose lines go to the log.
func (l *Log) Logger() zerolog.Logger { return l.logger }

// Write takes whole lines: JSON as zerolog makes it, or text. It never waits and
// never fails; see [Log.Dropped]. It copies p. A newline that is missing at the
// end is added. A logger calls it, and whoever passes on the lines of another
// process.
func (l *Log) Write(p []byte) (int, error) {
	l.queue.put(p)
	return len(p), nil
}

// Dropped returns how many lines have been lost since the start: they did not
// fit in the queue, came after Close, or the sink refused them.
func (l *Log) Dropped() uint64 { return l.queue.lost.Load() }

// Reopen opens the log file anew, after the lines so far are written: somebody
// has moved it away. If that fails, a line says so, and the log goes on in the
// old file. It does not wait; what it returns can be received once, if anybody
// cares. Where there is no file, nothing happens.
func (l *Log) Reopen() <-chan error { return l.queue.ask(reopen) }

// Rotate moves the log file away, to .1, and begins a new one, after the lines
// so far are written. For the rest, it is like Reopen.
//
// Twisted: logfile.LogFile.rotate.
func (l *Log) Rotate() <-chan error { return l.queue.ask(rotate) }

// Flush returns what can be received once when the lines so far are written, or
// lost: there is room for others then. It does not wait itself.
func (l *Log) Flush() <-chan error { return l.queue.ask(flush) }

// Close writes what waits and ends the log; lines that come later are dropped.
// It waits for a second, then it gives up. A [*LostError] says how many lines
// were lost and no line in the log tells of. Closing again returns the same.
func (l *Log) Close() error {
	l.once.Do(func() { l.result = l.close() })
	return l.result
}

// close is the first Close.
func (l *Log) close() error {
	l.queue.close()
	if within(l.ended, patience) {
		return l.writer.result
	}
	l.writer.gaveUp.Store(true)
	l.writer.sink.unblock()
	if within(l.ended, goodbye) {
		return l.writer.result
	}
	// It hangs in a system call, which only the other side can end, or the machine
	// is slow.
	untold := l.queue.lost.Load() - l.queue.told.Load()
	return &LostError{Lines: untold + l.queue.waiting(), Err: os.ErrDeadlineExceeded}
}

// within waits for the end of something, and reports whether it came in time.
func within(ended <-chan struct{}, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ended:
		return true
	case <-t.C:
		return false
	}
}
