// Package logs is a log that never makes its caller wait, whatever becomes of
// the place where its lines go: a full disk, a slow terminal, a FIFO that nobody
// reads, a syslog daemon that is gone.
//
//	any goroutine                        one goroutine
//
//	zerolog ──▶ Write ──▶ queue ═══════▶ format ──▶ sink: standard error, or any io.Writer
//	           copies    1 MiB,          console          a file, with its rotation
//	                     8,192 lines     or JSON          syslog
//	                        │                                 │
//	                        └── full: dropped, counted        └── fails: lost, counted
//	                                   ╰──▶ "N log lines were dropped" ◀──╯
//
// The queue has two halves, each bounded: one is filled while the other is
// written. A line that does not fit is dropped, and so are those after it until
// the halves change places: so the line that says how many were dropped stands
// where they would have stood. [Log.Reopen] and [Log.Rotate] go through the
// queue, too, in order with the lines.
//
// What goes through the queue is JSON, always: zerolog makes it without an
// allocation, and the cost of making it readable is the other goroutine's. Hence
// worker processes log JSON to their standard error, whatever the format, and
// their supervisor passes each line to its own [Log.Write], which formats it as
// it does its own. A line that is not JSON, from the Go runtime for instance,
// is an error's message in a log of JSON, and stands as it is in one for people.
//
// A sink that fails loses the line, and is tried again with the next. Of a line
// that was written in part, before a disk was full, the rest comes first: no
// line is torn.
//
// Files are rotated as twistd does: before a line is written to a file of
// 1,000,000 bytes or more, it becomes the file .1, which becomes .2, and so on.
// lumberjack, which would be the module for that, breaks what is promised here:
// its bound is whole MiB, and it refuses longer lines; it waits for the reader
// of a FIFO, and renames it, or a device; when a file cannot be renamed, it has
// been closed already, and lines are lost; it truncates instead of appending, so
// that a second writer, such as a successor, loses lines; it creates files with
// mode 0600; and its goroutine never ends.
//
// A folder is held open, so that a rotation after a chroot finds it; the price
// is that the descriptor leads out of the chroot.
//
// Reading order: log.go, queue.go, writer.go, format.go, console.go; the sinks:
// sink.go, file.go, rotate.go, syslog.go; errors.go.
//
// Twisted: twisted.python.log, twisted.python.logfile, application.app.AppLogger.
package logs
