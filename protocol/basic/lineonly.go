package basic

import "bytes"

// LineOnlyReceiver cuts the stream into lines. It is smaller than a
// [LineReceiver], as it has no raw mode, and gets over a line that is too long:
// if the handler is a [LineLengthHandler] that does not close, the rest of that
// line is skipped. Embed it in a [LineHandler]. The zero value is ready.
//
// Twisted: basic.LineOnlyReceiver.
type LineOnlyReceiver struct {
	Receiver

	// Delimiter ends each line; if it is empty, that is "\r\n". It may be changed
	// between two lines, by the handler too.
	Delimiter []byte
	// MaxLength is the length of the longest line, in bytes and without its
	// delimiter; 0: [DefaultMaxLine], less: empty lines only.
	MaxLength int

	handler  LineHandler
	lengths  LineLengthHandler // nil if the handler is none
	skipping bool              // the line that comes was too long
}

// SendLine writes the line and the delimiter, as one write. It keeps no
// reference to line. The error is the transport's.
//
// Twisted: basic.LineOnlyReceiver.sendLine.
func (l *LineOnlyReceiver) SendLine(line []byte) error {
	return l.sendLine(line, delimiter(l.Delimiter))
}

// cut delivers a line, or skips one.
func (l *LineOnlyReceiver) cut() bool {
	delim, limit := delimiter(l.Delimiter), limitOf(l.MaxLength, DefaultMaxLine)
	n := l.in.find(delim)
	switch {
	case n < 0:
		l.in.stash()
		return l.incomplete(delim, limit)
	case l.skipping:
		l.in.take(n, len(delim))
		l.skipping = false
	case n > limit:
		line, _ := l.in.take(n, len(delim))
		l.exceeded(line, limit)
	default:
		l.deliver(l.handler, n, len(delim))
	}
	return true
}

// incomplete looks whether part is too long already, and keeps only as much of
// a line that is as may be the beginning of its delimiter. It reports whether
// there may be more to do, because the handler was called.
func (l *LineOnlyReceiver) incomplete(delim []byte, limit int) bool {
	all := l.in.part
	n := len(all) - begun(all, delim)
	if n <= limit && !l.skipping {
		return false
	}
	l.in.part = bytes.Clone(all[n:])
	if l.skipping {
		return false
	}
	l.skipping = true
	l.exceeded(all[:n:n], limit)
	return true
}

// begun returns how many bytes at the end of b are the beginning of delim.
func begun(b, delim []byte) int {
	for n := min(len(delim)-1, len(b)); n > 0; n-- {
		if bytes.HasSuffix(b, delim[:n]) {
			return n
		}
	}
	return 0
}

// exceeded passes on what there is of a line that is too long.
func (l *LineOnlyReceiver) exceeded(line []byte, limit int) {
	if l.lengths == nil {
		l.lose(errLine(limit))
		return
	}
	l.lengths.LineLengthExceeded(line)
}

// restart forgets a line that was too long.
func (l *LineOnlyReceiver) restart() { l.skipping = false }

// user returns the handler.
func (l *LineOnlyReceiver) user() any { return l.handler }

// bindLine joins the receiver and its handler.
func (l *LineOnlyReceiver) bindLine(h LineHandler) *Receiver {
	l.cutter, l.handler = l, h
	l.lengths, _ = h.(LineLengthHandler)
	return &l.Receiver
}
